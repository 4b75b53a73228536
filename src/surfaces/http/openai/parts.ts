import type { MessagePart } from '../../../events/messages.ts'
import type { Json } from '../../../events/values.ts'
import { readObject, readText, refuseField } from './fields.ts'

/** The content of a message: a text, or parts in the words of Chat Completions or of the Responses API. */
export function readContent(content: Json | undefined, field: string): readonly MessagePart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (content === undefined || content === null) return []
  if (!Array.isArray(content)) return refuseField(field, 'a text or a list of parts is expected')
  return content.map((part: Json, index) => readPart(part, `${field}[${index}]`))
}

function readPart(given: Json, field: string): MessagePart {
  const part = readObject(given, field)
  const { type } = part
  if (type === 'text' || type === 'input_text' || type === 'output_text')
    return { type: 'text', text: readText(part['text'], `${field}.text`) }
  if (type === 'refusal') return { type: 'text', text: readText(part['refusal'], `${field}.refusal`) }
  if (type === 'image_url') return readDataUrl(readObject(part['image_url'], `${field}.image_url`)['url'], { field })
  if (type === 'input_image') return readDataUrl(part['image_url'], { field })
  if (type === 'input_audio') {
    const { data, format } = readObject(part['input_audio'], `${field}.input_audio`)
    const kind = format === 'mp3' ? 'mpeg' : readText(format, `${field}.input_audio.format`)
    return { type: 'file', media_type: `audio/${kind}`, data: readText(data, `${field}.input_audio.data`) }
  }
  if (type === 'file' || type === 'input_file') {
    const file = type === 'file' ? readObject(part['file'], `${field}.file`) : part
    const { filename, file_data } = file
    return readDataUrl(file_data, { field, ...(typeof filename === 'string' ? { name: filename } : {}) })
  }
  return refuseField(`${field}.type`, `parts of type ${JSON.stringify(type ?? null)} are not taken`)
}

/** Nothing is fetched for a caller: what a model is to see has to come with the call. */
function readDataUrl(
  url: Json | undefined,
  { field, name }: { readonly field: string; readonly name?: string },
): MessagePart {
  const [, media_type, data] = /^data:([\w.+-]+\/[\w.+-]+)(?:;[^,;]+)*;base64,([\w+/=-]*)$/.exec(String(url)) ?? []
  if (media_type === undefined || data === undefined)
    return refuseField(field, 'only data URLs are taken', 'Send the bytes: data:image/png;base64,…')
  return { type: 'file', media_type, data, ...(name === undefined ? {} : { name }) }
}

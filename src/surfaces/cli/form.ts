import { createInterface, type Interface } from 'node:readline'
import type { Field, Form, FormAnswer } from '../../app/form.ts'
import type { Json } from '../../events/values.ts'
import { makeVisible } from '../../events/views/visible.ts'
import { type Desk, readLine } from './prompt.ts'

/** Shows the person a form and lets them fill it in, field by field. Ctrl-C leaves the form, not the run. */
export async function fillForm(form: Form, desk: Desk, signal: AbortSignal): Promise<FormAnswer> {
  const letBack = desk.hold()
  const line = createInterface({ input: desk.input, output: desk.output, terminal: true, historySize: 0 })
  try {
    desk.output.write(`${desk.redact(`\n${describeForm(form, desk)}`)}\n\n`)
    const answer = await ask(form, { desk, line, signal })
    if (answer.action !== 'accept') desk.output.write('Nothing of this was sent.\n')
    return answer
  } finally {
    line.close()
    letBack()
  }
}

interface Asking {
  readonly desk: Desk
  readonly line: Interface
  readonly signal: AbortSignal
}

async function ask({ fields }: Form, asking: Asking): Promise<FormAnswer> {
  const willing = await askOneOf('Answer it (y yes, n no)? ', ['yes', 'no'], asking)
  if (willing !== 'yes') return { action: willing === 'no' ? 'decline' : 'cancel' }
  const content: Record<string, Json> = {}
  for (const field of fields) {
    const said = await askField(field, asking)
    if (said === undefined) return { action: 'cancel' }
    if ('value' in said) content[field.name] = said.value
  }
  if (fields.length === 0) return { action: 'accept', content }
  const sure = await askOneOf('Send this (y yes, n no)? ', ['yes', 'no'], asking)
  return sure === 'yes' ? { action: 'accept', content } : { action: sure === 'no' ? 'decline' : 'cancel' }
}

/** The value, `{}` for a field that is left empty, or undefined when the person leaves. */
async function askField(
  field: Field,
  { desk, line, signal }: Asking,
): Promise<{ readonly value: Json } | { readonly [none: string]: never } | undefined> {
  const { name, required, fallback } = field
  desk.output.write(`${desk.redact(describeField(field, desk))}\n`)
  const empty =
    fallback === undefined ? (required ? '' : ' (Enter alone: nothing)') : ` (Enter alone: ${say(fallback)})`
  for (;;) {
    const text = await readLine(line, { desk, prompt: `${oneLine(name)}${empty}: `, signal })
    if (text === undefined) return undefined
    if (text === '' && fallback !== undefined) return { value: fallback }
    if (text === '' && !required) return {}
    const said = text === '' ? { wrong: 'it is required' } : field.read(text)
    if ('value' in said) return said
    desk.output.write(`${desk.page.style.paint('yellow', oneLine(said.wrong))}\n`)
  }
}

/** One of the words or its beginning; undefined when the person leaves. */
async function askOneOf(
  prompt: string,
  words: readonly string[],
  { desk, line, signal }: Asking,
): Promise<string | undefined> {
  for (;;) {
    const said = (await readLine(line, { desk, prompt, signal }))?.toLowerCase()
    if (said === undefined) return undefined
    const found = words.find((word) => said !== '' && word.startsWith(said))
    if (found !== undefined) return found
  }
}

/** What a server says stands behind a bar, so that none of it can pretend to be ours. */
function describeForm({ server, message, fields }: Form, { page }: Desk): string {
  const names = fields.map(({ name }) => oneLine(name)).join(', ')
  return [
    `${page.style.paint('bold', oneLine(server))} asks you, and is sent what you answer:`,
    ...message.split('\n').map((line) => `  | ${makeVisible(line)}`),
    ...(names === '' ? [] : [page.style.paint('dim', `fields: ${names}`)]),
  ].join('\n')
}

function describeField({ title, description, kind, choices, required }: Field, { page }: Desk): string {
  const words = [title, description].filter((text) => text !== undefined).map(oneLine)
  const listed = choices.map((choice, index) => `  ${index + 1} ${oneLine(choice.title)}`)
  const what = choices.length > 0 && !kind.startsWith('several') ? 'one of these' : kind
  return [
    ...words.map((text) => `  | ${text}`),
    page.style.paint('dim', `${what}${required ? ', required' : ''}`),
    ...listed,
  ].join('\n')
}

function say(value: Json): string {
  return oneLine(typeof value === 'string' ? value : JSON.stringify(value))
}

function oneLine(text: string): string {
  return makeVisible(text).replace(/[\n\t]/g, ' ')
}

import { isMap } from '../../graph/report.ts'
import type { DifyWork } from './dify-nodes.ts'
import { placeCall } from './dify-nodes.ts'
import { type AgentDraft, escapeLiquid } from './draft.ts'
import type { Piece } from './piece.ts'

/** An app without a graph: one prompt, with `{{variable}}` in it, and one model. */
export function readChat(config: Piece, work: DifyWork, mode: string | undefined): AgentDraft[] {
  const { notes } = work
  const prompt = config.text('pre_prompt')?.trim()
  if (prompt === undefined) {
    notes.refuse(config.path, 'this app has no prompt')
    return []
  }
  const fields = new Map<string, boolean>()
  for (const item of config.list('user_input_form'))
    for (const [, field] of item.entries()) {
      const name = isMap(field.value) ? field.text('variable') : undefined
      if (name !== undefined) fields.set(name, field.get('required').value !== true)
      if (isMap(field.value)) notes.take(field.path)
    }
  const parts = prompt.split(/\{\{\s*([A-Za-z_]\w*)\s*\}\}/)
  const system = parts.map((part, index) => {
    if (index % 2 === 0) return escapeLiquid(part)
    if (fields.has(part)) return fields.get(part) ? `{{ input.${part} | default: "" }}` : `{{ input.${part} }}`
    notes.assume([...config.path, 'pre_prompt'], `{{${part}}} is no input of this app and stays as it is`)
    return escapeLiquid(`{{${part}}}`)
  })
  if (mode === 'agent-chat')
    notes.lose([...config.path, 'agent_mode'], 'tools are not taken over; name them under "tools" of the agent')
  if (fields.size > 0)
    notes.assume(
      [...config.path, 'user_input_form'],
      `the input of a run is a JSON object with ${[...fields.keys(), ...(mode === 'completion' ? [] : ['query'])].join(', ')}`,
    )
  const asks = mode === 'completion' ? undefined : fields.size > 0 ? '{{ input.query }}' : '{{ input }}'
  const call = placeCall(config.map('model'), work)
  const template = asks === undefined ? { prompt: system.join('') } : { system: system.join(''), prompt: asks }
  return [{ name: 'answer', ...call, template }]
}

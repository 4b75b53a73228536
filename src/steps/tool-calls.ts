import type { ModelAnswer, ToolCallPart } from '../events/messages.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { JsonObject } from '../events/values.ts'
import { findMismatches } from '../graph/json-schema.ts'
import { isJsonObject, readJson } from './read-json.ts'

/** A call as the model made it: with arguments that may be executed, or with the reason why it is not. `id` is unique in the step. */
export type CheckedCall = { readonly id: string; readonly name: string } & (
  | { readonly tool: PinnedTool; readonly arguments: JsonObject }
  | { readonly refused: string; readonly raw: string }
)

/** Faults that are named at once. */
const NAMED = 5

/**
 * The calls of an answer, checked strictly: nothing is repaired, for what was meant cannot be known. An answer that did not come to
 * its end may hold calls that were cut off, so none of them counts. Adds the ids to `used`.
 */
export function readCalls(
  answer: Pick<ModelAnswer, 'content' | 'finish'>,
  tools: readonly PinnedTool[],
  used: Set<string>,
): readonly CheckedCall[] {
  const whole = answer.finish === 'tool-calls' || answer.finish === 'stop'
  return answer.content.flatMap((part): CheckedCall[] => {
    if (part.type !== 'tool-call') return []
    const id = claimId(part.id, used)
    const { name, arguments: raw } = part
    const checked = whole
      ? checkCall(part, tools)
      : `the answer was cut off (${answer.finish}), so this call was not executed`
    return [typeof checked === 'string' ? { id, name, refused: checked, raw } : { id, name, ...checked }]
  })
}

function checkCall(
  { name, arguments: raw }: ToolCallPart,
  tools: readonly PinnedTool[],
): { readonly tool: PinnedTool; readonly arguments: JsonObject } | string {
  const tool = tools.find((each) => each.name === name)
  if (!tool) return `there is no tool ${name}; there are: ${tools.map((each) => each.name).join(', ') || 'none'}`
  const given = readJson(raw)
  if (!isJsonObject(given)) return 'the arguments are not a JSON object, so the call was not executed'
  const faults = findMismatches(tool.input_schema, given)
  if (faults.length === 0) return { tool, arguments: given }
  return `the arguments do not follow the schema, so the call was not executed: ${faults.slice(0, NAMED).join('; ')}`
}

/** Small servers count their calls anew in each answer; a result must name one call alone. */
function claimId(wanted: string, used: Set<string>): string {
  const base = wanted === '' ? 'call' : wanted
  let id = base
  for (let n = 2; used.has(id); n++) id = `${base}~${n}`
  used.add(id)
  return id
}

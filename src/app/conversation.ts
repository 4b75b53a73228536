import type { Json } from '../events/values.ts'
import type { RunReport } from '../events/views/run-report.ts'
import { showOutput } from '../events/views/run-report.ts'
import type { StepGraph } from '../graph/step-graph.ts'

/** What was said in a chain, in order: the user's words, then one entry for each step that answered. */
export type Conversation = readonly { readonly role: string; readonly content: string }[]

/** `{role: "gemini (GenerateCode/Developer)", content}` per step. A step that failed has said nothing; the report names it. */
export function listConversation(graph: StepGraph, report: RunReport, input: Json): Conversation {
  const outputs = new Map(
    report.agents.flatMap(({ name, status, output }) =>
      status === 'succeeded' && output !== undefined ? [[name, showOutput(output)] as const] : [],
    ),
  )
  const answers = graph.steps.flatMap(({ id, spec }) => {
    const content = outputs.get(id)
    return content === undefined ? [] : [{ role: typeof spec.title === 'string' ? spec.title : id, content }]
  })
  return [{ role: 'user', content: showOutput(input) }, ...answers]
}

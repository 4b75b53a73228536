// What a model reads, put together within a budget, with a word about every part: nothing is lost in silence.
//   node examples/code/context.ts       (with the pinned Node; outside of this project, import from 'llm-orchestrator')
import { ContextAssembler, ContextBudget } from '../../src/index.ts'

const minutes = (day: string) =>
  `Minutes of ${day}. ${'The bridge was talked about, and nothing was decided. '.repeat(30)}`

const assembler = new ContextAssembler()
const { messages, manifest } = assembler.build({
  directives: [{ role: 'system', content: 'Answer from the minutes alone.' }],
  retrieved_context: ['Monday', 'Tuesday'].map((day) => ({ role: 'user', content: minutes(day) })),
  messages: [
    { role: 'user', content: 'What did they talk about?' },
    { role: 'assistant', content: 'About the bridge.' },
    { role: 'user', content: 'And what was decided?' },
  ],
  provider_caps: { max_tokens: 2000, max_output_tokens: 500 },
  budget: new ContextBudget({ max_tokens_in: 600 }),
})

console.log(
  `${messages.length} messages, at most ${manifest.tokens_after} of ${manifest.limit} tokens (${manifest.method})`,
)
for (const { name, tokens, fate, tokens_after, why } of manifest.parts)
  console.log(`${name}: ${fate}, ${tokens} -> ${tokens_after}${why ? ` (${why})` : ''}`)

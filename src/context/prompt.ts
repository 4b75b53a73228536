import type { Json } from '../events/values.ts'

/** How a step the agent depends on ended, under the name the agent knows it by. */
export interface PromptBlock {
  readonly label: string
  readonly status: 'succeeded' | 'failed' | 'skipped' | 'cancelled'
  readonly output?: Json
  readonly code?: string
  readonly message?: string
}

export interface PromptParts {
  /** Who the agent is, for the heading. */
  readonly title: string
  readonly input: string
  readonly blocks: readonly PromptBlock[]
  /** The closing instruction; without it a usual one that asks to build on the answers. */
  readonly instruct?: string
}

const BUILD_ON =
  'Give your own answer to the input. Use the answers above where they help, and name what in them you doubt.'

/**
 * What an agent reads. Without dependencies that is the input as it is. Otherwise the input and every dependency stand in fences
 * that are longer than any run of backticks inside any of them, so no content can end its own block or begin another.
 */
export function buildPrompt({ title, input, blocks, instruct }: PromptParts): string {
  if (blocks.length === 0 && instruct === undefined) return input
  const contents = blocks.map(({ output }) => (output === undefined ? '' : textOf(output)))
  const fence = chooseFence([input, ...contents])
  const sections = [
    `# Work for ${toOneLine(title)}`,
    `## Input\n\n${enclose(input, fence)}`,
    ...blocks.map((block, index) => describeBlock(block, enclose(contents[index] ?? '', fence))),
    `## What to do\n\n${instruct ?? BUILD_ON}`,
  ]
  return sections.join('\n\n')
}

/** A dependency without an answer is named with the reason, never left out. */
function describeBlock({ label, status, code, message }: PromptBlock, answer: string): string {
  const name = toOneLine(label)
  if (status === 'succeeded') return `## Answer of ${name}\n\n${answer}`
  if (status === 'skipped') return `## No answer of ${name}\n\nIt was skipped.`
  if (status === 'cancelled') return `## No answer of ${name}\n\nIt was cancelled.`
  const reason = [code, message].filter((part) => part !== undefined && part !== '').join(': ')
  return `## No answer of ${name}\n\nIt failed${reason === '' ? '' : ` (${toOneLine(reason)})`}.`
}

function textOf(output: Json): string {
  return typeof output === 'string' ? output : JSON.stringify(output, null, 2)
}

function enclose(content: string, fence: string): string {
  return `${fence}\n${content}\n${fence}`
}

function chooseFence(contents: readonly string[]): string {
  let longest = 2
  for (const content of contents) for (const [run] of content.matchAll(/`+/g)) longest = Math.max(longest, run.length)
  return '`'.repeat(longest + 1)
}

/** Headings are ours: a name or message cannot begin a line of its own in one. */
function toOneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}

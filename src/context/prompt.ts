import type { Json, JsonObject } from '../events/values.ts'

/** How a step the agent depends on ended, under the name the agent knows it by. */
export interface PromptBlock {
  readonly label: string
  readonly status: 'succeeded' | 'failed' | 'skipped' | 'cancelled'
  readonly output?: Json
  readonly code?: string
  readonly message?: string
}

/** Something else to read, under a heading of its own. */
export interface PromptMaterial {
  readonly heading: string
  readonly content: Json
}

/** What an agent answered before, and why that will not do. */
export interface PromptRepair {
  readonly answer: Json
  readonly failures: readonly string[]
}

export interface PromptParts {
  /** Who the agent is, for the heading. */
  readonly title: string
  /** Absent when the agent is not to see it. */
  readonly input?: string
  readonly blocks: readonly PromptBlock[]
  readonly material?: readonly PromptMaterial[]
  /** The closing instruction; without it a usual one that asks to build on the answers. */
  readonly instruct?: string
}

const BUILD_ON =
  'Give your own answer to the input. Use the answers above where they help, and name what in them you doubt.'

/**
 * What an agent reads. Without dependencies that is the input as it is. Otherwise the input and every dependency stand in fences
 * that are longer than any run of backticks inside any of them, so no content can end its own block or begin another.
 */
export function buildPrompt({ title, input, blocks, material = [], instruct }: PromptParts): string {
  if (blocks.length === 0 && material.length === 0 && instruct === undefined) return input ?? ''
  const read = buildBlocks(input, blocks, material)
  const sections = [
    `# Work for ${toOneLine(title)}`,
    ...(read === '' ? [] : [read]),
    `## What to do\n\n${instruct ?? BUILD_ON}`,
  ]
  return sections.join('\n\n')
}

/** The input, if it is to be shown, and every dependency in a labelled fence; then the other material. */
export function buildBlocks(
  input: string | undefined,
  blocks: readonly PromptBlock[],
  material: readonly PromptMaterial[] = [],
): string {
  const contents = blocks.map(({ output }) => (output === undefined ? '' : textOf(output)))
  const others = material.map(({ content }) => textOf(content))
  const fence = chooseFence([input ?? '', ...contents, ...others])
  const sections = [
    ...(input === undefined ? [] : [`## Input\n\n${enclose(input, fence)}`]),
    ...blocks.map((block, index) => describeBlock(block, enclose(contents[index] ?? '', fence))),
    ...material.map(({ heading }, index) => `## ${toOneLine(heading)}\n\n${enclose(others[index] ?? '', fence)}`),
  ]
  return sections.join('\n\n')
}

/** What follows a prompt when an earlier answer has to be mended, and when the answer has to have a form. */
export function buildDemands({
  repair,
  schema,
}: {
  readonly repair?: PromptRepair | undefined
  readonly schema?: JsonObject | undefined
}): string {
  const sections: string[] = []
  if (repair) {
    const answer = textOf(repair.answer)
    sections.push(
      `## Your earlier answer\n\n${enclose(answer, chooseFence([answer]))}`,
      `## What is wrong with it\n\n${repair.failures.map((failure) => `- ${toOneLine(failure)}`).join('\n')}`,
      'Give the whole answer again with this put right, and nothing about the correction.',
    )
  }
  if (schema) {
    const text = JSON.stringify(schema, null, 2)
    const demand = 'Answer with JSON alone, without a fence or words around it, that follows this JSON Schema:'
    sections.push(`## Form of the answer\n\n${demand}\n\n${enclose(text, chooseFence([text]))}`)
  }
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

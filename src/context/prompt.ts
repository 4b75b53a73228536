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

/** A prompt, or text for one, in pieces: those with a name are what others said, and may be shortened. */
export interface PromptPiece {
  readonly text: string
  readonly name?: string
}

/**
 * What an agent reads. Without dependencies that is the input as it is. Otherwise the input and every dependency stand in fences
 * that are longer than any run of backticks inside any of them, so no content can end its own block or begin another.
 */
export function buildPrompt(parts: PromptParts): string {
  return joinPieces(buildPromptPieces(parts))
}

export function buildPromptPieces({
  title,
  input,
  blocks,
  material = [],
  instruct,
}: PromptParts): readonly PromptPiece[] {
  if (blocks.length === 0 && material.length === 0 && instruct === undefined) return [{ text: input ?? '' }]
  const read = listBlocks(input, blocks, material)
  const close = `## What to do\n\n${instruct ?? BUILD_ON}`
  return joinSections([[{ text: `# Work for ${toOneLine(title)}` }], ...read, [{ text: close }]])
}

/** The input, if it is to be shown, and every dependency in a labelled fence; then the other material. */
export function buildBlocks(
  input: string | undefined,
  blocks: readonly PromptBlock[],
  material: readonly PromptMaterial[] = [],
): string {
  return joinPieces(joinSections(listBlocks(input, blocks, material)))
}

function listBlocks(
  input: string | undefined,
  blocks: readonly PromptBlock[],
  material: readonly PromptMaterial[],
): readonly (readonly PromptPiece[])[] {
  const contents = blocks.map(({ output }) => (output === undefined ? '' : textOf(output)))
  const others = material.map(({ content }) => textOf(content))
  const fence = chooseFence([input ?? '', ...contents, ...others])
  const enclosed = (heading: string, content: PromptPiece): readonly PromptPiece[] => [
    { text: `## ${heading}\n\n${fence}\n` },
    content,
    { text: `\n${fence}` },
  ]
  return [
    ...(input === undefined ? [] : [enclosed('Input', { text: input })]),
    ...blocks.map((block, index) => {
      const missing = describeMissing(block)
      if (missing !== undefined) return [{ text: missing }]
      const name = `answer of ${toOneLine(block.label)}`
      return enclosed(`Answer of ${toOneLine(block.label)}`, { text: contents[index] ?? '', name })
    }),
    ...material.map(({ heading }, index) =>
      enclosed(toOneLine(heading), { text: others[index] ?? '', name: toOneLine(heading) }),
    ),
  ]
}

function joinSections(sections: readonly (readonly PromptPiece[])[]): readonly PromptPiece[] {
  return sections.flatMap((section, index) => (index === 0 ? section : [{ text: '\n\n' }, ...section]))
}

function joinPieces(pieces: readonly PromptPiece[]): string {
  return pieces.map(({ text }) => text).join('')
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
function describeMissing({ label, status, code, message }: PromptBlock): string | undefined {
  if (status === 'succeeded') return undefined
  const name = toOneLine(label)
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

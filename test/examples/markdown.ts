import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../processes.ts'

/** A fenced block of a page; `line` is that of its first line of content. */
export interface Block {
  readonly file: string
  readonly line: number
  readonly language: string
  readonly lines: readonly string[]
}

/** The pages that people wrote; the reference of the command line is generated and compared elsewhere. */
export function listPages(): string[] {
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((file) => `docs/${file}`)
  return ['README.md', 'CONTRIBUTING.md', ...below]
    .filter((file) => file.endsWith('.md') && file !== 'docs/cli.md')
    .sort()
}

export function readBlocks(file: string): Block[] {
  const blocks: Block[] = []
  let open: { line: number; language: string; lines: string[] } | undefined
  for (const [index, text] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
    const fence = /^\s*```(\w*)/.exec(text)
    if (!fence) open?.lines.push(text)
    else if (open) {
      blocks.push({ file, ...open })
      open = undefined
    } else open = { line: index + 2, language: fence[1] ?? '', lines: [] }
  }
  return blocks
}

/**
 * The words of every call of `llm-orc` on a line of shell, without the program's name: also behind pipes, `&&`, `$(` and
 * settings such as `NO_COLOR=1`. Quotes are taken off, comments and redirections left out.
 */
export function findCalls(line: string): string[][] {
  return splitCommands(line).flatMap((words) => {
    const start = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word))
    return words[start] === 'llm-orc' ? [words.slice(start + 1)] : []
  })
}

const TOKEN = /\s+|#.*$|\$\(|\d?[<>]&?\s*[^\s|;&)]+|[|;&()]+|(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\|;&()<>])+/gy

function splitCommands(line: string): string[][] {
  const commands: string[][] = [[]]
  let glued = false
  for (const [token] of line.matchAll(TOKEN)) {
    if (/^\s/.test(token)) glued = false
    else if (token.startsWith('#') && !glued) break
    else if (/^\d?[<>]/.test(token)) glued = true
    else if (/^(\$\(|[|;&()]+)$/.test(token)) commands.push([])
    else {
      commands
        .at(-1)
        ?.push(
          token.replace(
            /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g,
            (_, single, double, plain) => single ?? double?.replace(/\\(.)/g, '$1') ?? plain,
          ),
        )
      glued = true
    }
  }
  return commands
}

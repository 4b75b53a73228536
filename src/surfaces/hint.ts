import type { Problem } from '../events/errors.ts'
import { TREE } from './cli/quick.ts'
import { type Command, findPlace, takesValue } from './cli/tree.ts'

/**
 * Hints speak to a person at a terminal: an operation is named by its command (`llm-orc runs show RUN`), a field by its option
 * (`--confirm`). A face where nobody types says the same in its own words.
 */
export interface Wording {
  /** The operation with what it is given; a word that stands for one (`RUN`) is given as it is. `command`: as it is typed. */
  operation(name: string, input: Given, command: string): string
  /** One field, to be given with whatever was asked; `true` and `false` are said, of others only their name. */
  field(name: string, value: boolean | undefined): string
}

export type Given = { readonly [field: string]: string | boolean }

export function rewordHint(hint: string, wording: Wording): string {
  // What is done where the server stands is done at a terminal.
  if (hint.includes('on the server')) return hint
  const parts = hint.split(/`?\bllm-orc (?=[a-z])/)
  return parts
    .map((part, index) => (index === 0 ? rewordOptions(part, wording) : rewordCommand(part, wording)))
    .join('')
}

export function rewordProblem<T extends Pick<Problem, 'hint'>>(problem: T, wording: Wording): T {
  return problem.hint === undefined ? problem : { ...problem, hint: rewordHint(problem.hint, wording) }
}

/** What an operation answers may hold problems, and a hint of its own. */
export function rewordResult(result: unknown, wording: Wording): unknown {
  if (typeof result !== 'object' || result === null) return result
  const { hint, problems } = result as { readonly hint?: unknown; readonly problems?: unknown }
  return {
    ...result,
    ...(typeof hint === 'string' ? { hint: rewordHint(hint, wording) } : {}),
    ...(Array.isArray(problems) && problems.every((each) => typeof each === 'object' && each !== null)
      ? { problems: problems.map((each: Problem) => rewordProblem(each, wording)) }
      : {}),
  }
}

const WORD = /^(?:'[^']*'|"[^"]*"|[^\s`'"()<]+)/

/** A command goes on to the end of its sentence, or of its quotes. */
function rewordCommand(text: string, wording: Wording): string {
  const words: string[] = []
  let rest = text
  for (let match = WORD.exec(rest); match; match = WORD.exec(rest)) {
    const [word] = match
    const bare = word.replace(/[,;:.]$/, '')
    words.push(bare.replace(/^(['"])(.*)\1$/, '$2'))
    rest = rest.slice(bare.length)
    if (bare !== word || !/^ [^(<]/.test(rest)) break
    rest = rest.slice(1)
  }
  const { command, rest: given } = findPlace(TREE, words)
  if (!command) return `llm-orc ${text}`
  const input: { [field: string]: string | boolean } = { ...readGiven(command, given) }
  const piped = command.stdin === undefined ? undefined : /^ ?< [^\s,;]+/.exec(rest)?.[0]
  if (piped !== undefined && command.stdin !== undefined) input[command.stdin] = '…'
  const after = rest.slice(piped?.length ?? 0).replace(/^`/, '')
  const typed = `llm-orc ${text.slice(0, text.length - rest.length).trimEnd()}${piped ?? ''}`
  return wording.operation(command.name, input, typed) + rewordOptions(after, wording)
}

function readGiven(command: Command, words: readonly string[]): Given {
  const given: { [field: string]: string | boolean } = {}
  const open = [...command.arguments]
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    const option = command.options.find(({ long, short }) => long === word || short === word)
    if (option && takesValue(option)) {
      index += 1
      given[option.field] = words[index] ?? '…'
    } else if (option) given[option.field] = !option.long.startsWith('--no-')
    else {
      const argument = open.shift()
      if (argument) given[argument.field] = word
    }
  }
  return given
}

/** Options that stand by themselves belong to what was asked. */
function rewordOptions(text: string, wording: Wording): string {
  return text.replaceAll(/(?<![\w-])--[a-z][a-z-]*/g, (long) => {
    const [option] = TREE.commands.flatMap(({ options }) => options.filter((each) => each.long === long))
    if (!option) return long
    return wording.field(option.field, takesValue(option) ? undefined : !long.startsWith('--no-'))
  })
}

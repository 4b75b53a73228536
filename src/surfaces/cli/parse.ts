import type { CommanderError, Option as Flag, Command as Program } from 'commander'
import { OrcError, type Problem } from '../../events/errors.ts'
import { cleanLine } from '../../events/views/clean.ts'
import type { Settings } from './settings.ts'
import {
  type Argument,
  type Command,
  type CommandTree,
  findPlace,
  type Option,
  spellingsOf,
  takesValue,
} from './tree.ts'
import { readTyped } from './typed.ts'

/** A command line, understood: which operation, with what, and how the face is to behave. */
export interface Parsed {
  readonly command: Command
  readonly input: { readonly [field: string]: unknown }
  readonly settings: Settings
}

/** Reads a command line against the tree. Throws OrcError `unknown_command` or `bad_input`. */
export async function parseArguments(tree: CommandTree, words: readonly string[]): Promise<Parsed> {
  const args = words[0] === 'help' ? words.slice(1) : words
  const commander = await import('commander')
  let parsed: Parsed | undefined
  // What a command takes is told to commander when it is found: of a hundred commands one is wanted.
  const furnish = new Map<Program, () => void>()
  const silent = (program: Program) =>
    program
      .exitOverride()
      .configureOutput({ writeOut: () => {}, writeErr: () => {} })
      .helpOption(false)
      .hook('preSubcommand', (_, entry) => furnish.get(entry)?.())
  const flagsOf = (options: readonly Option[]) => options.flatMap((option) => makeFlags(commander, option))

  const shared = flagsOf(tree.options.filter(({ field }) => field !== 'help' && field !== 'version'))
  const program = silent(new commander.Command('llm-orc')).helpCommand(false)
  for (const { flag } of shared) program.addOption(flag)
  const groups = new Map<string, Program>()
  const findParent = (spelling: string): { readonly parent: Program | undefined; readonly last: string } => {
    const at = spelling.lastIndexOf(' ')
    return { parent: at < 0 ? program : groups.get(spelling.slice(0, at)), last: spelling.slice(at + 1) }
  }
  for (const { name, aliases } of tree.groups) {
    const { parent, last } = findParent(name)
    groups.set(
      name,
      silent((parent ?? program).command(last))
        .aliases([...aliases])
        .helpCommand(false),
    )
  }
  for (const command of tree.commands) {
    for (const spelling of [command.name, ...command.aliases]) {
      const { parent, last } = findParent(spelling)
      if (!parent) continue
      const entry = silent(parent.command(last, { hidden: spelling !== command.name }))
      furnish.set(entry, () => {
        const own = flagsOf(command.options)
        for (const { flag } of own) entry.addOption(flag)
        for (const { field, required } of command.arguments)
          entry.argument(required ? `<${field.toUpperCase()}>` : `[${field.toUpperCase()}]`)
        entry.action(() => {
          const values = readFlags(program, shared)
          for (const [field, value] of readFlags(entry, own)) values.set(field, value)
          parsed = sortValues(command, { values, words: entry.args })
        })
      })
    }
  }
  try {
    program.parse([...args], { from: 'user' })
  } catch (error) {
    if (error instanceof commander.CommanderError) throw explain(error, { tree, args })
    throw error
  }
  if (!parsed) throw new Error('the command line was read, but no command was found in it')
  return parsed
}

interface Made {
  readonly flag: Flag
  readonly option: Option
}

/** One flag for the spelling that is shown, hidden ones for the older spellings. */
function makeFlags(commander: typeof import('commander'), option: Option): Made[] {
  const value = takesValue(option) ? ' <value>' : ''
  const shown = option.short === undefined ? option.long : `${option.short}, ${option.long}`
  return [shown, ...option.old].map((spelling) => {
    const flag = new commander.Option(`${spelling}${value}`)
    if (option.choices) flag.choices([...option.choices])
    if (option.many) flag.argParser((given: string, before: string[] | undefined) => [...(before ?? []), given])
    if (option.hidden || spelling !== shown) flag.hideHelp()
    return { flag, option }
  })
}

function readFlags(program: Program, made: readonly Made[]): Map<Option, unknown> {
  const values = new Map<Option, unknown>()
  for (const { flag, option } of made) {
    const name = flag.attributeName()
    if (program.getOptionValueSource(name) !== 'cli') continue
    // `--streaming` and `--no-streaming` share a name: the value tells which of them was given.
    const value: unknown = program.getOptionValue(name)
    if (flag.isBoolean() || flag.negate ? value === !flag.negate : true) values.set(option, value)
  }
  return values
}

function sortValues(
  command: Command,
  given: { readonly values: ReadonlyMap<Option, unknown>; readonly words: readonly string[] },
): Parsed {
  const input: { [field: string]: unknown } = {}
  const settings: { [field: string]: unknown } = {}
  const problems: Problem[] = []
  const put = (part: Option | Argument, name: string, value: unknown) => {
    const target = 'own' in part ? settings : input
    const texts = Array.isArray(value) ? (value as string[]) : [value as string]
    if (typeof value === 'boolean') target[part.field] = value
    else {
      const read = texts.map((text) => readTyped(part, text, name))
      for (const each of read) if ('problem' in each) problems.push(each.problem)
      const values = read.flatMap((each) => ('problem' in each ? [] : [each.value]))
      target[part.field] = Array.isArray(value) ? values : values[0]
    }
  }
  for (const [option, value] of given.values) put(option, option.long, value)
  for (const [index, argument] of command.arguments.entries()) {
    const word = given.words[index]
    // An argument wins over an option for the same field.
    if (word !== undefined) put(argument, argument.field.toUpperCase(), word)
  }
  if (problems.length > 0) throw new OrcError(problems)
  return { command, input, settings }
}

/** Commander's refusals in our form; its own suggestions are kept. */
function explain(
  error: CommanderError,
  { tree, args }: { readonly tree: CommandTree; readonly args: readonly string[] },
): OrcError {
  const { command, group } = findPlace(tree, args)
  const named = command?.name ?? group?.name
  const help = `Help: llm-orc ${named === undefined ? '' : `${named} `}--help`
  if (error.code === 'commander.help') {
    const message = group ? `${group.name} needs a command` : 'a command is needed'
    return new OrcError({ code: 'unknown_command', message, hint: help })
  }
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = more.join(' ').replace(/^\(|\)$/g, '')
  return new OrcError({
    code: error.code === 'commander.unknownCommand' ? 'unknown_command' : 'bad_input',
    message: cleanLine(first),
    hint: [suggestion, hintFor(error, first), help].filter((hint) => hint !== '').join('\n'),
  })
}

function hintFor(error: CommanderError, message: string): string {
  if (error.code === 'commander.excessArguments') return 'Put an input of several words in quotes.'
  const isProse = error.code === 'commander.unknownOption' && /'-[^']*\s/.test(message)
  return isProse ? 'Put -- before words that begin with a dash.' : ''
}

/** How a field of the input is given on the command line, for messages about it. */
export function nameField(command: Command, field: string): string {
  const argument = command.arguments.find((each) => each.field === field)
  if (argument) return field.toUpperCase()
  const option = command.options.find((each) => each.field === field && !each.own)
  return option ? (spellingsOf(option).find((spelling) => spelling.startsWith('--')) ?? field) : field
}

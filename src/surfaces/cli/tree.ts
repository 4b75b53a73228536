/**
 * The command tree as `npm run generate` writes it: plain JSON, all that is needed to print help and to read a command
 * line. It is made from the operations table and `commands.ts`, and compared with them in `npm run check`.
 */
export interface CommandTree {
  readonly versions: Versions
  /** The page of `llm-orc --help`. */
  readonly help: string
  /** Options every command takes. */
  readonly options: readonly Option[]
  readonly groups: readonly Group[]
  readonly commands: readonly Command[]
}

export interface Versions {
  readonly version: string
  readonly engine: string
  /** Of the journal. */
  readonly format: number
}

/** The first word of several commands: `runs`. */
export interface Group {
  readonly name: string
  readonly aliases: readonly string[]
  readonly summary: string
  readonly help: string
}

export interface Command {
  /** `runs list`: the operation's name is the command's. */
  readonly name: string
  /** Whole other spellings: `list-ensembles` for `ensembles list`. */
  readonly aliases: readonly string[]
  readonly summary: string
  readonly arguments: readonly Argument[]
  readonly options: readonly Option[]
  /** The field that standard input may fill. */
  readonly stdin?: string
  readonly examples: readonly string[]
  readonly help: string
}

export type ValueType = 'text' | 'number' | 'integer' | 'boolean' | 'json'

interface Part {
  /** The field of the operation's input, or of the face's `Settings`. */
  readonly field: string
  readonly description: string
  /** How the value is called in help: `FILE`. */
  readonly placeholder: string
  readonly type: ValueType
  readonly choices?: readonly string[]
}

export interface Argument extends Part {
  readonly required: boolean
}

export interface Option extends Part {
  /** `--seed`; `--no-scripts` gives false. */
  readonly long: string
  /** `-p` */
  readonly short?: string
  /** Accepted as well, but not shown. */
  readonly old: readonly string[]
  readonly required: boolean
  /** May be repeated; the values make a list. */
  readonly many?: true
  readonly default?: string | number | boolean
  /** Belongs to the face: the operation never sees it. */
  readonly own?: true
  readonly hidden?: true
}

/** Where the words at the beginning of a command line lead. */
export interface Place {
  readonly command?: Command
  readonly group?: Group
  /** The words after those that name the command, options included. */
  readonly rest: readonly string[]
}

/** Finds the command or group that is named, reading past options that stand before its words. */
export function findPlace(tree: CommandTree, args: readonly string[]): Place {
  const valued = new Set(tree.options.filter(takesValue).flatMap(spellingsOf))
  const before: string[] = []
  let group: Group | undefined
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? ''
    if (word === '--') break
    if (word.startsWith('-')) {
      before.push(word)
      const value = args[index + 1]
      if (valued.has(word) && value !== undefined) {
        before.push(value)
        index += 1
      }
      continue
    }
    const rest = [...before, ...args.slice(index + 1)]
    const full = group ? `${group.name} ${word}` : word
    const command = findCommand(tree, full)
    if (command) return { command, rest }
    const found = tree.groups.find(({ name, aliases }) => name === full || aliases.includes(full))
    if (!found)
      return group ? { group, rest: [...before, ...args.slice(index)] } : { rest: [...before, ...args.slice(index)] }
    group = found
  }
  return group ? { group, rest: before } : { rest: args }
}

function findCommand(tree: CommandTree, name: string): Command | undefined {
  return tree.commands.find((command) => command.name === name || command.aliases.includes(name))
}

export function takesValue(option: Option): boolean {
  return option.type !== 'boolean'
}

export function spellingsOf(option: Option): readonly string[] {
  return [...(option.short === undefined ? [] : [option.short]), option.long, ...option.old]
}

import { type Argument, type Command, type Group, type Option, takesValue } from './tree.ts'

/** Help pages are made once, by the generator: plain text of at most `WIDTH` columns. */
const WIDTH = 100
const NAME = 'llm-orc'

type Page = Omit<Command, 'help'>

export function describeProgram(program: {
  readonly commands: readonly Page[]
  readonly groups: readonly Omit<Group, 'help'>[]
  readonly options: readonly Option[]
}): string {
  const single = program.commands.filter(({ name }) => !name.includes(' '))
  const groups = program.groups.map(({ name, summary }) => ({
    name,
    summary: `${summary} (${verbsOf(name, program.commands).join(', ')})`,
  }))
  return page([
    [`${NAME}: run work for large language models; every run is a journal that can be replayed.`],
    [`Usage: ${NAME} COMMAND [options]`],
    [
      'Commands:',
      ...list(
        [...single, { name: 'help', summary: 'Show help for a command: llm-orc help run' }].map(({ name, summary }) => [
          name,
          summary,
        ]),
      ),
    ],
    ['Groups of commands:', ...list(groups.map(({ name, summary }) => [name, summary]))],
    ['Options of every command:', ...listOptions(program.options)],
    [
      'Exit codes: 0 succeeded, 1 failed or partial, 2 bad input, 3 refused by policy or trust,',
      '4 waiting for a person, 5 exhausted, 78 configuration, 130 cancelled.',
    ],
    [`Start with: ${NAME} demo`],
  ])
}

export function describeGroup(group: Omit<Group, 'help'>, commands: readonly Page[]): string {
  const own = commands.filter(({ name }) => name.startsWith(`${group.name} `))
  return page([
    [`Usage: ${NAME} ${group.name} COMMAND [options]`],
    [group.summary],
    ['Commands:', ...list(own.map(({ name, summary }) => [name, summary]))],
    ...(group.aliases.length > 0 ? [[`Also: ${NAME} ${group.aliases.join(', ')}`]] : []),
    [`More about one: ${NAME} ${own[0]?.name ?? group.name} --help`],
  ])
}

export function describeCommand(command: Page): string {
  const shown = command.options.filter(({ hidden }) => !hidden)
  return page([
    [describeUsage(command)],
    [command.summary],
    ...(command.stdin === undefined
      ? []
      : [
          wrap(
            `Without ${command.stdin.toUpperCase()}, standard input is read when it is a pipe, a file or a socket; "-" reads it in any case.`,
            0,
          ),
        ]),
    ...(command.arguments.length > 0
      ? [['Arguments:', ...list(command.arguments.map((argument) => [nameArgument(argument), argument.description]))]]
      : []),
    ...(shown.length > 0 ? [['Options:', ...listOptions(shown)]] : []),
    [`Options of every command: ${NAME} --help`],
    ...(command.examples.length > 0 ? [['Examples:', ...command.examples.map((example) => `  ${example}`)]] : []),
    ...(command.aliases.length > 0 ? [[`Also: ${command.aliases.map((alias) => `${NAME} ${alias}`).join(', ')}`]] : []),
  ])
}

export function describeUsage({
  name,
  arguments: args,
  options,
}: Pick<Page, 'name' | 'arguments' | 'options'>): string {
  const words = args.map((argument) => (argument.required ? nameArgument(argument) : `[${nameArgument(argument)}]`))
  const required = options.filter((option) => option.required && !args.some(({ field }) => field === option.field))
  const forced = required.map((option) => `${option.long} ${option.placeholder}`)
  return [
    `Usage: ${NAME} ${name}`,
    ...words,
    ...forced,
    ...(options.some(({ hidden }) => !hidden) ? ['[options]'] : []),
  ].join(' ')
}

export function nameArgument({ field, choices }: Argument): string {
  return choices ? choices.join('|') : field.toUpperCase()
}

/** `-m, --model MODEL` */
export function nameOption(option: Option): string {
  const value = takesValue(option) ? ` ${option.placeholder}` : ''
  return `${option.short === undefined ? '' : `${option.short}, `}${option.long}${value}`
}

/** What an option is, with what happens without it. */
export function explainOption(option: Option): string {
  const notes = [
    ...(option.many ? ['may be repeated'] : []),
    ...(option.default === undefined ? [] : [`default: ${option.default}`]),
  ].filter((note) => !option.description.includes(note))
  return notes.length > 0 ? `${option.description} (${notes.join('; ')})` : option.description
}

function listOptions(options: readonly Option[]): string[] {
  const indent = (option: Option) => (option.short === undefined ? `    ${nameOption(option)}` : nameOption(option))
  return list(options.map((option) => [indent(option), explainOption(option)]))
}

/** Two columns; a first part that is too long for its column stands on a line of its own. */
function list(rows: readonly (readonly [string, string])[]): string[] {
  const column = Math.min(30, Math.max(...rows.map(([name]) => name.length))) + 4
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, column)
    const head = `  ${name}`
    if (head.length + 2 > column) return [head, ...lines]
    return [head.padEnd(column) + (lines[0] ?? '').trimStart(), ...lines.slice(1)]
  })
}

function wrap(text: string, indent: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => (' '.repeat(indent) + each).trimEnd())
}

function verbsOf(group: string, commands: readonly Page[]): string[] {
  return commands.filter(({ name }) => name.startsWith(`${group} `)).map(({ name }) => name.slice(group.length + 1))
}

/** ASCII, as far as the table of operations allows: help is read where nothing else works. */
function page(blocks: readonly (readonly string[])[]): string {
  return `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`.replaceAll(' · ', '; ')
}

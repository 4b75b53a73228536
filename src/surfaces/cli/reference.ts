import { describeUsage, explainOption, nameArgument, nameOption } from './help.ts'
import type { CommandTree, Option } from './tree.ts'

/** docs/cli.md: every command on one page. */
export function writeReference(tree: CommandTree): string {
  const commands = tree.commands.map((command) => {
    const shown = command.options.filter(({ hidden }) => !hidden)
    const old = command.options.flatMap((option) =>
      option.old.map((spelling) => `\`${spelling}\` for \`${option.long}\``),
    )
    return [
      `## ${command.name}`,
      command.summary,
      codeBlock([describeUsage(command).replace('Usage: ', '')]),
      ...(command.arguments.length > 0
        ? [
            table(
              'argument',
              command.arguments.map((argument) => [nameArgument(argument), argument.description]),
            ),
          ]
        : []),
      ...(shown.length > 0 ? [optionTable(shown)] : []),
      ...(command.examples.length > 0 ? [codeBlock(command.examples)] : []),
      ...(command.aliases.length > 0
        ? [`Also: ${command.aliases.map((alias) => `\`llm-orc ${alias}\``).join(', ')}.`]
        : []),
      ...(old.length > 0 ? [`Older spellings: ${old.join(', ')}.`] : []),
    ].join('\n\n')
  })
  const groups = tree.groups.filter(({ aliases }) => aliases.length > 0)
  return `${[INTRODUCTION, '## Options of every command', optionTable(tree.options), INPUT, EXITS, ...commands, '## Short names of groups', groups.map(({ name, aliases }) => `- \`${aliases.join('`, `')}\`: \`${name}\``).join('\n')].join('\n\n')}\n`
}

const INTRODUCTION = `# Command line

<!-- Written by \`npm run generate\` from the operations table and src/surfaces/cli/commands.ts; do not edit. -->

\`llm-orc\` and \`llm-orchestrator\` are the same program. Standard output holds one result and nothing else; progress,
notes and problems go to standard error. \`--output json\` prints the operation's whole result as one document, and when
the operation fails, a document \`{"problems": [{"code", "message", …}]}\` with codes from [errors.md](errors.md).
\`--\` ends the options: every word after it is an argument. A fault of the program itself is told in one line;
\`LLM_ORC_DEBUG=1\` shows where it happened.`

const INPUT = `## Where the input comes from

\`run\` takes its input from the first of these that is there: the argument, \`--input\`, \`--input-file\`, standard input,
the ensemble's \`default_task\`, a fixed sentence. Standard input is read when it is a pipe, a file or a socket: never
from a terminal, never from \`/dev/null\`. \`run TARGET\` waits until a pipe ends and says so after three seconds; beside
\`--prompt\` a pipe that stays silent for three seconds is left alone. \`-\` as input waits in any case. At most 10 MiB of
UTF-8 text are taken, and one line end at the end is left out.`

const EXITS = `## Exit codes

| code | meaning |
|---|---|
| 0 | succeeded; also when the reader of the output has gone |
| 1 | failed, or partial |
| 2 | bad input |
| 3 | refused by policy or trust |
| 4 | waiting for a person |
| 5 | exhausted: a budget or limit ended it |
| 78 | the configuration, or the Node version |
| 130 | cancelled |

Ctrl-C once cancels cleanly, a second time ends the program at once.`

function optionTable(options: readonly Option[]): string {
  return table(
    'option',
    options.filter(({ hidden }) => !hidden).map((option) => [nameOption(option), explainOption(option)]),
  )
}

function table(title: string, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([name, text]) => `| \`${name.replaceAll('|', '\\|')}\` | ${text.replaceAll('|', '\\|')} |`)
  return [`| ${title} | meaning |`, '|---|---|', ...lines].join('\n')
}

function codeBlock(lines: readonly string[]): string {
  return ['```sh', ...lines, '```'].join('\n')
}

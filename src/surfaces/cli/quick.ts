import generated from './commands.generated.json' with { type: 'json' }
import { type CommandTree, findPlace, type Place } from './tree.ts'

export const TREE = generated as unknown as CommandTree

/**
 * The answer to a question about the program itself: help and versions, from the generated tree alone. `undefined`: there
 * is something to do. Nothing heavy may be imported here; a test looks.
 */
export function answerQuickly(args: readonly string[], tree: CommandTree = TREE): string | undefined {
  const end = args.indexOf('--')
  const words = end === -1 ? args : args.slice(0, end)
  if (words.some((word) => word === '--help' || word === '-h')) return showHelp(withoutHelp(words), tree)
  if (words.some((word) => word === '--version' || word === '-V')) return `${tree.versions.version}\n`
  if (words[0] === 'help') return showHelp(words.slice(1), tree)
  if (words.length === 0 && end === -1) return tree.help
  const place = findPlace(tree, words)
  if (place.command?.name === 'version') return showVersion(place.rest, tree)
  return ['', 'help'].includes(place.rest.join(' ')) ? place.group?.help : undefined
}

/** Help for what is not there is for the parser to refuse. */
function showHelp(words: readonly string[], tree: CommandTree): string | undefined {
  const place = findPlace(tree, words)
  const page = place.command?.help ?? (hasMoreWords(place) ? undefined : place.group?.help)
  if (page !== undefined) return page
  return hasMoreWords(place) ? undefined : tree.help
}

function hasMoreWords(place: Place): boolean {
  return place.rest.some((word) => !word.startsWith('-'))
}

function withoutHelp(words: readonly string[]): string[] {
  const rest = words.filter((word) => word !== '--help' && word !== '-h')
  return rest[0] === 'help' ? rest.slice(1) : rest
}

function showVersion(rest: readonly string[], tree: CommandTree): string | undefined {
  const versions = { ...tree.versions, node: process.versions.node }
  switch (rest.join(' ')) {
    case '':
    case '--output text':
    case '--output=text':
      return `llm-orc ${versions.version}\nengine ${versions.engine}, journal format ${versions.format}, node ${versions.node}\n`
    case '--output json':
    case '--output=json':
      return `${JSON.stringify(versions, null, 2)}\n`
    default:
      return undefined
  }
}

import { type Block, readFacts } from './material.ts'
import { inTextOrder, NOTICE, type Quote, toBullets } from './quote.ts'
import { measureLikeness, pickDiverse, scoreCentrality, weighWords } from './rank.ts'
import { splitSentences } from './sentences.ts'
import { splitWords } from './words.ts'

/** Sentences and quotes taken from one answer. */
const READ_LIMIT = 400
const EACH = 4
/** A heading of `answer.ts` over the quotes for one aim. */
const GROUP = /^(\p{Lu}[\p{L} ]{2,40}):$/u
const OWN_BULLET = /^- (?:([^"]{1,80}): )?"(.+)" \(([^()]+)\)$/u

/** Answers in words, as opposed to measurements and answers that never came. */
export function isProse({ text, missing }: Block): boolean {
  return missing === undefined && text !== '' && readFacts(text) === undefined
}

/** What several answers share comes first, then the best of each under its author; measurements are shown as they are. */
export function composeSynthesis(blocks: readonly Block[]): string[] {
  const answers = blocks.filter(isProse).map((block) => ({ label: block.label, quotes: readQuotes(block) }))
  const shared = findShared(answers)
  const lines = [`${NOTICE} The best quotes out of ${answers.length} answer(s), each under its author.`]
  if (shared.length > 0) lines.push('', 'Chosen by more than one:', ...toBullets(shared.slice(0, EACH)))
  for (const { label, quotes } of answers) {
    const own = quotes.filter((quote) => !shared.some((other) => isTwin(other, quote)))
    const rest = shared.length > 0 ? 'Nothing beyond what is already quoted.' : 'Nothing to quote.'
    const picked = pickQuotes(own, EACH)
    lines.push('', `${label}:`, ...(picked.length > 0 ? toBullets(picked) : [rest]))
  }
  return [...lines, ...describeOthers(blocks)]
}

/** Measurements and missing answers, each under its author. */
export function describeOthers(blocks: readonly Block[]): string[] {
  return blocks.flatMap(({ label, text, missing }) => {
    if (missing !== undefined) return ['', `${label} gave no answer. ${missing}`]
    const facts = readFacts(text)
    return facts === undefined ? [] : ['', `${label} (data):`, ...facts.map((fact) => `- ${fact}`)]
  })
}

/** The author's order is a ranking too, so early quotes keep a small lead over central ones. */
function pickQuotes(quotes: readonly Quote[], count: number): Quote[] {
  const sentences = quotes.map(({ sentence }) => sentence)
  const centrality = scoreCentrality(sentences, weighWords(sentences))
  const candidates = quotes.map((_, index) => ({ index, score: (centrality[index] ?? 0) + 0.3 / (index + 1) }))
  return inTextOrder(pickDiverse(sentences, candidates, count)).flatMap((index) => quotes[index] ?? [])
}

/** The sentences of another answer. Quotes of this provider keep their first source; its remarks are not quoted again. */
function readQuotes({ label, text }: Block): Quote[] {
  if (!text.startsWith(NOTICE)) {
    return splitSentences(text, READ_LIMIT).map((sentence) => ({ sentence, text: sentence.text, source: label }))
  }
  let group: string | undefined
  const quotes: Quote[] = []
  for (const line of text.split('\n').slice(0, READ_LIMIT)) {
    group = GROUP.exec(line)?.[1] ?? group
    const [, what = group, quoted, source = ''] = OWN_BULLET.exec(line) ?? []
    if (quoted === undefined) continue
    const sentence = { text: quoted, words: splitWords(quoted), section: '', place: '', prior: 0 }
    quotes.push({ sentence, text: quoted, source, ...(what === undefined ? {} : { what }) })
  }
  return quotes
}

function findShared(answers: readonly { readonly label: string; readonly quotes: readonly Quote[] }[]): Quote[] {
  const shared: Quote[] = []
  answers.forEach(({ label, quotes }, at) => {
    for (const found of quotes) {
      if (shared.some((other) => isTwin(other, found))) continue
      const others = answers.slice(at + 1).filter((answer) => answer.quotes.some((quote) => isTwin(quote, found)))
      if (others.length === 0) continue
      const authors = [label, ...others.map((answer) => answer.label)].join(', ')
      const { sentence, text, source } = found
      shared.push({ sentence, text, source: source === label ? authors : `${authors}; ${source}` })
    }
  })
  return shared
}

function isTwin(a: Quote, b: Quote): boolean {
  if (a.text === b.text) return true
  return a.sentence.words.length > 3 && measureLikeness(a.sentence.words, b.sentence.words) > 0.9
}

import { readCount } from './aims.ts'
import { type Block, type Material, readFacts } from './material.ts'
import { inTextOrder, NOTICE, type Quote, toBullets } from './quote.ts'
import { measureLikeness, pickDiverse, scoreCentrality, weighWords } from './rank.ts'
import { splitSentences } from './sentences.ts'

const SENTENCE_LIMIT = 5_000

/** What several answers share comes first, then the best of each; measurements are shown as they are. */
export function composeSynthesis({ blocks, instruction }: Material): string[] {
  const facts = blocks.map(({ label, text }) => ({ label, facts: readFacts(text) }))
  const prose = blocks.filter((_, at) => facts[at]?.facts === undefined).map((block) => readQuotes(block))
  const shared = findShared(prose)
  const each = Math.min(readCount(instruction) ?? 4, 8)
  const lines = [`${NOTICE} The best quotes out of ${blocks.length} answer(s), each under its author.`]
  if (shared.length > 0) lines.push('', 'Chosen by more than one:', ...toBullets(shared.slice(0, each)))
  const sharedTexts = new Set(shared.map(({ text }) => text))
  let at = 0
  for (const { label, facts: measured } of facts) {
    if (measured !== undefined) {
      lines.push('', `${label} (measured):`, ...measured.map((fact) => `- ${fact}`))
      continue
    }
    const quotes = (prose[at] ?? []).filter(({ text }) => !sharedTexts.has(text))
    at += 1
    const sentences = quotes.map(({ sentence }) => sentence)
    const weights = weighWords(sentences)
    const centrality = scoreCentrality(sentences, weights)
    // The author's order is a ranking too; early quotes keep a small lead.
    const candidates = quotes.map((_, index) => ({ index, score: (centrality[index] ?? 0) + 0.3 / (index + 1) }))
    const picked = inTextOrder(pickDiverse(sentences, candidates, each)).flatMap((index) => quotes[index] ?? [])
    const fallback = sharedTexts.size > 0 ? 'Nothing beyond what is already quoted.' : 'Nothing to quote.'
    lines.push('', `${label}:`, ...(picked.length > 0 ? toBullets(picked) : [fallback]))
  }
  return lines
}

/** The sentences of another answer. A bullet of this provider keeps its inner source beside the author's name. */
function readQuotes({ label, text }: Block): Quote[] {
  const body = text
    .split('\n')
    .filter((line) => !line.startsWith(NOTICE) && !/^\S[^.!?]{0,60}:$/u.test(line.trim()))
    .join('\n')
  return splitSentences(body, SENTENCE_LIMIT).map((sentence) => {
    const marked = /^(?:([^"“]{0,80}): )?"(.+)" \(([^()]+)\)$/u.exec(sentence.text)
    const quoted = marked?.[2]
    if (quoted === undefined) return { sentence, text: sentence.text, source: label }
    const what = marked?.[1]
    return { sentence, text: what === undefined ? quoted : `${what}: ${quoted}`, source: `${label}; ${marked?.[3]}` }
  })
}

function findShared(answers: readonly (readonly Quote[])[]): Quote[] {
  const shared: Quote[] = []
  answers.forEach((quotes, at) => {
    for (const found of quotes) {
      if (shared.some(({ text }) => text === found.text)) continue
      const others = answers.slice(at + 1).flatMap((other) => {
        const twin = other.find((candidate) => candidate.text === found.text || isTwin(candidate, found))
        return twin === undefined ? [] : [twin.source.split(';')[0] ?? '']
      })
      if (others.length > 0) shared.push({ ...found, source: [found.source.split(';')[0], ...others].join(', ') })
    }
  })
  return shared
}

function isTwin(a: Quote, b: Quote): boolean {
  return a.sentence.words.length > 3 && measureLikeness(a.sentence.words, b.sentence.words) > 0.9
}

import { type Aim, asksForNewText, asksForSummary, findAims, isMarked, measureAim, readCount } from './aims.ts'
import { looksLikeCode, looksLikeDiff, readCode, readDiff } from './code.ts'
import { type Material, readFacts } from './material.ts'
import { inTextOrder, NOTICE, type Quote, toBullets } from './quote.ts'
import { measureCoverage, pickDiverse, scoreCentrality, scoreRelevance, weighWords } from './rank.ts'
import { reviewCode } from './review.ts'
import { type Sentence, splitSentences } from './sentences.ts'
import { composeSynthesis, describeOthers, isProse } from './synthesis.ts'
import { splitQueryWords } from './words.ts'

const SENTENCE_LIMIT = 20_000
const DEFAULT_COUNT = 6
/** A quote answers a question when it covers this share of the question's weight; lower ones only share a word. */
const QUESTION_FLOOR = 0.3

interface Reading {
  readonly sentences: readonly Sentence[]
  readonly weights: ReadonlyMap<string, number>
  readonly centrality: readonly number[]
}

/** The whole answer, as lines. Never empty; equal material gives equal lines. */
export function composeAnswer(material: Material): string[] {
  const { blocks } = material
  const lines = blocks.some(isProse)
    ? composeSynthesis(blocks)
    : [...composeFromDocument(material), ...describeOthers(blocks)]
  const limits: string[] = []
  if (material.cut) limits.push('The material was too long; its end was not read.')
  if (material.unread > 0) limits.push(`${material.unread} attached file(s) were not read.`)
  return [...lines, ...(limits.length > 0 ? ['', ...limits] : [])]
}

function composeFromDocument({ document, question, instruction }: Material): string[] {
  if (document.trim() === '') {
    return [
      `${NOTICE} Nothing to quote: the request holds no material.`,
      'This stand-in only picks sentences out of a text it is given. Give it a text, or choose a model that writes.',
    ]
  }
  if (looksLikeDiff(document))
    return [`${NOTICE} Findings by simple patterns.`, ...reviewCode(readDiff(document), instruction)]
  if (looksLikeCode(document))
    return [`${NOTICE} Findings by simple patterns.`, ...reviewCode(readCode(document), instruction)]
  const facts = readFacts(document)
  if (facts !== undefined)
    return [`${NOTICE} The material is data; its first values.`, ...facts.map((fact) => `- ${fact}`)]
  const reading = readSentences(document)
  if (question !== '') return answerQuestion(reading, question, instruction)
  const aims = findAims(instruction)
  if (aims.length > 0 && reading.sentences.length > 0) return quoteByAims(reading, aims, instruction)
  return quoteCentral(reading, instruction)
}

function readSentences(text: string): Reading {
  const sentences = splitSentences(text, SENTENCE_LIMIT)
  const weights = weighWords(sentences)
  return { sentences, weights, centrality: scoreCentrality(sentences, weights) }
}

function answerQuestion(reading: Reading, question: string, instruction: string): string[] {
  const query = splitQueryWords(question)
  const relevance = scoreRelevance(reading.sentences, query, reading.weights)
  const aims = findAims(question)
  const candidates = reading.sentences.flatMap((sentence, index) =>
    measureCoverage(sentence, query, reading.weights) >= QUESTION_FLOOR
      ? [
          {
            index,
            score: (relevance[index] ?? 0) + 0.2 * measureBest(aims, sentence) + 0.1 * (reading.centrality[index] ?? 0),
          },
        ]
      : [],
  )
  const quotes = quote(reading, pickDiverse(reading.sentences, candidates, readCount(instruction) ?? 3))
  if (quotes.length === 0) return [`${NOTICE} Nothing in the material answers this.`, `Asked: ${question}`]
  return [
    `${NOTICE} Closest passages, best first; whether they answer the question is for the reader.`,
    ...toBullets(quotes),
  ]
}

function measureBest(aims: readonly Aim[], { text }: Sentence): number {
  return Math.max(0, ...aims.map((aim) => measureAim(aim, text)))
}

/** Quotes under one heading per aim, in the order of the text; an aim that nothing shows says so. */
function quoteByAims(reading: Reading, aims: readonly Aim[], instruction: string): string[] {
  const query = splitQueryWords(instruction)
  const relevance = scoreRelevance(reading.sentences, query, reading.weights)
  const each = (readCount(instruction) ?? aims.length > 1) ? 4 : DEFAULT_COUNT
  const used = new Set<number>()
  const body = aims.flatMap((aim) => {
    const candidates = reading.sentences.flatMap((sentence, index) => {
      const shown = used.has(index) ? 0 : measureAim(aim, sentence.text)
      const titled = aim.asked.test(sentence.section) && !used.has(index) ? 0.6 : 0
      if (shown + titled === 0) return []
      return [
        { index, score: shown + titled + 0.4 * (reading.centrality[index] ?? 0) + 0.15 * (relevance[index] ?? 0) },
      ]
    })
    const picked = pickDiverse(reading.sentences, candidates, each)
    for (const index of picked) used.add(index)
    const heading = aims.length > 1 ? [`${aim.name}:`] : []
    if (picked.length === 0) return [...heading, `Nothing in the material reads like this: ${aim.name.toLowerCase()}.`]
    return [...heading, ...toBullets(quote(reading, inTextOrder(picked)))]
  })
  return [`${NOTICE} Quotes for: ${aims.map(({ name }) => name.toLowerCase()).join(', ')}.`, ...body]
}

function quoteCentral(reading: Reading, instruction: string): string[] {
  const query = splitQueryWords(instruction)
  const relevance = scoreRelevance(reading.sentences, query, reading.weights)
  const candidates = reading.sentences.flatMap((sentence, index) => {
    // Two words are a title or a greeting, not a statement.
    if (sentence.words.length < 3) return []
    const fullness = Math.min(1, sentence.words.length / 8)
    const score = 0.55 * (reading.centrality[index] ?? 0) + 0.3 * sentence.prior + 0.15 * (relevance[index] ?? 0)
    return [{ index, score: fullness * score + (isMarked(sentence.text) ? 0.1 : 0) }]
  })
  const picked = pickDiverse(reading.sentences, candidates, readCount(instruction) ?? DEFAULT_COUNT)
  if (picked.length === 0) return [`${NOTICE} Nothing in the material can be quoted: it holds no full sentence.`]
  const notice = asksForNewText(instruction)
    ? 'It cannot write new text; these are the most central passages.'
    : asksForSummary(instruction)
      ? 'The most central passages, in the order of the text.'
      : 'The instruction names nothing it can look for; these are the most central passages.'
  return [`${NOTICE} ${notice}`, ...toBullets(quote(reading, inTextOrder(picked)))]
}

function quote({ sentences }: Reading, picked: readonly number[]): Quote[] {
  return picked.flatMap((index) => {
    const sentence = sentences[index]
    if (sentence === undefined) return []
    const { section, place, text } = sentence
    return [{ sentence, text, source: section === '' ? place : `${section}, ${place}` }]
  })
}

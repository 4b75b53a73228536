// Primitive: text/measure_text
// Input: the step's input as text, or the file at the parameter path; terms (8), paragraphs (3): how many of each are listed
// Output: success, characters, words, sentences, paragraphs, reading_minutes, average_sentence_words, longest_sentence_words, flesch_reading_ease (English only), questions, headings, frequent_terms, dates, times, amounts, percentages, longest_paragraphs
// Depends: Node 20 or newer, nothing else
// Safety: pure

import { readFile } from 'node:fs/promises'

const WORDS_PER_MINUTE = 230
const LIST_LIMIT = 20
const MONTHS = 'January|February|March|April|May|June|July|August|September|October|November|December'
const DATES = new RegExp(
  `\\b\\d{4}-\\d{2}-\\d{2}\\b|\\b\\d{1,2} (?:${MONTHS})(?: \\d{4})?\\b|\\b(?:${MONTHS}) \\d{1,2}(?:, \\d{4})?\\b|\\b\\d{1,2}\\.\\d{1,2}\\.\\d{4}\\b`,
  'gu',
)
const TIMES = /\b(?:[01]?\d|2[0-3]):[0-5]\d\b/gu
const AMOUNTS = /[$€£¥]\s?\d[\d,.]*\d|[$€£¥]\s?\d|\b\d[\d,.]*\s?(?:EUR|USD|GBP|CHF|JPY|€|£)/gu
const PERCENTAGES = /\d+(?:[.,]\d+)?\s?%/gu
const COMMON = new Set(
  `about after again all also and any are because been before being between both but can could did does down each every few for
  from had has have her here him his how into its itself just more most not now off once one only other our out over own same she
  should since some such than that the their them then there these they this those through too two under until very was we were
  what when where which while who whom why will with would yet you your`.split(/\s+/u),
)

async function readCall() {
  let text = ''
  if (!process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  const call = text.trim() === '' ? { input: process.env.INPUT_DATA } : JSON.parse(text)
  return { parameters: call.parameters ?? JSON.parse(process.env.AGENT_PARAMETERS || '{}'), input: call.input }
}

async function readText({ parameters, input }) {
  if (parameters.path !== undefined) return readFile(parameters.path, 'utf8')
  return typeof input === 'string' ? input : JSON.stringify(input ?? '', null, 2)
}

/** Blocks of lines between empty ones; headings, rules and fenced code are no paragraphs, every list item is one. */
function readParagraphs(text) {
  const paragraphs = []
  let open
  let fenced = false
  for (const line of text.split(/\r\n|\n/u)) {
    if (/^\s*(?:```|~~~)/u.test(line)) fenced = !fenced
    if (fenced || /^\s*(?:```|~~~|$)|^#{1,6}\s|^\s*(?:[-*_=] ?){3,}$/u.test(line)) open = undefined
    else if (open === undefined || /^\s*(?:[-*+]|\d{1,3}[.)])\s/u.test(line))
      paragraphs.push((open = [line.replace(/^\s*(?:[-*+]|\d{1,3}[.)])\s+/u, '')]))
    else open.push(line.trim())
  }
  return paragraphs.map((lines) => lines.join(' '))
}

function splitSentences(paragraph) {
  return paragraph
    .split(/(?<=[.!?…]["'”’)]{0,2})\s+(?=[\p{Lu}\p{N}"'“‘(])|(?<=[。！？])/u)
    .filter((part) => /[\p{L}\p{N}]/u.test(part))
}

function splitWords(text) {
  return text.match(/[\p{L}\p{M}\p{N}]+(?:['’.,:-][\p{L}\p{N}]+)*/gu) ?? []
}

function countSyllables(word) {
  const groups = word
    .toLowerCase()
    .replace(/e$/u, '')
    .match(/[aeiouy]+/gu)
  return Math.max(1, groups?.length ?? 0)
}

function countTerms(words, limit) {
  const counts = new Map()
  for (const word of words) {
    const term = word.toLowerCase()
    if (term.length > 2 && !COMMON.has(term) && /^\p{L}/u.test(term)) counts.set(term, (counts.get(term) ?? 0) + 1)
  }
  return [...counts]
    .filter(([, count]) => count > 1)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([term, count]) => ({ term, count }))
}

function findAll(text, pattern) {
  return [...new Set(text.match(pattern) ?? [])].slice(0, LIST_LIMIT)
}

function round(number) {
  return Math.round(number * 10) / 10
}

function measure(text, { terms = 8, paragraphs: shown = 3 }) {
  const paragraphs = readParagraphs(text)
  const prose = paragraphs.join('\n\n')
  const sentences = paragraphs.flatMap(splitSentences)
  const words = splitWords(prose)
  const lengths = sentences.map((sentence) => splitWords(sentence).length)
  const plain = words.filter((word) => /^[a-z]/iu.test(word))
  const average = sentences.length === 0 ? 0 : words.length / sentences.length
  const syllables = plain.reduce((sum, word) => sum + countSyllables(word), 0)
  const ease = 206.835 - 1.015 * average - (84.6 * syllables) / Math.max(1, plain.length)
  return {
    success: true,
    characters: [...text].length,
    words: words.length,
    sentences: sentences.length,
    paragraphs: paragraphs.length,
    reading_minutes: round(words.length / WORDS_PER_MINUTE),
    average_sentence_words: round(average),
    longest_sentence_words: lengths.reduce((longest, length) => Math.max(longest, length), 0),
    flesch_reading_ease: plain.length === 0 ? null : round(ease),
    questions: sentences.filter((sentence) => /[?？]["'”’)]*$/u.test(sentence.trim())).length,
    headings: [...text.matchAll(/^(#{1,6})[ \t]+(\S.*)$/gmu)].map(([, marks, title]) => ({
      level: marks.length,
      title: title.trim(),
    })),
    frequent_terms: countTerms(words, terms),
    dates: findAll(prose, DATES),
    times: findAll(prose, TIMES),
    amounts: findAll(prose, AMOUNTS),
    percentages: findAll(prose, PERCENTAGES),
    longest_paragraphs: paragraphs
      .map((paragraph, at) => ({
        paragraph: at + 1,
        words: splitWords(paragraph).length,
        begins: paragraph.slice(0, 60),
      }))
      .sort((a, b) => b.words - a.words || a.paragraph - b.paragraph)
      .slice(0, shown),
  }
}

async function main() {
  try {
    const call = await readCall()
    return measure(await readText(call), call.parameters)
  } catch (error) {
    return { success: false, error: error.message }
  }
}

process.stdout.write(`${JSON.stringify(await main())}\n`)

/** Words of a text as they are compared with each other: NFKC, lower case, English endings cut, scripts without spaces as pairs. */

const WORD = /[\p{L}\p{M}\p{N}]+(?:['’._-][\p{L}\p{N}]+)*/gu
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u

const STOP_WORDS = new Set(
  `a about after again all also am an and any are as at be because been before being between both but by can could did do
  does doing down during each few for from further had has have having he her here hers him his how i if in into is it its
  itself just may me might more most must my no nor not now of off on once only or other our out over own same she should so some such than
  that the their them then there these they this those through to too under until up very was we were what when where which
  while who whom why will with would you your`.split(/\s+/u),
)

/** Words that speak about the answer instead of the subject; they would match every document that talks about itself. */
const INSTRUCTION_WORDS = new Set(
  `agent analyse analyze answer assistant below bullet concise document expert following give given input list material name
  original output plain please point quote read report response result return sentence short specific state summarise
  summarize summary task text use write`.split(/\s+/u),
)

/** Content words in order of appearance; repeated words stay repeated. */
export function splitWords(text: string): string[] {
  const words: string[] = []
  for (const [found] of text.normalize('NFKC').toLowerCase().matchAll(WORD)) {
    if (UNSPACED.test(found)) words.push(...splitPairs(found))
    else if (!STOP_WORDS.has(found) && (found.length > 1 || /\p{N}/u.test(found))) words.push(cutEnding(found))
  }
  return words
}

/** The words of an instruction that can point at a subject. */
export function splitQueryWords(text: string): string[] {
  return [...new Set(splitWords(text))].filter((word) => !INSTRUCTION_WORDS.has(word))
}

/** Word pieces as this provider counts them: a stand-in for tokens, about one per word and mark. */
export function countPieces(text: string): number {
  let count = 0
  for (const _ of text.matchAll(/[\p{L}\p{M}\p{N}]{1,8}|[^\s\p{L}\p{M}\p{N}]/gu)) count += 1
  return count
}

function splitPairs(run: string): string[] {
  const letters = [...run]
  if (letters.length === 1) return letters
  return letters.slice(1).map((letter, at) => `${letters[at]}${letter}`)
}

function cutEnding(word: string): string {
  if (!/^[a-z'’]{4,}$/u.test(word)) return word
  const plain = cutInflection(word.replace(/['’]s?$/u, ''))
  return plain.length > 4 && plain.endsWith('e') ? plain.slice(0, -1) : plain
}

function cutInflection(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`
  if (word.length > 6 && word.endsWith('ing')) return word.slice(0, -3)
  if (word.length > 5 && word.endsWith('ed')) return word.slice(0, -2)
  if (word.length > 3 && word.endsWith('s') && !/(?:ss|us|is)$/u.test(word)) return word.slice(0, -1)
  return word
}

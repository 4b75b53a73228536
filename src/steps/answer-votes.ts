import { canonicalJson } from '../events/canonical.ts'
import type { Json } from '../events/values.ts'
import type { NamedAnswer } from './answers.ts'
import type { Vote } from './electorate.ts'
import { isJsonObject, readAnswer } from './read-json.ts'

/** Votes that are the answers themselves: equal ones are the same candidate. */
export interface AnswerVotes {
  readonly votes: readonly Vote[]
  /** What each candidate stands for, in the words of one who chose it. */
  readonly meanings: ReadonlyMap<string, Json>
}

/** Each answer is a vote for itself, or for what stands in the given fields of it. */
export function readVotes(answers: readonly NamedAnswer[], fields: readonly string[] | undefined): AnswerVotes {
  const meanings = new Map<string, Json>()
  const votes = answers.map(({ name, content }): Vote => {
    const picked = pickFields(content, fields)
    if (picked === undefined) return { voter: name, abstained: `it has no ${fields?.join(', ')}` }
    const candidate = normalise(picked)
    keepFirst(meanings, candidate, picked)
    return { voter: name, ranking: [candidate] }
  })
  return { votes, meanings }
}

/** Each answer holds an order of names, best first, in one field. */
export function readRankings(answers: readonly NamedAnswer[], field: string): AnswerVotes {
  const meanings = new Map<string, Json>()
  const votes = answers.map(({ name, content }): Vote => {
    const answer = readAnswer(content)
    const list = isJsonObject(answer) ? answer[field] : undefined
    if (!Array.isArray(list) || list.length === 0) return { voter: name, abstained: `it has no list "${field}"` }
    const ranking = (list as readonly Json[]).map((item) => {
      const candidate = normalise(item)
      keepFirst(meanings, candidate, item)
      return candidate
    })
    return { voter: name, ranking: [...new Set(ranking)] }
  })
  return { votes, meanings }
}

function pickFields(content: Json, fields: readonly string[] | undefined): Json | undefined {
  const answer = readAnswer(content)
  if (!fields) return answer
  if (!isJsonObject(answer)) return undefined
  const picked = fields.map((field) => [field, Object.hasOwn(answer, field) ? answer[field] : undefined] as const)
  if (picked.some(([, value]) => value === undefined)) return undefined
  const [first] = picked
  return picked.length === 1 ? first?.[1] : (Object.fromEntries(picked) as Json)
}

/** Of several spellings the first in the order of characters stands for all, so that it does not matter who came first. */
function keepFirst(meanings: Map<string, Json>, candidate: string, content: Json): void {
  const known = meanings.get(candidate)
  if (known === undefined || canonicalJson(content) < canonicalJson(known)) meanings.set(candidate, content)
}

/** Texts are equal without regard to case, space, and the marks around and behind them; numbers to the texts they are written as. */
function normalise(content: Json): string {
  const simple = simplify(content)
  return typeof simple === 'string' ? simple : canonicalJson(simple)
}

function simplify(content: Json): Json {
  if (typeof content === 'string') {
    const plain = content.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim()
    return plain.replace(/^["'`*_“”„‘’«»]+|["'`*_“”„‘’«».!]+$/gu, '') || plain
  }
  if (typeof content === 'number') return String(content)
  if (Array.isArray(content)) return (content as readonly Json[]).map(simplify)
  if (!isJsonObject(content)) return content
  return Object.fromEntries(Object.entries(content).map(([key, value]) => [key, simplify(value)]))
}

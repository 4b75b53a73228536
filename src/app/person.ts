import type { Command } from '../engine/inbox.ts'
import type { Json } from '../events/values.ts'
import type { Ask } from './asks.ts'
import type { Form, FormAnswer } from './form.ts'

/** What somebody says about one thing that a run asks. */
export type Word =
  | { readonly key: string; readonly say: 'yes'; readonly scope: 'call' | 'run' }
  | { readonly key: string; readonly say: 'no'; readonly reason?: string }
  | { readonly key: string; readonly say: 'answer'; readonly text: string }

/** Somebody who can be asked at once, as long as the run is in this process. */
export interface Person {
  /** What they say now; what is left out stays open, and so does everything when the signal fires. */
  answer(asks: readonly Ask[], signal: AbortSignal): Promise<readonly Word[]>
}

/** Whoever is there while the program works, for what others than runs want of them. */
export interface Company {
  /** Answers with what they filled in; without it nobody is asked. */
  fillForm(form: Form, signal: AbortSignal): Promise<FormAnswer>
  /** Something they should know of, in one line. */
  note(text: string): void
}

/** The words as commands to the run; an approval is given to what was shown. */
export function commandsOf(words: readonly Word[], asks: readonly Ask[]): readonly Command[] {
  return words.flatMap((word): readonly Command[] => {
    const ask = asks.find(({ key }) => key === word.key)
    if (!ask) return []
    const { key } = ask
    if (word.say === 'answer') return [{ type: 'resolve', key, outcome: 'done', answer: readAnswer(word.text) }]
    if (!ask.approval) return []
    const request = ask.approval.digest
    if (word.say === 'yes') return [{ type: 'approve', key, request, scope: word.scope }]
    return [{ type: 'deny', key, request, ...(word.reason === undefined ? {} : { reason: word.reason }) }]
  })
}

/** JSON where it is JSON; else the words themselves. */
function readAnswer(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

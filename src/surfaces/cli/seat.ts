import type { Company, Person } from '../../app/person.ts'
import type { Desk } from './prompt.ts'
import type { OutputMode, Settings } from './settings.ts'

/** A terminal with somebody at it, as long as one command works. */
export interface Seat {
  /** For what asks and tells beside the run. */
  readonly company: Company
  /** Says where they are asked; nobody is before. `say` writes beside the progress. */
  furnish(desk: Desk & { say(text: string): void }): void
  /** For what the run itself asks. */
  person(): Promise<Person>
}

/** Somebody is asked when there is a terminal and it shows people what happens; programs and pipes are never asked. */
export function takeSeat(mode: OutputMode, settings: Settings): Seat | undefined {
  const isForPeople = (mode === 'rich' || mode === 'text') && settings.progress !== 'json' && !settings.quiet
  if (!isForPeople || !process.stdin.isTTY || !process.stderr.isTTY) return undefined
  const desk = Promise.withResolvers<Desk & { say(text: string): void }>()
  let last: Promise<unknown> = Promise.resolve()
  return {
    company: {
      fillForm: (form, signal) => {
        // One question at a time, however many servers have one.
        const answer = last.then(async () => {
          const { fillForm } = await import('./form.ts')
          return fillForm(form, await desk.promise, signal)
        })
        last = answer.catch(() => {})
        return answer
      },
      note: (text) => void desk.promise.then(({ say }) => say(`${text}\n`)),
    },
    furnish: desk.resolve,
    person: async () => {
      const { createPrompter } = await import('./prompt.ts')
      return createPrompter(await desk.promise)
    },
  }
}

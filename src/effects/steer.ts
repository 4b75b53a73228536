import type { Executor } from '../engine/effect.ts'

/** What a person said to a run, and to which of its steps; to all where none is named. */
export interface Words {
  readonly seq: number
  readonly to?: string
  readonly text: string
}

/** Tells a step what people have said to it since it last asked. `after` is the event it has heard up to. */
export function createSteerExecutor(listen: (run: string, after: number) => Promise<readonly Words[]>): Executor {
  return {
    kind: 'steer',
    run: async ({ run, step, request }) => {
      const { after } = request as { readonly after: number }
      const words = await listen(run, after)
      const own = words.filter(({ to }) => to === undefined || to === step || step.startsWith(`${to}/`))
      return { ok: true, answer: { messages: own.map(({ text }) => text), after: words.at(-1)?.seq ?? after } }
    },
  }
}

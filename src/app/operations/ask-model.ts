import * as z from 'zod'
import type { Event } from '../../events/event.ts'
import { joinWatchers } from '../driven.ts'
import { findLiveStep, type ModelCall, orderCall } from '../model-faces.ts'
import { defineOperation, steeringOf } from '../operation.ts'
import { reportRun } from '../run-report.ts'
import { type RunResult, runTarget } from '../runs.ts'

/** What came of a call: the run's own result, without what is only written down after its end. */
export type AskedResult = Pick<RunResult, 'run' | 'report' | 'asks'>

/**
 * One call of something that is asked as a model. It is in no table: it is what the OpenAI-compatible face says in that face's own form,
 * and `run` says the same everywhere else. Answers as soon as the end of the run is committed; its artifacts follow.
 */
export const askModel = defineOperation({
  name: 'models ask',
  summary: 'Ask a profile, an ensemble or a chain as a model.',
  input: z.object({
    call: z.custom<ModelCall>((given) => typeof given === 'object' && given !== null).describe('What is asked.'),
    run: z.string().describe('The id its run gets.'),
    begun: z
      .custom<(live: string | undefined) => void>((given) => typeof given === 'function')
      .describe('Told once the call is known to be in order, with the step whose live text is the answer.'),
  }),
  run: async ({ call, run, begun }, caller): Promise<AskedResult> => {
    const { app } = caller
    const order = await orderCall(app, call)
    begun(findLiveStep(order.target))
    const { blobs } = await app.openJournal()
    const steering = steeringOf(caller)
    const events: Event[] = []
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const own = {
      events: (more: readonly Event[]) => {
        events.push(...more)
        if (more.at(-1)?.type === 'run-finished') end()
      },
    }
    const watcher = joinWatchers(steering.watcher, own) ?? own
    const driven = runTarget(app, { ...order, run }, { ...steering, watcher })
    // What is proved of a run is proved after its end.
    if (app.env.values.get('LLM_ORC_VERIFY_RUNS')) return driven
    return Promise.race([driven, ended.then(async () => ({ run, report: await reportRun(events, run, blobs) }))])
  },
})

import type { EffectDone, EffectOrder, Executor } from '../engine/effect.ts'
import type { CacheAsk } from '../events/cache-ask.ts'
import type { CacheQuestion, KeptAnswer } from '../events/kept-answer.ts'
import { type ModelAnswer, type ModelRequest, textOf } from '../events/messages.ts'
import type { ScriptAnswer, ScriptRequest } from '../events/script-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { digestModelQuestion, digestScriptQuestion, type KeyPorts } from './cache-key.ts'
import type { Probation } from './probation.ts'

export interface CachePorts extends KeyPorts {
  /** The kept answer that serves, counted as given to this step. It never throws: a cache that cannot be read has no answers. */
  find(question: CacheQuestion): Promise<KeptAnswer | undefined>
  readonly probation: Probation
  /** Lets the probation learn the past of a run that was taken up. */
  recall(run: string): Promise<void>
  /** Takes known secrets out: what is kept holds none. */
  redact(json: Json): Json
  /** ms UTC. */
  clock(): number
  /** What holds where the policy of a step names no time. */
  readonly ttl_ms?: number
}

type Kind = KeptAnswer['kind']

/**
 * Answers from the cache what has been answered before, for steps that ask for it; all others pass, without the mark in their request. A
 * hit costs nothing and the inner executor is not called. A miss goes on, and its answer is on probation until its step has succeeded.
 */
export function cached(inner: Executor, ports: CachePorts): Executor {
  const kind = inner.kind as Kind
  return {
    kind,
    run: async (whole, means) => {
      const { cache, ...request } = whole.request as JsonObject
      if (cache === undefined) return inner.run(whole, means)
      const order: EffectOrder = { ...whole, request }
      const ask = cache as CacheAsk
      const key = await digestQuestion(kind, { request, ask, ports })
      if (key === undefined || means.signal.aborted) return inner.run(order, means)
      if (!ports.probation.knowsRun) await ports.recall(order.run)
      const { step, attempt, run } = order
      const source = nameSource(kind, request)
      const ttl = ask.ttl_ms ?? ports.ttl_ms
      const since = ttl === undefined ? 0 : ports.clock() - ttl
      const found = await ports.find({ key, since, run, step })
      if (found) {
        ports.probation.hold({ step, attempt, source, turn: isTurn(kind, found.answer) })
        if (kind === 'model')
          means.stream({ type: 'text', text: textOf((found.answer as unknown as ModelAnswer).content) })
        const { answer, labels } = found
        return { ok: true, answer, cost: 0, source: 'cache', ...(labels ? { labels } : {}) }
      }
      const outcome = await inner.run(order, means)
      const given = { step, attempt, source, turn: outcome.ok && isTurn(kind, outcome.answer) }
      // A script that changes what it depends on has answered a question that nobody will ask again.
      const sound =
        outcome.ok &&
        isWhole(kind, outcome.answer) &&
        (kind === 'model' || (await digestQuestion(kind, { request, ask, ports })) === key)
      ports.probation.hold(
        sound ? { ...given, answer: { key, kind, source, run, step, ...keep(outcome, ports) } } : given,
      )
      return outcome
    },
  }
}

interface Asked {
  readonly request: JsonObject
  readonly ask: CacheAsk
  readonly ports: CachePorts
}

/** What it cannot make out is not cached; no failure of a disk or a setting keeps a step from asking. */
async function digestQuestion(kind: Kind, { request, ask, ports }: Asked): Promise<string | undefined> {
  try {
    if (kind === 'model') return await digestModelQuestion(request as unknown as ModelRequest, ports)
    return await digestScriptQuestion(request as unknown as ScriptRequest, ask, ports)
  } catch {
    return undefined
  }
}

function nameSource(kind: Kind, request: JsonObject): string {
  if (kind === 'model') return `${String(request['provider'])}/${String(request['model'])}`
  const { script } = request as unknown as ScriptRequest
  return script.type === 'file' ? script.reference : 'inline'
}

function isTurn(kind: Kind, answer: Json): boolean {
  return kind === 'model' && (answer as unknown as ModelAnswer).finish === 'tool-calls'
}

/** Cut off, filtered or failed answers are never kept. */
function isWhole(kind: Kind, answer: Json): boolean {
  if (kind === 'script') {
    const { exit, truncated } = answer as unknown as ScriptAnswer
    return exit === 0 && !truncated
  }
  const { finish } = answer as unknown as ModelAnswer
  return finish === 'stop' || finish === 'tool-calls'
}

function keep({ answer, labels, cost }: EffectDone, ports: CachePorts) {
  return {
    answer: ports.redact(answer),
    made: ports.clock(),
    ...(labels && labels.length > 0 ? { labels } : {}),
    ...(cost === undefined ? {} : { cost }),
  }
}

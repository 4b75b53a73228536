import type { Event, EventData, EventType, PlannedStep, StepFact } from '../event.ts'
import type { Json, Value } from '../values.ts'

// Hand-made journals for the tests of views and renderers: right in shape and order, without hashes.

/** A value whose content stands inline. */
export function inline(content: Json): Value {
  const text = JSON.stringify(content)
  return { sha256: '0'.repeat(64), bytes: text.length, type: 'application/json', inline: { salt: '', text } }
}

export function planned(id: string, after: readonly string[] = [], kind = 'agent'): PlannedStep {
  return { id, kind, after: after.map((step) => ({ step, on: 'always' })), spec: inline({}) }
}

/** Writes events one after the other, by default 10 ms apart, from 2026-01-02 03:04:05 UTC on. */
export class SampleJournal {
  readonly events: Event[] = []
  #at = Date.UTC(2026, 0, 2, 3, 4, 5)

  /** Lets time pass. */
  wait(ms: number): this {
    this.#at += ms
    return this
  }

  add<T extends EventType>(type: T, data: EventData[T]): this {
    const seq = this.events.length + 1
    const event = {
      v: 1,
      run: 'run-1',
      seq,
      at: this.#at,
      lamport: seq,
      causes: [],
      actor: 'engine',
      type,
      data,
      prev: '',
      hash: '',
    }
    this.events.push(event as unknown as Event)
    this.#at += 10
    return this
  }

  start(
    steps: readonly PlannedStep[],
    more: { readonly input?: Json; readonly output?: string; readonly name?: string } = {},
  ): this {
    return this.add('run-started', {
      format: 1,
      engine: 'test',
      seed: 's',
      limits: { tries: 3, calls_per_step: 10, backoff_ms: 1, backoff_cap_ms: 10 },
      target: { kind: 'ensemble', name: more.name ?? 'demo' },
      started_by: 'code',
      input: inline(more.input ?? 'the input'),
      steps,
      ...(more.output === undefined ? {} : { output: more.output }),
      kinds: { agent: 1 },
      files: [],
    }).add('steps-added', { from: 'definition', count: steps.length })
  }

  begin(step: string, attempt = 1): this {
    return this.add('step-started', { step, attempt, version: 1 })
  }

  finish(step: string, output: Json = `answer of ${step}`): this {
    return this.add('step-finished', { step, attempt: 1, output: inline(output) })
  }

  fail(
    step: string,
    more: {
      readonly code?: string
      readonly message?: string
      readonly attempt?: number
      readonly retry_at?: number
    } = {},
  ): this {
    return this.add('step-failed', { step, attempt: 1, code: 'provider_error', message: 'the model broke', ...more })
  }

  /** A model call, asked and answered. */
  call(step: string, answer: { readonly cost?: number; readonly input?: number; readonly output?: number } = {}): this {
    const { cost, ...usage } = answer
    const key = `${step}/model@${this.events.length}`
    return this.intend(step, key).add('effect-done', {
      key,
      answer: inline('x'),
      usage,
      ...(cost === undefined ? {} : { cost }),
    })
  }

  intend(step: string, key: string, kind = 'model'): this {
    return this.add('effect-intended', { step, attempt: 1, key, kind, safety: 'billable', request: inline({}) })
  }

  route(step: string, facts: { readonly [key: string]: Json }): this {
    return this.add('step-routed', { step, attempt: 1, n: 1, facts })
  }

  end(status: EventData['run-finished']['status'], more: Partial<EventData['run-finished']> = {}): this {
    return this.add('run-finished', { status, steps: {}, unknown: [], ...more })
  }
}

/** A run made by chance that the engine could have written: every step starts after its dependencies and ends once. */
export function makeRandomRun(random: () => number): Event[] {
  const journal = new SampleJournal()
  const pick = (n: number) => Math.floor(random() * n)
  const steps = Array.from({ length: pick(9) }, (_, index) => {
    const after = Array.from({ length: index }, (_, before) => `s${before}`).filter(() => random() < 0.3)
    return planned(`s${index}`, after, random() < 0.2 ? 'condition' : 'agent')
  })
  journal.start(steps)
  const open = new Map(steps.map((step) => [step.id, step]))
  const running = new Map<string, number>()
  const ended = new Set<string>()
  const cut = random() < 0.2 ? pick(60) : 1000
  for (let turn = 0; turn < cut && (open.size > 0 || running.size > 0); turn += 1) {
    journal.wait(pick(3) * pick(40) - (random() < 0.3 ? 10 : 0))
    const ready = [...open.values()].filter((step) => step.after.every((edge) => ended.has(edge.step)))
    const step = ready[pick(ready.length)]
    if (step && (running.size === 0 || random() < 0.5)) {
      open.delete(step.id)
      if (random() < 0.1) {
        journal.add('step-skipped', { step: step.id, reason: 'edge' })
        ended.add(step.id)
      } else {
        journal.begin(step.id)
        running.set(step.id, 1)
      }
      continue
    }
    const [id, attempt] = [...running][pick(running.size)] ?? []
    if (id === undefined || attempt === undefined) break
    actAsStep(journal, { id, attempt, chance: random() }, { open, running, ended })
  }
  if (random() < 0.8) journal.end(running.size > 0 || open.size > 0 ? 'cancelled' : 'partial')
  return journal.events
}

function actAsStep(
  journal: SampleJournal,
  { id, attempt, chance }: { readonly id: string; readonly attempt: number; readonly chance: number },
  {
    open,
    running,
    ended,
  }: { readonly open: Map<string, PlannedStep>; readonly running: Map<string, number>; readonly ended: Set<string> },
): void {
  const close = () => {
    running.delete(id)
    ended.add(id)
  }
  const key = `${id}@${attempt}/model`
  if (chance < 0.2) journal.call(id, { cost: 5, input: 3, output: 2 })
  else if (chance < 0.3)
    journal.route(id, { provider: 'p', model: 'm', reason: 'fallback', from: 'a', because: 'rate_limited' })
  else if (chance < 0.32) journal.add(...oddRecord(id, attempt))
  else if (chance < 0.35) journal.intend(id, key).add('effect-unknown', { key, step: id })
  else if (chance < 0.4) journal.add('run-paused', { asks: [key] })
  else if (chance < 0.45) journal.intend(id, key, 'ask')
  else if (chance < 0.5 && id.length < 6) {
    const child = planned(`${id}/${journal.events.length}`)
    journal.add('steps-added', { step: id, attempt, proposal: 'more', steps: [child] })
    open.set(child.id, child)
  } else if (chance < 0.6) {
    const retry_at = (journal.events.at(-1)?.at ?? 0) + 5
    journal.fail(id, { attempt, retry_at }).add('step-retried', { step: id, attempt: attempt + 1, version: 1 })
    running.set(id, attempt + 1)
  } else if (chance < 0.7) {
    journal.fail(id, { attempt })
    close()
  } else if (chance < 0.75) {
    journal.add('step-cancelled', { step: id, attempt, reason: 'asked' })
    close()
  } else {
    journal.finish(id)
    close()
  }
}

/** What a step of another version may record: nothing in it is where it is expected. */
function oddRecord(step: string, attempt: number): ['step-verified' | 'ballot-cast' | 'note-written', StepFact] {
  const facts = {
    about: attempt % 2 === 0 ? 'tally' : 'loop',
    try: 'x',
    criteria: 1,
    failed: [null],
    method: {},
    rounds: [],
  }
  const content = inline([{ checks: [null, 1], order: 'a', scores: [1] }])
  const types = ['step-verified', 'ballot-cast', 'note-written'] as const
  return [types[step.length % 3] ?? 'step-verified', { step, attempt, n: 1, facts, content }]
}

/** Small seeded chance (mulberry32) for tests. */
export function seedRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Outputs that try to break out of a report or to command a terminal (B21, S21). */
export const NASTY_OUTPUTS: readonly string[] = [
  '```\n# out\n```',
  '````\n<script>alert(1)</script>\n````',
  '`'.repeat(40),
  '~~~\n<b>x</b>\n~~~',
  '```js\nx\n```\n<img src=x onerror=alert(1)>',
  '\n```\n',
  '   ```\nout',
  '\t```\nout',
  '\r```\rout',
  '\r\n```\r\nout',
  '\u2028```\u2028out',
  '<script>alert(1)</script>',
  '<img src="https://evil.example/beacon.png">',
  '![beacon](https://evil.example/b.png)',
  '[click](javascript:alert(1))',
  '<javascript:alert(1)>',
  '<details open ontoggle=alert(1)>',
  '</details></table>',
  '<!-- hidden -->',
  ']]><![CDATA[',
  '&lt;script&gt;',
  '| a | b |\n|---|---|\n| c | d |',
  '=cmd|/C calc!A0',
  '@SUM(1+1)*cmd',
  '+1+1',
  '-1+1',
  '[ref]: https://evil.example',
  '[^1]: note',
  '---\nfront: matter\n---',
  '# heading\n## heading',
  '1. list\n\n    code',
  '> quote',
  '\\',
  '\\```',
  '$$\\href{javascript:alert(1)}{x}$$',
  '\x1b[31mred\x1b[0m',
  '\x1b[2J\x1b[H',
  '\x1b]0;title\x07',
  '\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\',
  '\x1b]52;c;ZXZpbA==\x07',
  '\x1b]52;c;unfinished',
  '\x1bPq#0;2;0;0;0\x1b\\',
  '\x1b_Gf=100;AAAA\x1b\\',
  '\x9b31m C1 \x9d0;t\x9c',
  '\x1b',
  '\x1b\x1b[31m',
  '\x1b[\x1b[31mm',
  'bell\x07 back\x08\x08space null\0 del\x7f',
  'rtl \u202eevil\u202c and \u2066isolate\u2069',
  'lone \ud800 surrogate',
  '\ufeffbom and tags \u{e0041}\u{e007f}',
  'ends with cr\r',
]

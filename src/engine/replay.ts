import { canonicalJson } from '../events/canonical.ts'
import { type Event, originOf } from '../events/event.ts'
import { evolve } from '../events/evolve.ts'
import { digestContent, valuesOf, withoutInline } from '../events/hash.ts'
import { createRunState, type RunState } from '../events/state.ts'
import type { Content, Value } from '../events/values.ts'
import type { BlobStore } from '../journal/journal.ts'
import { admit } from './admit.ts'
import type { RawOffer } from './attempt.ts'
import type { ContentStore } from './content.ts'
import { decide } from './decide.ts'
import { Deliveries } from './deliveries.ts'
import { type Divergence, describeDifference } from './divergence.ts'
import type { Draft } from './draft.ts'
import { answeredOffer, type MakeValue, prepareOffer } from './offer.ts'
import type { StepKind } from './step.ts'
import { inVersion } from './versions.ts'
import type { EngineWorld } from './world.ts'
import { eventOf } from './writer.ts'

/**
 * Runs a record again: decisions and the contents of outputs are computed anew and must equal it; inputs are taken from it.
 * Without executors, so nothing is touched. The same driver verifies (all attempts) and resumes (unfinished attempts only).
 */
export class Replay {
  readonly state: RunState = createRunState()
  readonly deliveries: Deliveries
  /** Steps taken from the record, because their version is not shipped or content they read is gone. */
  readonly taken = new Set<string>()
  /** Places whose content is gone, so only digests could be compared. */
  readonly redacted: string[] = []
  readonly #run: string
  readonly #world: EngineWorld
  readonly #blobs: BlobStore
  readonly #kinds: { readonly [kind: string]: StepKind }
  readonly #only: ReadonlySet<string> | undefined

  constructor(options: {
    readonly run: string
    readonly world: EngineWorld
    readonly blobs: BlobStore
    readonly kinds: { readonly [kind: string]: StepKind }
    readonly store: ContentStore
    /** `step@attempt` of the attempts to run again; absent = all. */
    readonly only?: ReadonlySet<string>
    readonly deliveries?: Omit<ConstructorParameters<typeof Deliveries>[0], 'state' | 'store' | 'kinds'>
  }) {
    this.#run = options.run
    this.#world = options.world
    this.#blobs = options.blobs
    this.#kinds = options.kinds
    this.#only = options.only
    this.deliveries = new Deliveries({
      ...options.deliveries,
      state: this.state,
      store: options.store,
      kinds: options.kinds,
      // A resumed step cannot go on without what it had read; a verified one is believed from here on.
      ...(this.#only ? {} : { removed: (step: string) => void this.taken.add(step) }),
    })
  }

  /** Takes the next event of the record. */
  async feed(recorded: Event): Promise<Divergence | undefined> {
    const origin = originOf(recorded.type, recorded.actor)
    const decided = decide(this.state, recorded.at)
    let divergence: Divergence | undefined
    if (decided && recorded.type !== 'run-forked') divergence = this.#compare(decided, recorded, undefined)
    else if (origin === 'decision') divergence = notDue(recorded)
    else divergence = await this.#examine(recorded, origin === 'output' ? answeredOffer(recorded) : undefined)
    if (divergence) return divergence
    this.#accept(recorded)
    return undefined
  }

  /** Hands out everything that is queued, with drains between. */
  async settle(): Promise<void> {
    while (await this.deliveries.flush()) await this.#world.drain()
  }

  #accept(event: Event): void {
    evolve(this.state, event)
    if (event.type === 'step-finished' || (event.type === 'step-failed' && event.actor === 'step'))
      this.deliveries.end(event.data.step)
    this.deliveries.take(event, (wake) => {
      if (!this.#concerns(wake.step, wake.attempt)) return false
      if (wake.what !== 'start') return true
      const step = this.state.steps.get(wake.step)
      if (step && inVersion(this.#kinds[step.kind], this.state.kinds[step.kind])) return true
      this.taken.add(wake.step)
      return false
    })
  }

  #concerns(step: string, attempt: number): boolean {
    return !this.taken.has(step) && (this.#only === undefined || this.#only.has(`${step}@${attempt}`))
  }

  /** Looks at the content of an input or output, and at whether a step offers it; when resuming, only at running attempts. */
  async #examine(recorded: Event, wanted: Wanted | undefined): Promise<Divergence | undefined> {
    const again = wanted !== undefined && this.#concerns(wanted.step, wanted.attempt)
    if (!again && this.#only) return undefined
    const contents = new Map<string, Recorded>()
    for (const { path, value } of valuesOf(recorded)) {
      const content = value.inline ?? (await this.#blobs.get(this.#run, value.sha256))
      if (!content) this.redacted.push(`${recorded.seq}/${path}`)
      else if (!value.inline && digestContent(content, this.#world.sha256) !== value.sha256) {
        const message = `event ${recorded.seq}: the content at ${path} was altered`
        return { seq: recorded.seq, code: 'altered', where: path, message }
      }
      contents.set(path, { value, content })
    }
    return again ? this.#expect(recorded, wanted, contents) : undefined
  }

  async #expect(
    recorded: Event,
    wanted: Wanted,
    contents: ReadonlyMap<string, Recorded>,
  ): Promise<Divergence | undefined> {
    const raw = await this.#waitFor(wanted)
    if (!raw) return this.taken.has(wanted.step) ? undefined : this.#missing(recorded, wanted)
    const changed: { path: string; recorded: string; now: string }[] = []
    const make: MakeValue = (content, path) => {
      const known = contents.get(path)
      const text = canonicalJson(content)
      if (!known) return nothing
      if (!known.content) return known.value
      const { salt, text: before } = known.content
      if (digestContent({ salt, text }, this.#world.sha256) === known.value.sha256) return known.value
      changed.push({ path, recorded: before, now: text })
      return nothing
    }
    const draft = admit(this.state, prepareOffer(raw, make), recorded.at)
    if (draft === 'hold' || draft === 'stale')
      return {
        seq: recorded.seq,
        code: 'not-admitted',
        where: wanted.id,
        message: `the step may not ask ${wanted.id} here`,
      }
    const divergence = this.#compare(draft, recorded, changed[0])
    if (!divergence) this.deliveries.remove(raw)
    return divergence
  }

  /** Drains until the step has made the offer; patience covers awaits outside the journal (a lazy import). */
  async #waitFor(wanted: Wanted): Promise<RawOffer | undefined> {
    for (let round = 0; ; round++) {
      const found = this.deliveries.find(wanted)
      if (found || this.taken.has(wanted.step)) return found
      const flushed = await this.deliveries.flush()
      await this.#world.drain()
      if (flushed) round = 0
      if (round > 20) {
        if (!this.#world.wait || round > 70) return this.deliveries.find(wanted)
        await this.#world.wait(10)
      }
    }
  }

  #missing(recorded: Event, { step, attempt, id }: Wanted): Divergence {
    const running = this.deliveries.attempts.get(step)
    const now = running?.offers[0]
    const where = `${step}@${attempt}`
    if (now) {
      return {
        seq: recorded.seq,
        code: 'other-ask',
        where,
        message: `event ${recorded.seq} ${recorded.type} ${id}: the step now asks ${now.id} (${now.what}) instead`,
      }
    }
    const waits = running ? running.waitsFor().join(', ') || 'something outside ctx' : 'nothing: it is not running'
    return {
      seq: recorded.seq,
      code: 'no-ask',
      where,
      message: `event ${recorded.seq} ${recorded.type} ${id}: the step asked nothing; it waits for ${waits}`,
    }
  }

  #compare(
    draft: Draft,
    recorded: Event,
    changed: { path: string; recorded: string; now: string } | undefined,
  ): Divergence | undefined {
    const now = eventOf(draft, { run: this.#run, state: this.state, at: recorded.at, sha256: () => '' })
    const same =
      now.type === recorded.type &&
      now.actor === recorded.actor &&
      now.lamport === recorded.lamport &&
      String(now.causes) === String(recorded.causes) &&
      canonicalJson(withoutInline(now.type, now.data)) === canonicalJson(withoutInline(recorded.type, recorded.data))
    return same ? undefined : describeDifference(recorded, now, changed)
  }
}

type Wanted = ReturnType<typeof answeredOffer>

/** A value of a recorded event; its content is gone where there is none. */
interface Recorded {
  readonly value: Value
  readonly content: Content | undefined
}

const nothing: Value = { sha256: 'different', bytes: 0, type: 'none' }

function notDue(recorded: Event): Divergence {
  const message = `event ${recorded.seq}: the record has ${recorded.type}, which the engine would not decide here`
  return { seq: recorded.seq, code: 'decision', where: 'engine', message }
}

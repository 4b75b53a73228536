import type { Command } from '../../src/engine/inbox.ts'
import { type Chance, createChance } from './chance.ts'
import type { Outside } from './outside.ts'
import { RUN, type Sim, sha256 } from './sim.ts'

/** People: they cancel, and say what became of effects nobody knows about, sometimes twice and sometimes wrongly. */
export class People {
  readonly #sim: Sim
  readonly #outside: Outside
  readonly #chance: Chance

  constructor(sim: Sim, outside: Outside) {
    this.#sim = sim
    this.#outside = outside
    this.#chance = createChance(`${sim.seed}/people`)
  }

  begin(): void {
    if (this.#chance.hit(0.15))
      this.#plan(this.#chance.between(0, this.#chance.hit(0.5) ? 150 : 60_000), () => this.#cancel())
    this.#look()
  }

  #plan(ms: number, then: () => void): void {
    this.#sim.clock.wake(this.#sim.now + ms, then)
  }

  #cancel(): void {
    this.#say({ type: 'cancel', reason: 'enough' })
    if (this.#sim.faults.fires('person.cancels-twice', this.#sim.invariants.phase, 0.5)) this.#say({ type: 'cancel' })
  }

  /** Looks at what is asked, again and again until the run has ended. */
  #look(): void {
    const { invariants, faults } = this.#sim
    if (invariants.finished) return
    const { phase } = invariants
    for (const asked of invariants.asked()) {
      if (this.#chance.hit(0.4)) continue
      this.#resolve(asked)
      if (faults.fires('person.repeats', phase, 0.3)) this.#resolve(asked)
      if (faults.fires('person.contradicts', phase, 0.3))
        this.#resolve({ ...asked, kind: asked.kind === 'ask' ? 'ask' : 'contradiction' })
    }
    for (const permit of invariants.permits.asked()) if (!this.#chance.hit(0.3)) this.#judge(permit)
    if (faults.fires('person.speaks', phase, 0.2)) this.#say({ type: 'steer', text: 'a word' })
    if (faults.fires('person.asks-nonsense', phase, 0.1))
      this.#say({ type: 'resolve', key: 'nothing/there', outcome: 'not-done' })
    if (faults.fires('person.answers-early', phase, 0.1)) this.#answerEarly()
    this.#plan(this.#chance.between(1, faults.healed ? 1_000 : 20_000), () => this.#look())
  }

  /** Says yes or no to a call; sometimes about another one, for the whole run, twice, or long after. */
  #judge({ key, request }: { readonly key: string; readonly request: string }): void {
    const { invariants, faults } = this.#sim
    const { phase } = invariants
    const others = invariants.permits.asked().map((permit) => permit.request)
    const about = faults.fires('person.approves-another', phase, 0.3) ? this.#chance.pick([...others, 'f']) : request
    const scope = faults.fires('person.approves-for-run', phase, 0.3) ? 'run' : 'call'
    const yes = { type: 'approve', key, request: about, scope } as const
    const no = { type: 'deny', key, request: about, reason: 'not this' } as const
    const word = this.#chance.hit(0.7) ? yes : no
    const speak = () => {
      this.#say(word)
      if (faults.fires('person.repeats', phase, 0.3)) this.#say(word)
      if (faults.fires('person.changes-mind', phase, 0.3)) this.#say(word === yes ? no : yes)
    }
    const late = faults.fires('person.approves-late', phase, 0.3)
    if (late) this.#plan(this.#chance.between(1_000, 100_000), speak)
    else speak()
  }

  #answerEarly(): void {
    const [first] = this.#sim.invariants.open()
    if (first) this.#resolve({ ...first, kind: 'early' })
  }

  #resolve({ key, about, kind }: { key: string; about: number; kind: string }): void {
    const done = (this.#outside.deeds.get(sha256(`${RUN}/${key}`)) ?? 0) > 0
    const wrong = kind === 'contradiction' || this.#chance.hit(0.1)
    const outcome = kind === 'ask' || done !== wrong ? 'done' : this.#chance.pick(['failed', 'not-done'] as const)
    const seq = this.#say(
      outcome === 'done'
        ? { type: 'resolve', key, intent: about, outcome, answer: { said: this.#chance.between(0, 99) } }
        : { type: 'resolve', key, intent: about, outcome },
    )
    this.#sim.invariants.dispatches.spoken.set(seq, { key, about })
  }

  #say(command: Command): number {
    const seq = ++this.#sim.inbox
    if (command.type === 'cancel') this.#sim.invariants.cancels.add(seq)
    if (command.type === 'approve' || command.type === 'deny') this.#sim.invariants.permits.spoken.set(seq, command)
    this.#sim.note(() => `person ${seq} ${JSON.stringify(command)}`)
    void this.#sim.disk.journal.append([{ stream: `inbox/${RUN}`, expected: 'any', records: [command] }])
    return seq
  }
}

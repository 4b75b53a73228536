/** A bug that somebody might make: a change of our own source. Each `find` must stand exactly once in its file. */
export interface PlantedBug {
  readonly name: string
  /** The invariants it may be found by; the first one is the expected one. */
  readonly invariants: readonly string[]
  readonly changes: readonly { readonly file: string; readonly find: string; readonly replace: string }[]
}

type Change = readonly [file: string, find: string, replace: string]

function bug(name: string, invariants: string, ...changes: readonly Change[]): PlantedBug {
  return {
    name,
    invariants: invariants.split(' '),
    changes: changes.map(([file, find, replace]) => ({ file: `src/${file}`, find, replace })),
  }
}

const effects = 'events/evolve-effects.ts'
const steps = 'events/evolve-steps.ts'

export const PLANTED: readonly PlantedBug[] = [
  bug('executors start before their intent is on disk', 'I9', [
    'engine/live.ts',
    'this.#intents.push(event)',
    'this.#performances.begin(event)',
  ]),
  bug('events are shown before they are on disk', 'I2', [
    'engine/live.ts',
    'this.#deliveries.take(event, () => true)',
    'this.#ports.watcher?.events?.([event]); this.#deliveries.take(event, () => true)',
  ]),
  bug('an append is not waited for', 'I2 I9', [
    'engine/writer.ts',
    'const appended = await this.#journal.append([{ stream, expected: first, records: events }, ...guards, ...more])',
    'void this.#journal.append([{ stream, expected: first, records: events }, ...guards, ...more]).catch(() => {}); const appended = { ok: true, stream } as { ok: boolean, stream: string }',
  ]),
  bug('the lease is not checked', 'I23', [
    'engine/writer.ts',
    'this.state.finished ? this.#lease.releasing() : this.#lease.guard()',
    '',
  ]),
  bug('a refused append is taken for a kept one', 'I2', [
    'engine/writer.ts',
    'if (!appended.ok) throw new LeaseLost(`another writer changed ${appended.stream}`)\n    this.#committed += events.length',
    'this.#committed += events.length',
  ]),
  bug(
    'a lost renewal is not noticed',
    'I23 I14',
    ['journal/lease.ts', 'records: [record, record]', 'records: [record]'],
    ['journal/lease.ts', 'if (!kept) this.#fence = Number.MAX_SAFE_INTEGER', ''],
    ['engine/live.ts', 'if (!kept) return this.abandon()', ''],
  ),
  bug('unsafe effects are done again after a crash', 'I9 I8', [
    effects,
    "current && effect.safety !== 'unsafe' ? 'redo' : 'unknown'",
    "current ? 'redo' : 'unknown'",
  ]),
  bug('unsafe effects are repeated after a failure that may have touched the world', 'I8', [
    effects,
    "(!unsafe || data.touched === 'no') && effect.tries",
    'effect.tries',
  ]),
  bug('an unknown outcome is taken for a failure that can be repeated', 'I9', [
    effects,
    "if (then === 'retry') state.due.push",
    "if (then !== 'fail') state.due.push",
  ]),
  bug('an abandoned unsafe effect is closed as failed', 'I9 I6 I7', [
    effects,
    "if (unsafe && data.code === 'abandoned') {",
    "if (unsafe && data.code === 'given up') {",
  ]),
  bug('effects of ended steps are forgotten at recovery', 'I6 I9', [
    effects,
    "leaveOpen(state, effect, 'unknown')\n    state.due.push({ what: current &&",
    "leaveOpen(state, effect, 'unknown')\n    if (current) state.due.push({ what: current &&",
  ]),
  bug('a step that may have touched the world is run again', 'I8', [
    'engine/admit.ts',
    '!mayHaveTouched(state, step) && !state.stop',
    '!state.stop',
  ]),
  bug('the server is not obeyed when it says how long to wait', 'I15', [
    effects,
    'return Math.max(wait, retryAfter ?? 0)',
    'return wait',
  ]),
  bug('any wait a server asks for is obeyed', 'I15 I7', [
    effects,
    'if (retryAfter !== undefined && retryAfter > backoff_cap_ms) return undefined',
    '',
  ]),
  bug('one try too many', 'I15', [effects, 'effect.tries < state.limits.tries', 'effect.tries <= state.limits.tries']),
  bug('one call too many', 'I15', [
    'engine/admit.ts',
    'step.calls >= state.limits.calls_per_step',
    'step.calls > state.limits.calls_per_step',
  ]),
  bug('repeated calls are not counted', 'I15', [
    effects,
    "leaveOpen(state, effect, 'waiting')\n    countCall(step, effect)",
    "leaveOpen(state, effect, 'waiting')",
  ]),
  bug('retries wait for no time', 'I15', [effects, 'due: event.at + wait', 'due: event.at']),
  bug('jitter from real chance', 'I4', [
    effects,
    'randomOf(`${state.seed}/${effect.key}#${effect.tries}`)',
    'Math.random()',
  ]),
  bug(
    'steps that become ready after a cancellation are started',
    'I14',
    ['engine/decide.ts', 'if (ready && !state.stop && ', 'if (ready && '],
    [steps, 'if (state.stop) return\n  const cause', 'const cause'],
  ),
  bug('a cancellation does not reach what has been retried', 'I14 I7', [
    steps,
    'for (const id of state.active) state.due.push',
    'for (const id of state.active) if ((state.steps.get(id)?.attempt ?? 0) < 2) state.due.push',
  ]),
  bug('a failed step leaves its children running', 'I12 I14', [
    steps,
    "if (status === 'failed' || status === 'cancelled') cancelChildren(state, step)",
    "if (status === 'cancelled') cancelChildren(state, step)",
  ]),
  bug('one step too many at once', 'I13', [
    'engine/decide.ts',
    'state.slots < (state.limits.max_concurrent ?? Infinity)',
    'state.slots <= (state.limits.max_concurrent ?? Infinity)',
  ]),
  bug('a step that goes on after its children takes no place', 'I13', [
    steps,
    'if (parent.waitingOn === 0) state.slots += 1',
    '',
  ]),
  bug('one effect too many in a pool', 'I13', [
    'engine/perform.ts',
    'if (taken >= (this.#ports.poolLimit?.(pool) ?? Infinity)) return false',
    'if (taken > (this.#ports.poolLimit?.(pool) ?? Infinity)) return false',
  ]),
  bug('a place in a pool is never given back after a crash of the executor', 'I7', [
    'engine/perform.ts',
    '    running.giveUp?.()\n    this.leave(running.pool)',
    '    running.giveUp?.()\n    if (!running.controller.signal.aborted) this.leave(running.pool)',
  ]),
  bug('a skipped dependency counts as a success', 'I12', [
    steps,
    "if (on === 'success' && status !== 'succeeded') dependent.barred ??= 'edge'",
    "if (on === 'success' && status === 'failed') dependent.barred ??= 'edge'",
  ]),
  bug('a step starts although one dependency runs', 'I12', [
    steps,
    'if (dependent.missing === 0) settleReadiness',
    'if (dependent.missing <= 1) settleReadiness',
  ]),
  bug(
    'an ended attempt may still speak',
    'I5 I14',
    [
      'engine/admit.ts',
      "if (!step || step.status !== 'running' || step.attempt !== offer.attempt) return 'stale'",
      "if (!step) return 'stale'",
    ],
    ['engine/live.ts', "if (step?.status !== 'running' || step.attempt !== raw.attempt) return", ''],
  ),
  bug('a late answer of an abandoned executor is written too', 'I11 I6', [
    'engine/perform.ts',
    'if (this.#running.get(key) !== running) return\n      this.#end(key, running)\n      const ms',
    'this.#end(key, running)\n      const ms',
  ]),
  bug('the run ends while effects are open', 'I6', [
    'engine/decide.ts',
    'if (state.openEffects > 0 || state.active.size > 0',
    'if (state.active.size > 0',
  ]),
  bug('the chain is not linked', 'I1', [
    'engine/writer.ts',
    'prev: state.head,',
    "prev: state.seq % 40 === 39 ? '0'.repeat(64) : state.head,",
  ]),
  bug(
    'time goes back when the clock does',
    'I1',
    ['engine/writer.ts', 'at: Math.max(at, state.at),', 'at,'],
    ['engine/writer.ts', 'for (let draft = decide(this.state, at)', 'for (let draft = decide(this.state, at -= 1)'],
  ),
  bug(
    'commands are read from the last one on',
    'I8',
    ['engine/inbox.ts', 'if (!asked || ', 'if (!effect || '],
    ['engine/inbox.ts', 'live.state.command + 1, signal', 'live.state.command, signal'],
  ),
  bug('the first command is passed over', 'I14', [
    'engine/inbox.ts',
    'live.state.command + 1, signal',
    'live.state.command + 2, signal',
  ]),
  bug('words about an earlier try resolve a later one', 'I8', [
    'engine/inbox.ts',
    '(command.intent !== undefined && command.intent !== effect.intent)',
    'false',
  ]),
  bug('commands are judged when they come, not when they are taken', 'I8 I11 I16', [
    'engine/inbox.ts',
    'live.input(() => commandEvent(record.data as Command, { seq: record.seq, state: live.state, store }))',
    'const draft = commandEvent(record.data as Command, { seq: record.seq, state: live.state, store })\n    if (draft) live.input(draft)',
  ]),
  bug('the run rests without looking at its inbox', 'I7', ['engine/writer.ts', '      how.inbox,\n    ])', '    ])']),
  bug(
    'the run rests while executors work',
    'I7 I1',
    ['engine/live.ts', 'this.#performances.count > 0 ||', ''],
    ['engine/rest.ts', 'if (state.openEffects > questions) return false', ''],
  ),
  bug('large content is not put on disk', 'I4 unexpected', [
    'engine/content.ts',
    'this.#blobs.put(this.#run, sha256, { salt, text })',
    '',
  ]),
  bug('chance of a step is not seeded', 'I4', [
    'engine/attempt.ts',
    'createRandom(`${attempt.#seed}/${attempt.step}@${attempt.number}`)',
    'Math.random',
  ]),
  bug('steps read the real clock', 'I4', [
    'engine/attempt.ts',
    'now: () => attempt.#now,',
    'now: () => performance.now(),',
  ]),
  bug('an open question keeps a cancelled run alive', 'I7 I6 I11', [
    effects,
    "if (status === 'open' && effect.kind !== 'ask') continue",
    "if (status === 'open') continue",
  ]),
  bug('answers are given at once on resumption, without drains between', 'I4', [
    'engine/deliveries.ts',
    'if (told.has(item.wake.step)) {',
    'if (item.wake.seq < 0) {',
  ]),
  // Once real: found by the simulation, mended, and kept here so that they are found again.
  bug('an effect that was not open is counted as closed once more', 'I6 I7', [
    effects,
    "if (effect.status === 'open') state.openEffects -= 1",
    'state.openEffects -= 1',
  ]),
  bug('a failed try of an ended attempt is repeated', 'I5 I7', [
    'events/evolve.ts',
    "step.status = 'retrying'\n  dropEffectsOf(state, step)",
    "step.status = 'retrying'",
  ]),
  bug(
    'a note is written after the end',
    'I6',
    [
      'engine/live.ts',
      "if (raw.what === 'fail' && raw.foreign !== undefined) {",
      "this.#writer.append(draft, at)\n    if (raw.what === 'fail' && raw.foreign !== undefined) {",
    ],
    [
      'engine/live.ts',
      'causes: draft.causes }, at)\n    }\n    this.#writer.append(draft, at)',
      'causes: draft.causes }, at)\n    }',
    ],
  ),
  bug('timers fire before the run is resumed', 'I6 I9', [
    'engine/live.ts',
    'this.#writer.decide(at)\n',
    'this.#writer.decide(at)\n      this.#fireTimers(at)\n',
  ]),
  bug('timers fire after the end', 'I6', [
    'engine/live.ts',
    'this.#state.finished ? undefined : this.#state.timers.first()',
    'this.#state.timers.first()',
  ]),
  bug('a step that runs again does not wait for a place', 'I13', [
    'engine/decide.ts',
    'state.slots < (state.limits.max_concurrent ?? Infinity)',
    "(state.steps.get(ready.step)?.status === 'retrying' || state.slots < (state.limits.max_concurrent ?? Infinity))",
  ]),
  bug('an effect begins although its attempt has ended in the same turn', 'I14', [
    'engine/live.ts',
    "if (step?.status !== 'running' || step.attempt !== intent.data.attempt) {",
    'if (!step) {',
  ]),
  bug('replay takes the offer of an ended attempt', 'I4', [
    'engine/deliveries.ts',
    'offer.id === id && offer.attempt === attempt',
    'offer.id === id',
  ]),
  bug('a run goes on writing after it was let go', 'I23', [
    'engine/live.ts',
    'await this.#ports.world.drain()\n      if (this.#over) return',
    'await this.#ports.world.drain()',
  ]),
  bug('what is no outcome stops the engine', 'crash', [
    'engine/perform.ts',
    'if (!isOutcome(outcome)) throw',
    'if (outcome === Infinity) throw',
  ]),
  // Tools, approvals, rights and labels.
  bug(
    'an approval goes to the first call that waits for one',
    'I16',
    [
      'engine/inbox.ts',
      'const approval = state.approvals.get(command.key)',
      "const approval = [...state.approvals.values()].find(({ status }) => status === 'asked')",
    ],
    ['engine/inbox.ts', ' || approval.request !== command.request', ''],
  ),
  bug('the executors of tools start before their intent is on disk', 'I9', [
    'engine/live.ts',
    'this.#intents.push(event)',
    "event.data.kind === 'tool' ? this.#performances.begin(event) : this.#intents.push(event)",
  ]),
  bug('an approved call is done again by the next process', 'I9 I8', [
    effects,
    "current && effect.safety !== 'unsafe' ? 'redo' : 'unknown'",
    "current && (effect.safety !== 'unsafe' || effect.kind === 'tool') ? 'redo' : 'unknown'",
  ]),
  bug('a call that policy forbids is executed', 'I16', [
    'engine/gate.ts',
    "if (judgement.verdict === 'deny') return this.#refuse(offer, request(), judgement.reason)",
    "if (judgement.verdict === 'deny') return ADMIT",
  ]),
  bug('a call that a person has denied is executed', 'I16', [
    'engine/inbox.ts',
    "if (command.type === 'deny') {",
    "if (command.type === 'deny' && command.reason === undefined) {",
  ]),
  bug('an approval never expires', 'I16', [
    'events/evolve-approvals.ts',
    'if (expires_at !== undefined)',
    'if (expires_at === -1)',
  ]),
  bug(
    'children go on after a cancellation',
    'I14 I7 I6',
    [
      steps,
      'for (const id of state.active) state.due.push',
      'for (const id of state.active) if (!state.steps.get(id)?.parent) state.due.push',
    ],
    [
      steps,
      "if (status === 'failed' || status === 'cancelled') cancelChildren(state, step)",
      "if (status === 'failed') cancelChildren(state, step)",
    ],
  ),
  bug('tools are not told to stop', 'I14', [
    'engine/live.ts',
    "if (effect?.status === 'open') this.#performances.abort(key, effect.intent)",
    "if (effect?.status === 'open' && effect.kind !== 'tool') this.#performances.abort(key, effect.intent)",
  ]),
  bug('an approval holds for other arguments than were shown', 'I16', [
    'engine/inbox.ts',
    ' || approval.request !== command.request',
    '',
  ]),
  bug('a change of policy does not touch approvals', 'I16', [
    'engine/gate.ts',
    'const part = changedPart(approval.grant, grant)',
    'const part = changedPart(approval.grant, approval.grant)',
  ]),
  bug('a grant for the run covers another policy', 'I16', [
    'engine/gate.ts',
    "changedPart(given, grant, 'arguments') === undefined",
    'given.tool === grant.tool',
  ]),
  bug('a child may do what its parent may not', 'I16', [
    'events/sight.ts',
    'for (let at: StepState | undefined = step; at; at = at.parent === undefined ? undefined : state.steps.get(at.parent))\n    rights',
    'for (let at: StepState | undefined = step; at; at = undefined)\n    rights',
  ]),
  bug('a label is lost where a child hands back what it read', 'I16', [steps, 'addLabels(parent, child.labels)\n', '']),
  bug('a label is lost on the way to a dependent', 'I16', [
    steps,
    'for (const id of sightOf(step)) addLabels(step, state.steps.get(id)?.labels)',
    '',
  ]),
  bug('a failed tool brings no label', 'I16', [effects, '  addLabels(step, data.labels)\n', '']),
  // Money.
  bug('what is held for a call of a cancelled step is never given back', 'I11 I10', [
    effects,
    'settle(state, effect, data)\n',
    "if (step.status === 'running') settle(state, effect, data)\n",
  ]),
  bug('a lost try is settled twice', 'I11 I10', [
    'events/evolve-money.ts',
    '  effect.reserved = undefined\n  const due',
    '  const due',
  ]),
  bug('a failed call is never settled', 'I11 I7', [effects, 'settle(state, effect, data)\n', '']),
  bug(
    'another try holds nothing',
    'I10',
    ['engine/decide.ts', '...(effect.price === undefined ? {} : { reserved: effect.price }),', ''],
    [
      effects,
      "effect.status = 'open'\n    if (effect.price) reserve(state, effect, effect.price)",
      "effect.status = 'open'",
    ],
  ),
  bug('the limit is compared with what is settled, not with what is held', 'I10', [
    'events/accounts.ts',
    'roomFor(need, limits, addAmounts(account.settled, account.reserved))',
    'roomFor(need, limits, account.settled)',
  ]),
  bug('the budget of a step does not pay for what it proposes', 'I10', [
    'events/accounts.ts',
    'for (let at: StepState | undefined = step; at; at = at.parent === undefined ? undefined : state.steps.get(at.parent))',
    'for (let at: StepState | undefined = step; at; at = undefined)',
  ]),
  bug('a lost try costs nothing', 'I11', [
    effects,
    "settle(state, effect, {})\n    leaveOpen(state, effect, 'unknown')\n    state.due",
    "settle(state, effect, { touched: 'no' })\n    leaveOpen(state, effect, 'unknown')\n    state.due",
  ]),
  bug('a call gets more output than was paid for', 'I10', [
    'engine/admit.ts',
    'const cut = offer.need.open || output_tokens < offer.need.output_tokens ? { output_tokens } : {}',
    'const cut = {}',
  ]),
  bug('a bill over the reservation is settled at the reservation', 'I11', [
    'events/evolve-money.ts',
    'cost: told.cost ?? reserved.cost,',
    'cost: Math.min(told.cost ?? reserved.cost, reserved.cost),',
  ]),
  bug('a call that waits for money is forgotten', 'I7', [
    'engine/live.ts',
    "if (event.type === 'budget-settled' || mayPayNow(event)) this.#waiting.settle()",
    '',
  ]),
  // Once real, with tools and money: mended, and kept here so that they are found again.
  bug(
    'a denied call is offered to policy again by the next process',
    'I16',
    ['engine/gate.ts', 'if (this.#state.steps.get(step)?.denied?.has(key)) return WAIT\n', ''],
    ['engine/admit.ts', "if (step.denied?.has(offer.id)) return 'stale'\n", ''],
  ),
  bug('a lost unsafe call that may not be tried again for want of money is not told of', 'I9', [
    effects,
    'else if (unsafe) state.unknown.push(key)\n',
    '',
  ]),
]

import { toJson } from '../events/canonical.ts'
import type { RunState } from '../events/state.ts'
import type { Json } from '../events/values.ts'
import type { Journal } from '../journal/journal.ts'
import type { ContentStore } from './content.ts'
import type { Draft } from './draft.ts'
import type { LiveRun } from './live.ts'

/** What anyone may append to a run's inbox; the holder turns it into an event. */
export type Command =
  | { readonly type: 'cancel'; readonly reason?: string }
  /** Somebody found out what became of an effect nobody knew about. */
  | (Resolution & { readonly outcome: 'done'; readonly answer: Json })
  | (Resolution & { readonly outcome: 'failed' | 'not-done' })
  /** A person's word on an effect that waits for it; `request` is the digest of what the person saw. */
  | { readonly type: 'approve'; readonly key: string; readonly request: string; readonly scope?: 'call' | 'run' }
  /** Words for a step that is under way; without `step` for every one that listens. */
  | { readonly type: 'steer'; readonly text: string; readonly step?: string }
  | { readonly type: 'deny'; readonly key: string; readonly request: string; readonly reason?: string }

interface Resolution {
  readonly type: 'resolve'
  readonly key: string
  /** The newest intent its author had seen: words about an earlier try must not resolve a later one. */
  readonly intent?: number
}

/** Takes the commands of a run, each once and in order, until the signal aborts. */
export async function takeCommands(
  journal: Journal,
  live: LiveRun,
  { store, signal }: { readonly store: ContentStore; readonly signal: AbortSignal },
): Promise<void> {
  for await (const record of journal.follow(`inbox/${live.run}`, live.state.command + 1, signal)) {
    live.input(() => commandEvent(record.data as Command, { seq: record.seq, state: live.state, store }))
    live.sawCommand(record.seq)
  }
}

/** The event a command becomes; undefined when what it speaks of is no longer open. */
function commandEvent(
  command: Command,
  to: { readonly seq: number; readonly state: RunState; readonly store: ContentStore },
): Draft | undefined {
  const { seq, state, store } = to
  if (!isCommand(command)) return undefined
  if (command.type === 'cancel') {
    const reason = command.reason === undefined ? {} : { reason: command.reason }
    return { type: 'cancel-requested', actor: 'person', data: { ...reason, command: seq }, causes: [state.seq] }
  }
  if (command.type === 'steer') {
    const to = command.step === undefined ? {} : { to: command.step }
    const data = { ...to, text: store.make(command.text.toWellFormed()), command: seq }
    return { type: 'message-sent', actor: 'person', data, causes: [state.seq] }
  }
  if (command.type === 'approve' || command.type === 'deny') return approvalEvent(command, state, seq)
  const effect = state.effects.get(command.key)
  const asked = effect && (effect.status === 'unknown' || (effect.kind === 'ask' && effect.status === 'open'))
  if (!asked || (command.intent !== undefined && command.intent !== effect.intent)) return undefined
  const causes = [effect.intent]
  if (command.outcome === 'done') {
    const answer = toJson(command.answer)
    if (!answer.ok) return undefined
    const data = { key: effect.key, answer: store.make(answer.json), source: 'person' as const, command: seq }
    return { type: 'effect-done', actor: 'person', data, causes }
  }
  const touched = command.outcome === 'failed' ? ('yes' as const) : ('no' as const)
  const message = touched === 'no' ? 'a person found that it did not happen' : 'a person found that it failed'
  const data = { key: effect.key, code: 'resolved_as_failed', message, touched, retry: touched === 'no', command: seq }
  return { type: 'effect-failed', actor: 'person', data, causes }
}

const WORDS: { readonly [type: string]: { readonly needs: readonly string[]; readonly may: readonly string[] } } = {
  cancel: { needs: [], may: ['reason'] },
  steer: { needs: ['text'], may: ['step'] },
  approve: { needs: ['key', 'request'], may: ['scope'] },
  deny: { needs: ['key', 'request'], may: ['reason'] },
  resolve: { needs: ['key', 'outcome'], may: [] },
}

/**
 * Anyone who can write the file can write here, and what becomes an event stays: what is no command is passed over. It must neither
 * stop the holder nor whoever reads the run later.
 */
function isCommand(given: Command): boolean {
  if (typeof given !== 'object' || given === null) return false
  const fields = new Map<string, unknown>(Object.entries(given))
  const type = fields.get('type')
  const words = typeof type === 'string' && Object.hasOwn(WORDS, type) ? WORDS[type] : undefined
  if (!words) return false
  const isText = (name: string) => typeof fields.get(name) === 'string'
  if (!words.needs.every(isText) || !words.may.every((name) => !fields.has(name) || isText(name))) return false
  const scope = fields.get('scope')
  if (scope !== undefined && scope !== 'call' && scope !== 'run') return false
  return type !== 'resolve' || ['done', 'failed', 'not-done'].includes(fields.get('outcome') as string)
}

function approvalEvent(
  command: Command & { readonly type: 'approve' | 'deny' },
  state: RunState,
  seq: number,
): Draft | undefined {
  const approval = state.approvals.get(command.key)
  if (approval?.status !== 'asked' || approval.request !== command.request) return undefined
  const { step, key, request } = approval
  const causes = [approval.seq]
  if (command.type === 'deny') {
    const reason = command.reason ?? 'a person said no'
    return { type: 'approval-denied', actor: 'person', data: { step, key, request, reason, command: seq }, causes }
  }
  const grant = { ...approval.grant, scope: command.scope ?? 'call' }
  return { type: 'approval-given', actor: 'person', data: { step, key, request, grant, command: seq }, causes }
}

import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Grant, Reserve } from '../effects/scoped.ts'
import type { EffectOrder } from '../engine/effect.ts'
import type { ModelRequest } from '../events/messages.ts'
import type { Amount, BudgetLimits } from '../events/money.ts'
import type { ScopeState } from '../events/views/scope.ts'
import { readBudget, type StepBudgetBlock } from '../graph/budget.ts'
import type { LeaseOwner } from '../journal/lease.ts'
import { type Scope, ScopeBook } from '../journal/scope-book.ts'
import { needOf } from '../steps/need.ts'
import type { App } from './app.ts'
import { describeOwner, isOwnerDead } from './owner.ts'

/** How long a call that others may make room for waits until it looks again, in ms. */
const PATIENCE_MS = 100

type Period = 'day' | 'month'

/** Holds each model call in the budgets of the day, the month, its profile and its caller, as far as they are set. */
export function createReserve(app: App, principal?: string): Reserve | undefined {
  const { budgets } = app.config.settings
  if (!budgets?.day && !budgets?.month && !budgets?.profiles && !budgets?.keys) return undefined
  let book: Promise<ScopeBook> | undefined
  return async (order, signal) => {
    const request = order.request as unknown as ModelRequest
    const scopes = listScopes(app, { request, principal, at: Date.now() })
    if (scopes.length === 0) return undefined
    book ??= openBook(app)
    await app.models.cards.prepare(request.provider)
    const card = app.models.cards.find(request)
    return hold(await book, { order, scopes, need: needOf(request, card), signal })
  }
}

/** `gone`: the part of what is reserved whose process is no more; it is charged when the budget is needed. */
type Spent = Pick<ScopeState, 'settled' | 'reserved' | 'calls'> & {
  readonly gone?: Amount & { readonly calls: number }
}

/** The budgets of now, with what is spent and held in them. */
export async function readScopes(app: App): Promise<readonly (Scope & { readonly spent: Spent })[]> {
  const book = await openBook(app)
  const { budgets } = app.config.settings
  const all = [
    ...listScopes(app, { request: undefined, principal: undefined, at: Date.now() }),
    ...Object.keys(budgets?.profiles ?? {}).flatMap((name) => named(app, 'profiles', name) ?? []),
    ...Object.keys(budgets?.keys ?? {}).flatMap((name) => named(app, 'keys', name) ?? []),
  ]
  return Promise.all(
    all.map(async (scope) => {
      const state = await book.look(scope.stream)
      const gone = book.countGone(state)
      const { settled, reserved, calls } = state
      return { ...scope, spent: { settled, reserved, calls, ...(gone.calls > 0 ? { gone } : {}) } }
    }),
  )
}

async function openBook(app: App): Promise<ScopeBook> {
  const { journal } = await app.openJournal()
  return new ScopeBook({
    journal,
    clock: Date.now,
    owner: describeOwner(),
    isDead: (owner) => isOwnerDead(owner as LeaseOwner),
  })
}

interface Wanted {
  readonly order: EffectOrder
  readonly scopes: readonly Scope[]
  readonly need: Parameters<ScopeBook['hold']>[1]
  readonly signal: AbortSignal
}

async function hold(book: ScopeBook, { order, scopes, need, signal }: Wanted): Promise<Grant> {
  const id = `${order.run}|${order.key}|${order.tries}`
  for (;;) {
    if (signal.aborted) return { ok: false, code: 'aborted', message: 'The call was aborted.' }
    const held = await book.hold(id, need, scopes)
    if (held.answer === 'no') return { ok: false, code: held.code, message: held.message }
    if (held.answer === 'yes') {
      const cut = held.output_tokens < (order.output_tokens ?? need.output_tokens) || need.open === true
      return {
        ok: true,
        ...(cut ? { output_tokens: Math.min(held.output_tokens, order.output_tokens ?? Infinity) } : {}),
        settle: (spent) => book.settle(id, scopes, spent),
      }
    }
    await sleep(PATIENCE_MS, undefined, { signal }).catch(() => {})
  }
}

/** Every budget a call is charged to. */
function listScopes(
  app: App,
  call: {
    readonly request: ModelRequest | undefined
    readonly principal: string | undefined
    readonly at: number
  },
): readonly Scope[] {
  const { budgets } = app.config.settings
  const { request, principal } = call
  return [
    ...(budgets?.day ? [scopeOf(budgets.day, { title: 'the day', name: 'all', period: 'day' })] : []),
    ...(budgets?.month ? [scopeOf(budgets.month, { title: 'the month', name: 'all', period: 'month' })] : []),
    ...(request ? profilesOf(app, request).flatMap((name) => named(app, 'profiles', name) ?? []) : []),
    ...(principal === undefined ? [] : (named(app, 'keys', principal) ?? [])),
  ]
}

/** The profiles that stand for what is asked: several may name one model. */
function profilesOf(app: App, { provider, model }: ModelRequest): readonly string[] {
  const all = [...app.profiles.profiles.values()]
  return all.filter((profile) => profile.provider === provider && profile.model === model).map(({ name }) => name)
}

function named(app: App, kind: 'profiles' | 'keys', name: string): Scope[] | undefined {
  const budget = app.config.settings.budgets?.[kind]?.[name]
  if (!budget) return undefined
  const { per = 'day', ...block } = budget
  const title = `the ${kind === 'keys' ? 'key' : 'profile'} ${name}`
  return [scopeOf(block, { title, name: `${kind}-${digest(name)}`, period: per })]
}

function scopeOf(
  block: Omit<StepBudgetBlock, 'max_seconds'>,
  { title, name, period }: { readonly title: string; readonly name: string; readonly period: Period },
): Scope {
  const limits: BudgetLimits = readBudget(block).limits
  const now = new Date().toISOString().slice(0, period === 'day' ? 10 : 7)
  return { title, stream: `scope/${name}-${now}`, limits }
}

/** Names are the user's own; streams have plain ones. */
function digest(name: string): string {
  return hash('sha256', name, 'hex').slice(0, 16)
}

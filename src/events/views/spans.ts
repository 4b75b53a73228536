import type { Event, EventOf } from '../event.ts'
import type { Value } from '../values.ts'
import { describeAnswer, describeRequest, type SpanAttribute, type SpanAttributes } from './span-words.ts'
import { type ReadValue, readInline, type View } from './view.ts'

/** A stretch of a run with a beginning and an end, as tracing shows it. */
export interface Span {
  /** The same whoever folds the run; unique in it. */
  readonly id: string
  readonly parent?: string
  readonly name: string
  /** It asks somebody outside this program. */
  readonly client: boolean
  /** ms UTC. */
  readonly start: number
  readonly end: number
  readonly attributes: SpanAttributes
  /** A code, and our own words about it. */
  readonly error?: { readonly code: string; readonly message?: string }
}

interface OpenSpan {
  readonly id: string
  readonly parent?: string
  name: string
  readonly client: boolean
  readonly start: number
  readonly attributes: { [name: string]: SpanAttribute }
  /** Integer nano-dollars of the calls it made itself; of a run, all of them. */
  cost?: number
}

interface End {
  readonly at: number
  readonly error?: NonNullable<Span['error']>
}

interface Asked {
  readonly provider: string
  readonly model: string
}

export interface SpansState {
  run: OpenSpan | undefined
  readonly kinds: Map<string, string>
  readonly parents: Map<string, string>
  readonly routes: Map<string, Asked>
  readonly steps: Map<string, OpenSpan>
  readonly effects: Map<string, { readonly span: OpenSpan; readonly step: string }>
  /** In the order of their ends; whoever sends them on takes them out. */
  readonly ended: Span[]
}

export interface SpansWish {
  readonly read?: ReadValue
  /** Also what was asked and answered. */
  readonly content?: boolean
}

/** Steps that are nobody's work: most only arrange others. */
const NOT_AGENTS = new Set(['condition', 'each', 'embed', 'loop', 'nested', 'gate', 'graceful', 'portion', 'queries'])
const RUN = 'run'

/** A run in the terms of tracing: the run is a workflow, steps are agents at work, and beneath them the calls of models and tools. */
export function createSpansView({ read = readInline, content = false }: SpansWish = {}): View<SpansState> {
  return {
    initial: () => ({
      run: undefined,
      kinds: new Map(),
      parents: new Map(),
      routes: new Map(),
      steps: new Map(),
      effects: new Map(),
      ended: [],
    }),
    evolve: (state, event) => {
      evolveSpans(state, event, { read, content })
      return state
    },
  }
}

/** The contents that its spans are told from. */
export function findSpanValues(event: Event): readonly Value[] {
  if (event.type === 'effect-intended')
    return event.data.kind === 'model' || event.data.kind === 'tool' ? [event.data.request] : []
  return event.type === 'effect-done' ? [event.data.answer] : []
}

function evolveSpans(state: SpansState, event: Event, wish: Required<SpansWish>): void {
  const { at } = event
  switch (event.type) {
    case 'run-started':
      return beginRun(state, event)
    case 'run-forked':
      // What was copied is in the trace of the run it comes from.
      state.ended.length = 0
      if (state.run) state.run = { ...state.run, start: at }
      for (const [id, span] of state.steps) state.steps.set(id, { ...span, start: at })
      return setOnRun(state, 'llm_orc.run.parent', event.data.parent)
    case 'steps-added':
      if (!('steps' in event.data)) return
      for (const { id, kind } of event.data.steps) {
        state.kinds.set(id, kind)
        state.parents.set(id, event.data.step)
      }
      return
    case 'step-routed': {
      const { provider, model } = event.data.facts
      if (typeof provider === 'string' && typeof model === 'string')
        state.routes.set(event.data.step, { provider, model })
      return
    }
    case 'step-started':
    case 'step-retried':
      return beginStep(state, event)
    case 'step-finished':
      return endStep(state, event.data.step, { at })
    case 'step-failed': {
      const { step, code, message, retry_at } = event.data
      if (retry_at === undefined) endStep(state, step, { at, error: { code, message } })
      return
    }
    case 'step-cancelled':
      return endStep(state, event.data.step, { at, error: { code: 'cancelled' } })
    case 'effect-intended':
      return beginEffect(state, event, wish)
    case 'effect-done':
    case 'effect-failed':
      return takeOutcome(state, event, wish)
    case 'effect-unknown':
      return endEffect(state, event.data.key, { at, error: { code: 'effect_unknown' } })
    case 'run-finished':
      endRun(state, event)
  }
}

function beginRun(state: SpansState, { run, at, data }: EventOf<'run-started'>): void {
  const { target, steps, started_by } = data
  for (const { id, kind } of steps) state.kinds.set(id, kind)
  state.run = {
    id: RUN,
    name: `invoke_workflow ${target.name}`,
    client: false,
    start: at,
    attributes: {
      'gen_ai.operation.name': 'invoke_workflow',
      'gen_ai.workflow.name': target.name,
      'llm_orc.run.id': run,
      'llm_orc.target.kind': target.kind,
      'llm_orc.run.started_by': started_by,
    },
  }
}

function setOnRun(state: SpansState, name: string, value: string): void {
  if (state.run) state.run.attributes[name] = value
}

function beginStep(state: SpansState, { run, at, data }: EventOf<'step-started'> | EventOf<'step-retried'>): void {
  const { step, attempt } = data
  const open = state.steps.get(step)
  if (open) {
    open.attributes['llm_orc.step.attempts'] = attempt
    return
  }
  const kind = state.kinds.get(step) ?? ''
  const parent = state.parents.get(step)
  const agent = !NOT_AGENTS.has(kind)
  state.steps.set(step, {
    id: `step ${step}`,
    parent: parent === undefined ? RUN : `step ${parent}`,
    name: agent ? `invoke_agent ${step}` : `${kind} ${step}`,
    client: false,
    start: at,
    attributes: {
      ...(agent ? { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': step } : {}),
      'llm_orc.run.id': run,
      'llm_orc.step.id': step,
      'llm_orc.step.kind': kind,
      'llm_orc.step.attempts': attempt,
    },
  })
}

function beginEffect(
  state: SpansState,
  { run, seq, at, data }: EventOf<'effect-intended'>,
  wish: Required<SpansWish>,
): void {
  const { step, attempt, key, kind, redo, request, answered_by } = data
  if ((kind !== 'model' && kind !== 'tool') || answered_by !== undefined) return
  const told = describeRequest(kind, wish.read(request), wish)
  const route = state.routes.get(step)
  const isEmbedding = state.kinds.get(step) === 'embed'
  const asked = kind === 'model' && route ? nameModel(route) : {}
  const attributes: OpenSpan['attributes'] = {
    'gen_ai.operation.name': kind === 'tool' ? 'execute_tool' : isEmbedding ? 'embeddings' : 'chat',
    ...asked,
    ...told,
    'llm_orc.run.id': run,
    'llm_orc.step.id': step,
    'llm_orc.step.attempt': attempt,
    ...(redo === undefined ? {} : { 'llm_orc.effect.redo': redo }),
  }
  const subject = attributes[kind === 'model' ? 'gen_ai.request.model' : 'gen_ai.tool.name']
  const span: OpenSpan = {
    id: `effect ${seq}`,
    parent: `step ${step}`,
    name: [attributes['gen_ai.operation.name'], subject].filter(Boolean).join(' '),
    client: kind === 'model',
    start: at,
    attributes,
  }
  state.effects.set(key, { span, step })
}

function nameModel({ provider, model }: Asked): SpanAttributes {
  return { 'gen_ai.provider.name': provider, 'gen_ai.request.model': model }
}

function takeOutcome(
  state: SpansState,
  event: EventOf<'effect-done'> | EventOf<'effect-failed'>,
  wish: Required<SpansWish>,
): void {
  const { key, usage, cost } = event.data
  const open = state.effects.get(key)
  if (!open) return
  const { span, step } = open
  const counts = {
    'gen_ai.usage.input_tokens': usage?.input,
    'gen_ai.usage.output_tokens': usage?.output,
    'gen_ai.usage.cache_read.input_tokens': usage?.cache_read,
    'gen_ai.usage.cache_creation.input_tokens': usage?.cache_write,
    'gen_ai.usage.reasoning.output_tokens': usage?.reasoning,
  }
  for (const [name, count] of Object.entries(counts)) if (count !== undefined) span.attributes[name] = count
  if (cost !== undefined) for (const one of [span, state.steps.get(step), state.run]) addCost(one, cost)
  if (event.type === 'effect-failed') {
    const { code, message } = event.data
    return endEffect(state, key, { at: event.at, error: { code, message } })
  }
  const { answer, source } = event.data
  const kind = span.client ? 'model' : 'tool'
  Object.assign(span.attributes, describeAnswer(kind, wish.read(answer), wish))
  if (source !== undefined) span.attributes['llm_orc.effect.source'] = source
  endEffect(state, key, { at: event.at })
}

function addCost(span: OpenSpan | undefined, cost: number): void {
  if (span) span.cost = (span.cost ?? 0) + cost
}

function endEffect(state: SpansState, key: string, end: End): void {
  const open = state.effects.get(key)
  if (!open) return
  state.effects.delete(key)
  state.ended.push(closeSpan(open.span, end))
}

function endStep(state: SpansState, step: string, end: End): void {
  const span = state.steps.get(step)
  if (!span) return
  state.steps.delete(step)
  state.ended.push(closeSpan(span, end))
}

function endRun(state: SpansState, { at, data }: EventOf<'run-finished'>): void {
  const { status, reason } = data
  for (const key of state.effects.keys()) endEffect(state, key, { at, error: { code: 'abandoned' } })
  for (const step of state.steps.keys()) endStep(state, step, { at, error: { code: 'cancelled' } })
  setOnRun(state, 'llm_orc.run.status', status)
  const good = status === 'succeeded' || status === 'partial'
  if (state.run) state.ended.push(closeSpan(state.run, { at, ...(good ? {} : { error: { code: reason ?? status } }) }))
  state.run = undefined
}

function closeSpan({ cost, attributes, ...span }: OpenSpan, { at, error }: End): Span {
  return {
    ...span,
    end: at,
    attributes: {
      ...attributes,
      ...(cost === undefined ? {} : { 'llm_orc.cost.nano_usd': cost }),
      ...(error ? { 'error.type': error.code } : {}),
    },
    ...(error ? { error } : {}),
  }
}

import { type InputRequests, inputRequired, inputResponse } from '@modelcontextprotocol/server'
import type { Ask } from '../../app/asks.ts'
import type { Json } from '../../events/values.ts'
import { cleanText } from '../../events/views/clean.ts'

/** Longest arguments that are shown whole, in characters. */
const LONGEST = 8_000

/** What a client was asked, as it comes back sealed. */
export interface Asked {
  readonly id: string
  readonly key: string
  readonly what: Ask['what']
  /** What an approval is bound to. */
  readonly digest?: string
}

/** An operation that says the word. */
export interface Said {
  readonly operation: 'approvals give' | 'approvals deny' | 'runs resolve'
  readonly input: { readonly [field: string]: Json }
}

/** Questions for the client's user, one for each thing the run asks. */
export function askClient(
  run: string,
  asks: readonly Ask[],
): { readonly asked: readonly Asked[]; readonly requests: InputRequests } {
  const asked = asks.map(({ key, what, approval }, index): Asked => {
    const id = `ask-${index + 1}`
    return { id, key, what, ...(approval ? { digest: approval.digest } : {}) }
  })
  const requests = asks.map((ask, index) => [`ask-${index + 1}`, askOne(run, ask)] as const)
  return { asked, requests: Object.fromEntries(requests) }
}

function askOne(run: string, ask: Ask) {
  const { step, what, question, options, request = '' } = ask
  if (what === 'approval') {
    const properties = {
      allow: { type: 'boolean' as const, title: 'Allow it' },
      reason: { type: 'string' as const, title: 'If not, why; the model reads it' },
    }
    return elicit(`${step} (run ${run}) asks to be allowed: ${describeApproval(ask)}`, properties, ['allow'])
  }
  if (what === 'question') {
    const answer = { type: 'string' as const, title: 'Answer', ...(options ? { enum: [...options] } : {}) }
    return elicit(`${step} asks: ${question ?? request}`, { answer }, ['answer'])
  }
  const properties = {
    outcome: { type: 'string' as const, title: 'What became of it', enum: ['done', 'failed', 'not-done'] },
    answer: { type: 'string' as const, title: 'If done: what it answered' },
  }
  const message = `Nobody knows whether this happened: ${ask.kind} of ${step} (run ${run}): ${request}. Look, then say.`
  return elicit(message, properties, ['outcome'])
}

type Properties = Parameters<typeof inputRequired.elicit>[0]['requestedSchema'] extends infer S
  ? S extends { properties: infer P }
    ? P
    : never
  : never

function elicit(message: string, properties: Properties, required: string[]) {
  return inputRequired.elicit({
    mode: 'form',
    message: cleanText(message),
    requestedSchema: { type: 'object', properties, required },
  })
}

/** Everything a yes would allow. */
function describeApproval({ approval, request, kind }: Ask): string {
  const whole = JSON.stringify(approval?.request ?? request ?? null, null, 1)
  const shown =
    whole.length > LONGEST ? `${whole.slice(0, LONGEST)}\n… cut; see it whole with llm-orc approvals show` : whole
  return `${kind} ${shown}`
}

/** What the client's user said; what was declined or left out stays open. */
export function readSaid(
  run: string,
  asked: readonly Asked[],
  responses: Record<string, unknown> | undefined,
): readonly Said[] {
  return asked.flatMap(({ id, key, what }): Said[] => {
    const response = inputResponse(responses, id)
    if (response.kind !== 'elicit' || response.action !== 'accept' || !response.content) return []
    const { allow, reason, answer, outcome } = response.content
    if (what === 'approval') {
      if (allow === true) return [{ operation: 'approvals give', input: { run, ask: key } }]
      if (allow !== false) return []
      return [
        {
          operation: 'approvals deny',
          input: { run, ask: key, ...(typeof reason === 'string' && reason !== '' ? { reason } : {}) },
        },
      ]
    }
    if (what === 'question') {
      if (typeof answer !== 'string') return []
      return [{ operation: 'runs resolve', input: { run, step: key, outcome: 'done', answer } }]
    }
    if (outcome !== 'done' && outcome !== 'failed' && outcome !== 'not-done') return []
    const told = typeof answer === 'string' && answer !== '' ? { answer } : {}
    return [{ operation: 'runs resolve', input: { run, step: key, outcome, ...told } }]
  })
}

/** How it is answered from elsewhere. */
export function describeAsk(run: string, { key, step, what, question, request }: Ask) {
  const command = {
    approval: `llm-orc approvals give ${run} '${key}' (or: approvals deny)`,
    question: `llm-orc runs resolve ${run} '${key}' done --answer '…'`,
    unknown: `llm-orc runs resolve ${run} '${key}' done|failed|not-done`,
  }[what]
  return { key, step, what, asks: cleanText(question ?? request ?? ''), answer_with: command }
}

import { expect, it } from 'vitest'
import type { EffectOrder } from '../engine/effect.ts'
import { OrcError, type Problem } from '../events/errors.ts'
import { createDefinitionExecutor, type FindDefinition } from './definition.ts'

const graph = { name: 'review', steps: [] }

function ask(find: FindDefinition) {
  const order = { kind: 'definition', request: { ensemble: 'review' } } as unknown as EffectOrder
  return createDefinitionExecutor(find).run(order, { signal: new AbortController().signal, stream: () => {} })
}

async function refuse(...problems: readonly Problem[]) {
  return ask(async () => {
    throw new OrcError(problems)
  })
}

it('answers with the compiled graph', async () => {
  expect(await ask(async (name) => ({ name, graph }))).toEqual({ ok: true, answer: { name: 'review', graph } })
})

it.each(['not_found', 'name_refused'] as const)(
  '%s: there is none, and the name stands only in the detail',
  async (code) => {
    const outcome = await refuse({ code, message: 'there is no ensemble "review"', hint: 'Did you mean "reviews"?' })
    expect(outcome).toEqual({
      ok: false,
      code: 'ensemble_missing',
      message: 'there is no ensemble of the name that was asked for',
      detail: 'there is no ensemble "review" Did you mean "reviews"?',
      touched: 'no',
      retry: false,
    })
  },
)

it('one with faults is refused with all of them', async () => {
  const outcome = await refuse(
    { code: 'ensemble_invalid', message: 'first' },
    { code: 'unknown_key', message: 'only a warning', severity: 'warning' },
    { code: 'name_duplicate', message: 'second' },
  )
  expect(outcome).toMatchObject({ ok: false, code: 'ensemble_invalid', detail: 'first\nsecond' })
})

it('a broken program stays one', async () => {
  await expect(
    ask(async () => {
      throw new TypeError('bug')
    }),
  ).rejects.toThrow('bug')
})

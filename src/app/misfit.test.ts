import { expect, test } from 'vitest'
import * as z from 'zod'
import { describeMisfits } from './misfit.ts'

test('says of each field what is wrong with it, in words', () => {
  const schema = z.object({
    tool: z.string(),
    limit: z.number().optional(),
    input: z.object({ a: z.array(z.string()) }),
  })
  const given = { limit: 'x', input: { a: ['b', null] } }
  const { error } = schema.safeParse(given)
  expect(error && describeMisfits(error, given)).toEqual([
    { code: 'bad_input', message: 'tool: it is missing (string)' },
    { code: 'bad_input', message: 'limit: should be number, not string' },
    { code: 'bad_input', message: 'input.a.1: should be string, not null' },
  ])
})

import { expect, test } from 'vitest'
import type { ModelRequest } from '../events/messages.ts'
import { TokenGuess } from './token-guess.ts'

const request = (model: string, max_tokens?: number): ModelRequest => ({
  provider: 'p',
  model,
  messages: [],
  ...(max_tokens === undefined ? {} : { max_tokens }),
})

test('a first call is held at its worst, later ones at what the model took before', () => {
  const guess = new TokenGuess(() => 100)
  expect(guess.of(request('a'))).toBe(1_124)
  expect(guess.of(request('a', 400))).toBe(500)
  expect(guess.of(request('a', 400), 50)).toBe(150)
  guess.learn(request('a', 400), 250)
  expect(guess.of(request('a', 400))).toBe(250)
  guess.learn(request('a', 400), 500)
  expect(guess.of(request('a', 400))).toBe(300)
  expect(guess.of(request('b', 400))).toBe(500)
})

test('an answer without usage teaches nothing', () => {
  const guess = new TokenGuess(() => 100)
  for (const used of [undefined, 0, -1, Number.NaN]) guess.learn(request('a', 400), used)
  expect(guess.of(request('a', 400))).toBe(500)
})

import { describe, expect, test } from 'vitest'
import { OrcError } from '../events/errors.ts'
import { editEnsemble } from './edit-ensemble.ts'
import { cutProfile, editProfile } from './edit-profile.ts'
import { printYaml } from './edit-yaml.ts'

const ENSEMBLE = `# at the top
name: two
description: Two agents. # what it does
agents:
  # the first
  - name: a
    model_profile: p # fast
  - { name: b, model_profile: p }
`

describe('editing an ensemble', () => {
  const edit = (changes: Parameters<typeof editEnsemble>[2]) => editEnsemble(ENSEMBLE, 'two.yaml', changes)

  test('what is not changed stays as it was, comments and all', () => {
    const { text, applied } = edit({
      description: 'Still two.',
      modify_agents: { a: { model_profile: 'q', temperature: 0 } },
    })
    expect(text).toBe(ENSEMBLE.replace('Two agents.', 'Still two.').replace('p # fast', 'q # fast\n    temperature: 0'))
    expect(applied).toEqual(['description set', 'agent a changed: model_profile, temperature'])
  })

  test('agents are added and removed, keys are taken away', () => {
    const { text } = edit({ add_agents: [{ name: 'c', depends_on: ['a'] }], remove_agents: ['b'], description: null })
    expect(text).toMatch(/name: c/)
    expect(text).not.toMatch(/name: b|description/)
    expect(text).toContain('# the first')
  })

  test.each([
    [{}],
    [{ name: 'other' }],
    [{ remove_agents: ['z'] }],
    [{ modify_agents: { z: {} } }],
    [{ add_agents: [{ name: 'a' }] }],
    [{ add_agents: [{ model: 'x' }] }],
  ])('%j is refused', (changes) => {
    expect(() => edit(changes)).toThrow(OrcError)
  })
})

describe('editing a profile, wherever it stands', () => {
  const files: readonly (readonly [string, string])[] = [
    ['alone', 'name: fast # mine\nprovider: x\nmodel: m\n'],
    ['by the name of its file', 'provider: x # mine\nmodel: m\n'],
    [
      'in a map',
      'model_profiles:\n  fast:\n    # mine\n    provider: x\n    model: m\n  other: { provider: x, model: n }\n',
    ],
    [
      'in a list',
      'profiles:\n  - { name: other, provider: x, model: n }\n  - name: fast # mine\n    provider: x\n    model: m\n',
    ],
  ]
  test.each(files)('%s', (_, text) => {
    const edited = editProfile(text, '/p/fast.yaml', { name: 'fast', changes: { model: 'better' } })
    expect(edited).toBe(text.replace('model: m\n', 'model: better\n'))
    const rest = cutProfile(text, '/p/fast.yaml', 'fast')
    if (text.includes('other')) expect(rest).toMatch(/other/)
    else expect(rest).toBeUndefined()
    expect(rest ?? '').not.toContain('fast')
  })

  test('one that is not there is said so', () => {
    expect(() => editProfile('a: 1\n', '/p/config.yaml', { name: 'fast', changes: { model: 'x' } })).toThrow(OrcError)
  })
})

test.each(['a\u0000b', 'a\ud800b', 'a\uffffb'])('what no file can hold is refused, not written: %j', (model) => {
  const old = 'name: fast\nmodel: m\n'
  expect(() => editProfile(old, '/p/fast.yaml', { name: 'fast', changes: { model } })).toThrow(OrcError)
  expect(() => printYaml({ name: 'fast', model })).toThrow(OrcError)
})

import { describe, expect, it } from 'vitest'
import { type ChainLookup, compileChain } from './chain.ts'
import { checkGraph } from './check-graph.ts'
import type { ModelProfile } from './profile.ts'

const profiles: { readonly [name: string]: ModelProfile } = {
  gemini: {
    name: 'gemini',
    provider: 'gemini',
    model: 'flash',
    temperature: 0.7,
    fallback: 'spare',
    system_prompt: 'own',
  },
  anthropic: { name: 'anthropic', provider: 'anthropic', model: 'haiku' },
  spare: { name: 'spare', provider: 'ollama', model: 'small' },
  round: { name: 'round', provider: 'x', model: 'y', fallback: 'round' },
}

const lookup: ChainLookup = {
  model: (name) => profiles[name] ?? { code: 'profile_missing', message: `there is no model "${name}"` },
  profile: (name) => profiles[name],
  defaultProfile: () => ({ name: 'default', provider: 'embedded', model: 'extractive' }),
  role: (name) => (name === 'Shorten' ? 'Make it short. {{ not a template }}' : undefined),
  persona: () => undefined,
  roleNames: () => ['Shorten'],
  personaNames: () => [],
  place: (index) => ({ file: 'config.yaml', line: 10 + index, column: 5 }),
}

const compile = (...steps: string[]) => compileChain('c', steps, lookup)
const systemOf = (step: string) => compile(step).graph?.steps[0]?.spec['system']

describe('compiling a chain', () => {
  it('the first step reads the input, each later one only the answer before it; a failure ends the chain', () => {
    const { graph, problems } = compile(
      'GenerateCode>/Developer)-gemini',
      'Critique>/Tester)-anthropic',
      'Critique>/Poet)-gemini',
    )
    expect(problems).toEqual([])
    expect(graph && checkGraph(graph)).toEqual([])
    expect(graph?.output).toBe('Critique-2')
    expect(
      graph?.steps.map(({ id, after, spec }) => [id, after, spec['title'], spec['template'], spec['rules']]),
    ).toEqual([
      ['GenerateCode', undefined, 'gemini (GenerateCode/Developer)', undefined, undefined],
      [
        'Critique',
        [{ step: 'GenerateCode', on: 'success' }],
        'anthropic (Critique/Tester)',
        { prompt: '{{ steps["GenerateCode"].text }}' },
        { input_scope: 'dependencies' },
      ],
      [
        'Critique-2',
        [{ step: 'Critique', on: 'success' }],
        'gemini (Critique/Poet)',
        { prompt: '{{ steps["Critique"].text }}' },
        { input_scope: 'dependencies' },
      ],
    ])
  })

  it('fallbacks of a profile are taken along, its own prompt is not', () => {
    const candidates = compile('Plan>/Default)-gemini').graph?.steps[0]?.spec['candidates']
    expect(candidates).toEqual([
      { profile: 'gemini', provider: 'gemini', model: 'flash', temperature: 0.7 },
      { profile: 'spare', provider: 'ollama', model: 'small' },
    ])
  })

  it('roles and personas have prompts of their own, shipped ones, or speak by their names', () => {
    expect(systemOf('Shorten>/Default)-gemini')).toBe('Make it short. {{ not a template }}')
    expect(systemOf('Critique>/Tester)-gemini')).toMatch(/^You are a software tester.*\n\nCritique what/s)
    expect(systemOf('MakeHTTPCall>/old_sailor)-gemini')).toBe(
      'Speak as this character: old sailor.\n\nYour task for the text you are given: make http call.',
    )
  })

  it('names every broken step with its place, and warns of a misspelt word', () => {
    const { graph, problems } = compile(
      'Plan>/Default',
      'Plan>/Default)-nowhere',
      'Critque>/Tester)-gemini',
      'Plan>/Default)-round',
    )
    expect(graph).toBeUndefined()
    expect(problems.map(({ line, code, message, hint }) => `${line} ${code} ${message} ${hint ?? ''}`.trim())).toEqual([
      '10 chain_invalid step 1, column 14: ")-" is missing after the persona "Default" A step is Role>/Persona)-Model, for example "Critique>/Tester)-anthropic".',
      '11 profile_missing step 2: there is no model "nowhere"',
      '12 chain_invalid step 3: the role "Critque" has no prompt of its own; its name is all the model is told Did you mean "Critique"?',
      '13 profile_cycle the fallbacks of "Plan" go in a circle: round -> round',
    ])
  })

  it('an empty chain and an endless one are refused', () => {
    expect(compile().problems).toMatchObject([{ code: 'chain_invalid', message: 'the chain has no steps' }])
    expect(compile(...Array<string>(501).fill('Plan>/Default)-gemini')).problems).toMatchObject([
      { code: 'chain_invalid', line: 510 },
    ])
    const long = compile(...Array<string>(500).fill('Plan>/Default)-gemini')).graph
    expect(new Set(long?.steps.map(({ id }) => id)).size).toBe(500)
  })
})

import { describe, expect, test } from 'vitest'
import type { AgentSpec } from './agent-spec.ts'
import { type CachePolicy, readCachePolicy } from './cache-policy.ts'
import { compileEnsemble } from './ensemble-compile.ts'
import { parseEnsemble } from './ensemble-parse.ts'
import { printEnsemble } from './ensemble-print.ts'
import type { Lookup } from './lookup.ts'

const profile = { name: 'p', provider: 'scripted', model: 'm' }

function compile(agents: string, { top = '', cache }: { top?: string; cache?: CachePolicy } = {}) {
  const { ensemble, problems } = parseEnsemble(`name: t\ndescription: d\n${top}agents:\n${agents}`, 't.yaml')
  const lookup: Lookup = {
    profile: () => profile,
    profileNames: () => ['p'],
    defaultProfile: () => profile,
    script: (reference) => ({ type: 'file', reference, path: `/${reference}`, sha256: '1', program: [] }),
    role: () => undefined,
    ...(cache === undefined ? {} : { cache }),
  }
  const made = ensemble ? compileEnsemble(ensemble, lookup) : { problems: [] }
  const specs = 'graph' in made ? made.graph?.steps.map(({ spec }) => (spec as unknown as AgentSpec).cache) : undefined
  return { ensemble, specs, made, problems: problems.map(({ line, code, severity }) => `${line} ${code} ${severity}`) }
}

describe('cache of an ensemble', () => {
  test('what may be written', () => {
    expect([false, 'off', true, 'exact', {}].map((block) => readCachePolicy(block as never))).toEqual([
      false,
      false,
      {},
      {},
      {},
    ])
    expect(readCachePolicy({ ttl_seconds: 1.5, files: ['a'] })).toEqual({ ttl_ms: 1500, files: ['a'] })
  })

  test('without a word there is none; an agent’s own word stands above the file’s, and that above the settings’', () => {
    const agents = '  - {name: a, model_profile: p}\n  - {name: b, model_profile: p, cache: off}\n'
    const own = '  - {name: c, model_profile: p, cache: {ttl_seconds: 60}}'
    expect(compile(agents + own).specs).toEqual([undefined, undefined, { ttl_ms: 60_000 }])
    expect(compile(agents + own, { top: 'cache: exact\n' }).specs).toEqual([{}, undefined, { ttl_ms: 60_000 }])
    expect(compile(agents, { cache: { ttl_ms: 5 } }).specs).toEqual([{ ttl_ms: 5 }, undefined])
    expect(compile(agents, { cache: {}, top: 'cache: off\n' }).specs).toEqual([undefined, undefined])
  })

  test('the file’s word holds in loops and for the older last call, not for scripts', () => {
    const agents =
      '  - {name: l, loop: {body: [{name: d, model_profile: p}], max_iterations: 2}}\n  - {name: s, script: s.py}'
    const { made, specs, problems } = compile(agents, { top: 'cache: exact\ncoordinator: {model_profile: p}\n' })
    expect(problems).toEqual(['6 ensemble_invalid warning'])
    expect(specs).toEqual([undefined, undefined, {}])
    expect(JSON.stringify(made)).toContain('"cache":{}')
  })

  test('a script is cached only with files; without them a warning says where', () => {
    const files = '  - {name: a, script: a.py, cache: {files: ["data/**"], ttl_seconds: 2}}\n'
    expect(compile(files).specs).toEqual([{ files: ['data/**'], ttl_ms: 2000 }])
    const without = compile(`${files}  - {name: b, script: a.py, cache: exact}`)
    expect(without.problems).toEqual(['5 cache_needs_files warning'])
    expect(without.specs?.[1]).toBeUndefined()
  })

  test.each([
    ['{name: a, model_profile: p, cache: {files: [x]}}', '4 ensemble_invalid undefined'],
    ['{name: a, script: a.py, cache: {files: ["/etc/*"]}}', '4 ensemble_invalid undefined'],
    ['{name: a, script: a.py, cache: {files: ["data/../../x"]}}', '4 ensemble_invalid undefined'],
    ['{name: a, ensemble: other, cache: exact}', '4 ensemble_invalid undefined'],
    ['{name: a, model_profile: p, cache: always}', '4 ensemble_invalid undefined'],
  ])('%s is refused', (agent, problem) => {
    expect(compile(`  - ${agent}`).problems).toEqual([problem])
  })

  test('files of the whole ensemble are refused', () => {
    expect(compile('  - {name: a, model_profile: p}', { top: 'cache: {files: [x]}\n' }).problems).not.toEqual([])
  })

  test('printed and read again it is the same', () => {
    const agents =
      '  - {name: a, model_profile: p, cache: {ttl_seconds: 60}}\n  - {name: b, model_profile: p, cache: false}'
    const { ensemble } = compile(agents, { top: 'cache: exact\n' })
    const again = parseEnsemble(printEnsemble(ensemble as NonNullable<typeof ensemble>), 't.yaml').ensemble
    expect(again?.cache).toBe('exact')
    expect(again?.agents.map(({ cache }) => cache)).toEqual([{ ttl_seconds: 60 }, false])
  })
})

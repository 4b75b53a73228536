/** Ensembles whose steps ask for the cache, run whole in a project on disk, with every run verified. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/app/create-app.ts'
import type { Permits } from '../../src/app/policy.ts'
import { prepareRun, requireRun } from '../../src/app/runs.ts'
import { findTarget } from '../../src/app/target.ts'
import { reportToMarkdown } from '../../src/events/views/report-markdown.ts'
import { call } from './calls.ts'
import { makeProject, type Project } from './project.ts'

const SCRIPT = `rules:
  - contains: long
    answer: {text: cut, finish: length}
  - contains: mend
    then: [{text: short}, {text: a much longer answer}]
default: {text: "said {{call}}"}
`

function makeCached(agents: string, { top = '', config = '', answers = SCRIPT } = {}): Project {
  const project = makeProject({
    'config.yaml': `model_profiles:\n  p: { provider: scripted, model: rehearsal }\n${config}`,
    'ensembles/e.yaml': `name: e\ndescription: d\n${top}agents:\n${agents}\n`,
    'answers.yaml': answers,
  })
  const LLM_ORC_SCRIPT = join(project.cwd, '.llm-orc/answers.yaml')
  return { ...project, env: { ...project.env, LLM_ORC_VERIFY_RUNS: '1', LLM_ORC_SCRIPT } }
}

const one = (more = '') => `  - {name: a, model_profile: p, template: "{{ input }}", cache: exact${more}}`

/** Runs it once in an app of its own: every one begins to count its calls anew. */
async function run(project: Project, input = 'Why?', more: Record<string, unknown> = {}) {
  const result = await call(project, 'run', { target: 'e', input, ...more })
  const { report } = result
  return {
    result,
    usage: report.totals.usage,
    output: (name: string) => report.agents.find((each) => each.name === name)?.output,
  }
}

async function sourcesOf(project: Project, id: string): Promise<(string | undefined)[]> {
  const app = await createApp(project)
  try {
    return (await requireRun(app, id)).flatMap((event) =>
      event.type === 'effect-done' ? [`${event.data.source ?? 'world'} ${event.data.cost ?? '-'}`] : [],
    )
  } finally {
    await app.close()
  }
}

describe('answers of models', () => {
  test('H10 the same question in another run is answered from the cache, for nothing, and replays', async () => {
    const project = makeCached(one())
    const first = await run(project)
    expect(first.usage).toMatchObject({ calls: 1, cached_calls: 0 })
    const second = await run(project)
    expect(second.usage).toMatchObject({ calls: 0, cached_calls: 1, unmetered: 0, unpriced: 0 })
    expect(second.output('a')).toBe(first.output('a'))
    expect(reportToMarkdown(second.result.report)).toContain('from the cache')
    expect(await sourcesOf(project, second.result.run)).toEqual(['cache 0'])
    expect((await run(project, 'Why not?')).usage).toMatchObject({ calls: 1, cached_calls: 0 })
    expect(await call(project, 'cache show', {})).toMatchObject({
      answers: 2,
      hits: 1,
      shares: [{ kind: 'model', source: 'scripted/rehearsal', target: 'e', answers: 2 }],
    })
  })

  test('another script behind the provider, another rule or another project setting asks anew', async () => {
    const project = makeCached(one())
    await run(project)
    writeFileSync(project.env['LLM_ORC_SCRIPT'] ?? '', `${SCRIPT}\n`)
    expect((await run(project)).usage.cached_calls).toBe(1)
    writeFileSync(project.env['LLM_ORC_SCRIPT'] ?? '', SCRIPT.replace('said', 'says'))
    expect((await run(project)).usage.cached_calls).toBe(0)
    expect((await run(project)).usage.cached_calls).toBe(1)
    writeFileSync(join(project.cwd, '.llm-orc/policy.yaml'), 'rules:\n  - {tool: nothing, decision: deny}\n')
    expect((await run(project)).usage.cached_calls).toBe(0)
  })

  test('three samples of one question stay three, in the first run and from the cache', async () => {
    const samples = [1, 2, 3].map(
      (n) => `  - {name: s${n}, model_profile: p, system_prompt: s, template: same, cache: exact}`,
    )
    const project = makeCached(samples.join('\n'))
    const first = await run(project)
    const outputs = (found: typeof first) => ['s1', 's2', 's3'].map((name) => found.output(name)).toSorted()
    expect(outputs(first)).toEqual(['said 1', 'said 2', 'said 3'])
    const second = await run(project)
    expect(second.usage).toMatchObject({ calls: 0, cached_calls: 3 })
    expect(outputs(second)).toEqual(outputs(first))
  })

  test('a cut answer is not kept; nor is one that failed its check, only the one that passed', async () => {
    const cut = makeCached(one())
    await run(cut, 'long')
    expect((await run(cut, 'long')).usage).toMatchObject({ calls: 1, cached_calls: 0 })
    const checked = makeCached(one(', verify: [{min_length: 10}]'))
    const first = await run(checked, 'mend')
    expect(first.output('a')).toBe('a much longer answer')
    expect(await call(checked, 'cache show', {})).toMatchObject({ answers: 1 })
    const second = await run(checked, 'mend')
    expect(second.usage).toMatchObject({ calls: 1, cached_calls: 1 })
  })

  test('JSON that does not follow its schema is not kept', async () => {
    const answers = 'rules: [{matches: ".", then: [{text: no JSON}, {text: "{\\"n\\": 1}"}]}]\n'
    const schema = ', output_schema: {type: object, required: [n]}'
    const project = makeCached(one(schema), { answers })
    expect((await run(project)).output('a')).toEqual({ n: 1 })
    expect(await call(project, 'cache show', {})).toMatchObject({ answers: 1 })
  })

  test('--no-cache, the settings and an older time limit', async () => {
    const project = makeCached(one())
    await run(project, 'Why?', { cache: false })
    expect(await call(project, 'cache show', {})).toMatchObject({ answers: 0 })
    await run(project)
    expect((await run(project, 'Why?', { cache: false })).usage.cached_calls).toBe(0)
    const off = { ...project, env: { ...project.env, LLM_ORC_CACHE_ENABLED: 'false' } }
    expect((await run(off)).usage.cached_calls).toBe(0)
    expect((await run(project)).usage.cached_calls).toBe(1)
    const plain = makeCached('  - {name: a, model_profile: p, template: t}', { config: 'cache: {default: exact}\n' })
    await run(plain)
    expect((await run(plain)).usage.cached_calls).toBe(1)
    const brief = { ...plain, env: { ...plain.env, LLM_ORC_CACHE_TTL_SECONDS: '0.001' } }
    expect((await run(brief)).usage.cached_calls).toBe(0)
  })

  test('I18 the file of the cache holds no secret that a model repeats', async () => {
    const secret = 'sk-cache-0123456789abcdef'
    const project = makeCached(one(), { answers: `default: {text: "the key is ${secret}"}\n` })
    const guarded = { ...project, env: { ...project.env, EXAMPLE_API_KEY: secret } }
    await run(guarded)
    const second = await run(guarded)
    expect(second.usage.cached_calls).toBe(1)
    expect(String(second.output('a'))).not.toContain(secret)
    const { file } = (await call(guarded, 'cache show', {})) as unknown as { file: string }
    expect(readFileSync(file).includes(secret)).toBe(false)
  })

  test('a run that another process takes up knows what is checked, and whether it wants the cache at all', async () => {
    const project = makeCached(one(', verify: [{min_length: 3}]'))
    const detach = async (permits: Permits) => {
      const app = await createApp(project)
      try {
        return await prepareRun(app, { target: await findTarget(app, 'e'), input: 'Why?', permits })
      } finally {
        await app.close()
      }
    }
    const without = await call(project, 'runs resume', { run: await detach({ no_cache: true }) })
    expect(without.status).toBe('succeeded')
    expect(await call(project, 'cache show', {})).toMatchObject({ answers: 0 })
    await call(project, 'runs resume', { run: await detach({}) })
    expect(await call(project, 'cache show', {})).toMatchObject({ answers: 1, shares: [{ target: 'e' }] })
    expect((await run(project)).usage.cached_calls).toBe(1)
  })

  test('clear asks first', async () => {
    const project = makeCached(one())
    await run(project)
    await expect(call(project, 'cache clear', {})).rejects.toMatchObject({ code: 'confirmation_needed' })
    expect(await call(project, 'cache clear', { confirm: true, model: 'rehearsal' })).toMatchObject({ removed: 1 })
    expect((await run(project)).usage.cached_calls).toBe(0)
  })
})

describe('scripts', () => {
  const count = 'echo x >> runs.txt; cat data/in.txt'
  const scripts = (more = '') => `  - {name: s, script: "${count}", cache: {files: ["data/*.txt"]${more}}}`
  const prepare = (agents: string, config = '') => makeCached(agents, { config })
  const runsOf = ({ cwd }: Project) => readFileSync(join(cwd, 'runs.txt'), 'utf8').length / 2
  const fill = ({ cwd }: Project, text: string) => {
    mkdirSync(join(cwd, 'data'), { recursive: true })
    writeFileSync(join(cwd, 'data/in.txt'), text)
  }

  test('a script runs again when its input or what stands in its files has changed', async () => {
    const project = prepare(scripts())
    fill(project, 'one')
    expect((await run(project)).output('s')).toMatchObject({ output: 'one' })
    const again = await run(project)
    expect(again.output('s')).toMatchObject({ output: 'one' })
    expect(again.usage.cached_calls).toBe(1)
    expect(runsOf(project)).toBe(1)
    fill(project, 'two')
    expect((await run(project)).output('s')).toMatchObject({ output: 'two' })
    await run(project, 'another input')
    expect(runsOf(project)).toBe(3)
  })

  test('one that failed is never kept, and the older settings hold', async () => {
    const failing = prepare('  - {name: s, script: "echo x >> runs.txt; exit 3", cache: {files: ["data/*.txt"]}}')
    fill(failing, 'one')
    await run(failing)
    await run(failing)
    expect(runsOf(failing)).toBe(2)
    const off = prepare(scripts(), 'script_cache: {enabled: false}\n')
    fill(off, 'one')
    await run(off)
    await run(off)
    expect(runsOf(off)).toBe(2)
    const brief = prepare(scripts(), 'script_cache: {ttl_seconds: 0.001}\n')
    fill(brief, 'one')
    await run(brief)
    await run(brief)
    expect(runsOf(brief)).toBe(2)
  })
})

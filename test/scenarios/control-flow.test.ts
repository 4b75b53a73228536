/** Ensembles that branch, repeat and run each other: read from files, checked, and run whole, with every run verified. */
import { afterEach, describe, expect, test } from 'vitest'
import type { App } from '../../src/app/app.ts'
import { createApp } from '../../src/app/create-app.ts'
import { type RunResult, runTarget } from '../../src/app/runs.ts'
import { findTarget, inspectTarget } from '../../src/app/target.ts'
import type { Json } from '../../src/events/values.ts'
import { makeProject } from './project.ts'

const open: App[] = []
afterEach(async () => {
  for (const app of open.splice(0)) await app.close()
})

/** A project with these ensembles, by name, and a scripted provider. */
async function openProject(ensembles: Record<string, string>, more: Record<string, string> = {}): Promise<App> {
  const files = Object.entries(ensembles).map(([name, agents]) => [
    `ensembles/${name}.yaml`,
    `name: ${name}\ndescription: d\nagents:\n${agents}\n`,
  ])
  const project = makeProject({
    'config.yaml': 'model_profiles:\n  p: { provider: scripted, model: rehearsal }\n',
    ...Object.fromEntries(files),
    ...more,
  })
  const env = { ...project.env, LLM_ORC_VERIFY_RUNS: '1', LLM_ORC_SCRIPT: `${project.cwd}/.llm-orc/answers.yaml` }
  const app = await createApp({ cwd: project.cwd, env })
  open.push(app)
  return app
}

async function run(app: App, name: string, input: Json = 'x'): Promise<RunResult> {
  return runTarget(app, { target: await findTarget(app, name), input }, {})
}

/** How each step ended, by id. */
function statuses({ report }: RunResult): { readonly [step: string]: string } {
  return Object.fromEntries(report.agents.map(({ name, status }) => [name, status]))
}

const outputOf = ({ report }: RunResult, step: string) => report.agents.find(({ name }) => name === step)?.output

/** `FILE:LINE code message` of what is wrong, without folders. */
async function findProblems(app: App, name: string): Promise<string[]> {
  const { target, problems } = await inspectTarget(app, name)
  expect(target === undefined).toBe(problems.some(({ severity }) => severity !== 'warning'))
  return problems.map(({ file = '', line, code, message }) => {
    const folders = /\S*\/ensembles\//g
    return `${file.replace(folders, '')}:${line} ${code} ${message.replaceAll(folders, '')}`
  })
}

const script = (name: string, rest = '') => `- {name: ${name}, script: 'echo {}', safety: pure${rest}}`

describe('files that run each other', () => {
  test('a circle of files is named, through loops too', async () => {
    const app = await openProject({
      a: `${script('x')}\n- {name: y, ensemble: b}`,
      b: '- {name: z, loop: {body: c, carry: output, max_iterations: 2}}',
      c: '- {name: back, ensemble: a}',
    })
    expect(await findProblems(app, 'a')).toEqual([
      'a.yaml:5 ensemble_cycle ensembles run each other in a circle: a.yaml -> b.yaml -> c.yaml -> a.yaml',
    ])
  })

  test('five inside each other run, six are refused', async () => {
    const tower = Object.fromEntries([0, 1, 2, 3, 4, 5].map((n) => [`t${n}`, `- {name: down, ensemble: t${n + 1}}`]))
    const app = await openProject({ ...tower, t6: script('ground') })
    expect(await findProblems(app, 't0')).toEqual([expect.stringContaining('t0.yaml:4 ensemble_too_deep 7 ensembles')])
    const result = await run(app, 't1')
    expect(result.status).toBe('succeeded')
    expect(statuses(result)['down/down/down/down/down/ground']).toBe('succeeded')
  })

  test('mistakes of a child are named with its own file and line, those of the parent first', async () => {
    const app = await openProject({
      parent: '- {name: n, ensemble: child}\n- {name: m, ensemble: child}\n- {name: o, ensemble: chidl}',
      child: `${script('x')}\n- {name: y, script: gone.py}\n- {name: z, model_profile: none, approval: always}\n- {name: q, script: x, when: nope}`,
    })
    expect(await findProblems(app, 'parent')).toEqual([
      'parent.yaml:6 ensemble_missing "o" cannot run "chidl": there is no ensemble "chidl"',
      'child.yaml:5 script_missing the script "gone.py" of "y" was not found',
      'child.yaml:6 profile_missing "z" uses the model profile "none", which does not exist',
      'child.yaml:6 not_yet_supported this version cannot run approval of "z" yet',
      expect.stringContaining('child.yaml:7 condition_invalid when of "q": unknown variable: nope'),
    ])
  })

  test('a child that is no YAML', async () => {
    const app = await openProject({ parent: '- {name: n, ensemble: child}', child: '- {name: x' })
    expect(await findProblems(app, 'parent')).toEqual([
      'parent.yaml:4 ensemble_invalid "n" cannot run "child": the ensemble "child" cannot be read',
      expect.stringMatching(/^child\.yaml:\d+ yaml_invalid/),
    ])
  })

  test('every file of the definition is pinned', async () => {
    const app = await openProject(
      { parent: '- {name: n, ensemble: child}\n- {name: m, ensemble: child}', child: '- {name: x, script: do.sh}' },
      { 'scripts/do.sh': 'echo {}\n' },
    )
    const { files } = await findTarget(app, 'parent')
    expect(files.map(({ name }) => name)).toEqual(['ensemble parent', 'ensemble child', 'script do.sh'])
  })
})

describe('runs', () => {
  test('a hundred items of which five fail: in order, named, partial', async () => {
    const app = await openProject(
      { many: '- {name: each, model_profile: p, for_each: input, max_parallel: 10}' },
      {
        'answers.yaml':
          "rules:\n  - matches: '^item [2468]?7$'\n    answer: {error: {code: request_refused}}\n" +
          "  - matches: '^item (\\d+)$'\n    answer: {text: 'done {{match.1}}'}\n",
      },
    )
    const items = Array.from({ length: 100 }, (_, n) => `item ${n}`)
    const fails = items.filter((item) => /^item [2468]?7$/.test(item))
    expect(fails).toHaveLength(5)
    const result = await run(app, 'many', items)
    expect(result.status).toBe('partial')
    const output = outputOf(result, 'each') as { data: Json[]; items: { status: string; index: number }[] }
    expect(output.data).toEqual(items.map((item, n) => (fails.includes(item) ? null : `done ${n}`)))
    expect(output.items.filter(({ status }) => status === 'failed').map(({ index }) => `item ${index}`)).toEqual(fails)
  }, 30_000)

  test('until that never holds ends at the limit, and says so', async () => {
    const app = await openProject({
      rounds:
        `- {name: l, loop: {body: [${script('c').slice(2)}], until: steps.c.output.done == true || has(steps.c.output.x), carry: string(round), max_iterations: 3}}`.replace(
          'echo {}',
          'printf "{\\"done\\": false, \\"was\\": \\"$INPUT_TEXT\\"}"',
        ),
    })
    const result = await run(app, 'rounds', 'begin')
    expect(result.status).toBe('succeeded')
    expect(['l#1/c', 'l#2/c', 'l#3/c'].map((step) => (outputOf(result, step) as { was: string }).was)).toEqual([
      'begin',
      '1',
      '2',
    ])
    expect(statuses(result)['l#4/c']).toBeUndefined()
  }, 30_000)

  test('a condition that cannot be computed is a failure, and what it gates is skipped', async () => {
    const app = await openProject({
      gate: `${script('a')}\n${script('b', ', depends_on: [a], when: steps.a.output.missing > 1')}\n${script('c', ', depends_on: [b]')}`,
    })
    const result = await run(app, 'gate')
    expect(result.status).toBe('failed')
    expect(statuses(result)).toMatchObject({ a: 'succeeded', b: 'skipped', c: 'skipped' })
  }, 30_000)

  test('dispatch takes names, never paths, and an ensemble that runs itself is stopped', async () => {
    const app = await openProject({
      by: '- {name: d, dispatch: input}',
      self: '- {name: d, dispatch: "\'self\'"}',
      good: script('g'),
    })
    expect(statuses(await run(app, 'by', 'good'))).toMatchObject({ d: 'succeeded', 'd/g': 'succeeded' })
    const outside = await run(app, 'by', '../../../etc/passwd')
    expect(outside.report.agents[0]).toMatchObject({ status: 'failed', code: 'ensemble_missing' })
    const endless = await run(app, 'self')
    expect(endless.status).toBe('failed')
    expect(endless.report.agents.some(({ code }) => code === 'ensemble_too_deep')).toBe(true)
    expect(endless.report.agents.length).toBeLessThan(10)
  }, 30_000)
})

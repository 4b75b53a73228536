/** Plans as a user meets them: made, shown, kept, approved, refused. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runInside } from '../inside.ts'
import { runProgram } from '../processes.ts'
import { makeProject } from './project.ts'

const PLAN = {
  tasks: [
    { id: 'facts', description: 'Collect the facts.' },
    { id: 'doubts', description: 'Collect the doubts.' },
    { id: 'answer', type: 'synthesize', description: 'Answer with both.' },
  ],
  edges: [
    { from: 'facts', to: 'answer' },
    { from: 'doubts', to: 'answer' },
  ],
}

const SCRIPT = {
  rules: [
    { model: 'planner', answer: { text: `Here you are:\n\`\`\`json\n${JSON.stringify(PLAN)}\n\`\`\`` } },
    { contains: ['Answer with both.', 'the facts are in', 'there is a doubt'], answer: { text: 'It depends.' } },
    { contains: 'Collect the facts.', answer: { text: 'the facts are in' } },
    { contains: 'Collect the doubts.', answer: { text: 'there is a doubt' } },
  ],
}

const CONFIG = `
default_profile: worker
plan: { model: planner }
model_profiles:
  planner: { provider: scripted, model: planner }
  worker: { provider: scripted, model: worker }
`

function makeDesk() {
  const project = makeProject({ 'config.yaml': CONFIG, 'script.json': JSON.stringify(SCRIPT) })
  const env = { ...project.env, LLM_ORC_SCRIPT: join(project.cwd, '.llm-orc', 'script.json') }
  const how = { cwd: project.cwd, env }
  return {
    project,
    run: (...args: string[]) => runInside(args, how),
    start: (...args: string[]) => runProgram(args, how),
  }
}

test('a plan is shown, kept, and carried out from its file', async () => {
  const { project, run, start } = makeDesk()
  const shown = await start('plan', 'Is it so?', '--save', 'plan.json', '--output', 'json')
  expect(shown.code).toBe(0)
  const printed = JSON.parse(shown.stdout)
  expect(printed).toMatchObject({ request: 'Is it so?', levels: [['facts', 'doubts'], ['answer']], saved: 'plan.json' })
  const saved = JSON.parse(readFileSync(join(project.cwd, 'plan.json'), 'utf8'))
  expect(saved).toEqual({ request: printed.request, tasks: printed.tasks, edges: printed.edges })
  expect(Object.keys(saved.tasks[0])).toEqual(['id', 'type', 'description', 'requirements', 'quality_criteria'])

  const done = await start('run', '--plan-file', 'plan.json')
  expect(done).toMatchObject({ code: 0, stdout: 'It depends.\n' })
  writeFileSync(join(project.cwd, 'printed.json'), shown.stdout)
  expect(await run('run', '--plan-file', 'printed.json')).toMatchObject({ code: 0, stdout: 'It depends.\n' })
  expect((await run('runs', 'replay', 'latest')).stdout).toMatch(/^equal/)
})

test('a person says yes first; the run rests with exit code 4 until then', async () => {
  const { run, start } = makeDesk()
  const asked = await start('run', '--plan', 'Is it so?', '--approve')
  expect(asked.code).toBe(4)
  expect(asked.stderr).toMatch(
    /Shall this plan be carried out\?[\s\S]*2\. answer \(synthesize, .*after facts and doubts/,
  )
  const done = await run('runs', 'resolve', 'latest', 'plan', 'done', 'yes')
  expect(done).toMatchObject({ code: 0, stdout: 'It depends.\n' })
  await run('run', '--plan', 'Is it so?', '--approve')
  const refused = await run('runs', 'resolve', 'latest', 'plan', 'done', 'no')
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('plan_rejected') })
})

test('a plan file that asks for more is refused with places and reasons, and nothing is run', async () => {
  const { project, run } = makeDesk()
  const file =
    'tasks:\n  - id: a\n    description: Go.\n    tools: [bash]\n    requirements: { profile: planner }\nedges:\n  - { from: a, to: b }\n'
  writeFileSync(join(project.cwd, 'bad.yaml'), file)
  const { code, stderr } = await run('run', '--plan-file', 'bad.yaml', '-p', 'x')
  expect(code).toBe(2)
  expect(stderr).toMatch(/bad\.yaml:4:\d+ +error plan_rights/)
  expect(stderr).toMatch(/bad\.yaml:5:\d+ +error profile_missing .*"planner", which this run does not offer/)
  expect(stderr).toMatch(/bad\.yaml:7:\d+ +error dependency_unknown/)
  expect(JSON.parse((await run('runs', 'list', '--output', 'json')).stdout).runs).toEqual([])
})

test.each([
  [['plan'], 'nothing to plan'],
  [['run', '--plan', 'x', '--plan-file', 'y'], 'not both'],
  [['run', 'some-ensemble', '--plan', 'x'], 'not both'],
  [['run', '-p', 'x', '--approve'], 'no planning here'],
  [['run', '--plan-file', 'gone.json'], 'gone.json cannot be read'],
])('%j is refused', async (args, reason) => {
  const { run } = makeDesk()
  expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(reason) })
})

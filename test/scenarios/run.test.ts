import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runInside } from '../inside.ts'
import { type FakeServer, runProgram, startFakeServer, startProgram } from '../processes.ts'
import { makeLayer, makeProject } from './project.ts'

let server: FakeServer
beforeAll(async () => {
  server = await startFakeServer()
})
afterAll(() => server.stop())

const sleeper = (count: number) =>
  `name: sleepers\ndescription: scripts side by side\nagents:\n${Array.from({ length: count }, (_, i) => `  - name: s${i}\n    script: "sleep 2; echo '{\\"n\\": ${i}}'"\n`).join('')}`

const agents = (count: number, prompt = '') =>
  `name: many\ndescription: agents side by side\nagents:\n${Array.from({ length: count }, (_, i) => `  - name: a${i}\n    model_profile: fake\n    system_prompt: "${prompt} ${i}"\n`).join('')}`

describe('a run from the command line', () => {
  test('four scripts of two seconds take little longer than one', async () => {
    const one = makeProject({ 'ensembles/sleepers.yaml': sleeper(1) })
    const four = makeProject({ 'ensembles/sleepers.yaml': sleeper(4) })
    // At once, so that both find the machine equally busy.
    const [single, many] = await Promise.all(
      [one, four].map((project) => runProgram(['run', 'sleepers', 'x'], project)),
    )
    if (!single || !many) throw new Error('both have run')
    expect([single.code, many.code]).toEqual([0, 0])
    console.log(`scripts: 4 beside 1 = ${(many.ms / single.ms).toFixed(2)} x`)
    expect(many.ms / single.ms).toBeLessThan(1.6)
  })

  test('fifteen agents of two seconds take little longer than one', async () => {
    const layer = makeLayer(['fake'], server.url)
    const one = makeProject({ 'ensembles/many.yaml': agents(1) })
    const fifteen = makeProject({ 'ensembles/many.yaml': agents(15) })
    const words = ['run', 'many', '[sleep:2000]', '--config-dir', layer]
    const [single, many] = await Promise.all([one, fifteen].map((project) => runProgram(words, project)))
    if (!single || !many) throw new Error('both have run')
    expect([single.code, many.code]).toEqual([0, 0])
    console.log(`agents: 15 beside 1 = ${(many.ms / single.ms).toFixed(2)} x`)
    expect(many.ms / single.ms).toBeLessThan(1.4)
  })

  test('F09 eight processes at once on one data folder: eight right results, no busy error', async () => {
    const project = makeProject({ 'ensembles/many.yaml': agents(3) })
    const layer = makeLayer(['fake'], server.url)
    const done = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        runProgram(['run', 'many', `question ${i}`, '--config-dir', layer, '--output', 'json'], project),
      ),
    )
    expect(done.map((each) => each.code)).toEqual(Array(8).fill(0))
    expect(done.every((each) => (JSON.parse(each.stdout) as { status: string }).status === 'succeeded')).toBe(true)
    expect(done.map((each) => each.stderr).join('')).not.toMatch(/busy|locked/i)
    const list = JSON.parse((await runProgram(['runs', 'list', '--output', 'json'], project)).stdout) as {
      runs: { id: string; status: string; target: string; started: string }[]
    }
    expect(list.runs).toHaveLength(8)
    expect(list.runs.map((run) => run.started)).toEqual(
      list.runs
        .map((run) => run.started)
        .toSorted()
        .toReversed(),
    )
    for (const run of list.runs.slice(0, 2)) {
      const replay = await runInside(['runs', 'replay', run.id, '--output', 'json'], project)
      expect(JSON.parse(replay.stdout)).toMatchObject({ equal: true })
    }
  })

  test('input: positional before option before pipe before default_task', async () => {
    const yaml = `name: echo\ndescription: says what it got\ndefault_task: from the file\nagents:\n  - name: e\n    script: "cat"\n`
    const project = makeProject({ 'ensembles/echo.yaml': yaml })
    const inputOf = async (args: string[], input?: string) => {
      const done = await runProgram(['run', 'echo', ...args, '--output', 'json'], {
        ...project,
        ...(input === undefined ? {} : { input }),
      })
      return (JSON.parse(done.stdout) as { report: { input: string } }).report.input
    }
    expect(await inputOf(['positional', '--input-data', 'option'], 'pipe')).toBe('positional')
    expect(await inputOf(['--input-data', 'option'], 'pipe')).toBe('option')
    expect(await inputOf([], 'pipe')).toBe('pipe')
    expect(await inputOf([])).toBe('from the file')
  })

  test('a failed dependency is named to the dependent agent; exit code 1; artifacts can be read', async () => {
    const yaml = `name: broken\ndescription: one fails\nagents:\n  - name: bad\n    script: "exit 3"\n  - name: good\n    model_profile: fake\n    depends_on: [bad]\n`
    const project = makeProject({ 'ensembles/broken.yaml': yaml })
    const layer = makeLayer(['fake'], server.url)
    const done = await runProgram(['run', 'broken', 'x', '--config-dir', layer, '--output', 'json'], project)
    expect(done.code).toBe(1)
    expect(JSON.parse(done.stdout)).toMatchObject({ status: 'partial' })
    const prompts = Object.keys((await server.stats()).prompts).filter((prompt) => prompt.includes('bad'))
    expect(prompts.join()).toMatch(/bad[\s\S]*(failed|script_failed)/)
    const folder = join(project.cwd, '.llm-orc', 'artifacts', 'broken')
    expect(readlinkSync(join(folder, 'latest'))).toBe(readdirSync(folder).find((name) => name !== 'latest'))
    expect(readFileSync(join(folder, 'latest', 'execution.md'), 'utf8')).toMatch(/script\\?_failed/)
    expect(JSON.parse(readFileSync(join(folder, 'latest', 'execution.json'), 'utf8'))).toMatchObject({
      ensemble: 'broken',
      status: 'completed_with_errors',
    })
  })

  test('cancel from another process works at once, and the run exits 130', async () => {
    const project = makeProject({
      'ensembles/slow.yaml': 'name: slow\ndescription: waits\nagents:\n  - name: s\n    script: "sleep 30"\n',
    })
    const running = startProgram(['run', 'slow', 'x'], project)
    const id = await waitForRun(project)
    const began = performance.now()
    const cancelled = await runProgram(['runs', 'cancel', id, '--output', 'json'], project)
    expect(cancelled.stderr).toBe('')
    const done = await running.done
    expect(done.code).toBe(130)
    // The script would have gone on for half a minute.
    expect(performance.now() - began).toBeLessThan(25_000)
    expect(await statusOf(project, id)).toBe('cancelled')
  })

  test('an unsafe script under way when its process is killed is asked about, never repeated; resolve lets the run go on', async () => {
    const yaml =
      'name: deed\ndescription: unsafe\nagents:\n  - name: pay\n    script: "echo once >> paid.log; sleep 15; echo paid"\n  - name: after\n    script: "echo after"\n    depends_on: [pay]\n'
    const project = makeProject({ 'ensembles/deed.yaml': yaml })
    const running = startProgram(['run', 'deed', 'x'], project)
    const id = await waitForRun(project)
    await waitFor(() => readdirSync(project.cwd).includes('paid.log'))
    running.child.kill('SIGKILL')
    await running.done
    const resumed = await runProgram(['runs', 'resume', id, '--output', 'json'], project)
    expect(resumed.code).toBe(4)
    expect(await statusOf(project, id)).toBe('resting')
    const resolved = await runProgram(
      ['runs', 'resolve', id, 'pay', '--outcome', 'done', '--answer', 'paid', '--output', 'json'],
      project,
    )
    expect(resolved.code).toBe(0)
    expect(JSON.parse(resolved.stdout)).toMatchObject({ status: 'succeeded' })
    expect(readFileSync(join(project.cwd, 'paid.log'), 'utf8')).toBe('once\n')
    const replay = await runInside(['runs', 'replay', id, '--output', 'json'], project)
    expect(JSON.parse(replay.stdout)).toMatchObject({ equal: true })
  })

  test('a detached run goes on in the background', async () => {
    const project = makeProject({
      'ensembles/quick.yaml': 'name: quick\ndescription: quick\nagents:\n  - name: s\n    script: "echo done"\n',
    })
    const done = await runProgram(['run', 'quick', 'x', '--detach', '--output', 'json'], project)
    const { run } = JSON.parse(done.stdout) as { run: string }
    await waitFor(async () => (await statusOf(project, run)) === 'succeeded')
  })

  test('a prompt to two models', async () => {
    const project = makeProject({})
    const layer = makeLayer(['one', 'two'], server.url)
    const done = await runProgram(
      ['run', '-p', 'hello', '--model', 'one', '--model', 'two', '--config-dir', layer, '--output', 'json'],
      project,
    )
    const { report } = JSON.parse(done.stdout) as { report: { agents: { name: string; status: string }[] } }
    expect(report.agents.map((agent) => [agent.name, agent.status])).toEqual([
      ['one', 'succeeded'],
      ['two', 'succeeded'],
    ])
  })
})

async function waitFor(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('it did not come about')
}

async function waitForRun(project: { cwd: string; env: Record<string, string> }): Promise<string> {
  let id = ''
  await waitFor(async () => {
    const list = await runInside(['runs', 'list', '--output', 'json'], project)
    id = (JSON.parse(list.stdout || '{"runs":[]}') as { runs: { id: string }[] }).runs[0]?.id ?? ''
    return id !== ''
  })
  return id
}

async function statusOf(
  project: { cwd: string; env: Record<string, string> },
  id: string,
): Promise<string | undefined> {
  const list = await runInside(['runs', 'list', '--output', 'json'], project)
  return (JSON.parse(list.stdout) as { runs: { id: string; status: string }[] }).runs.find((run) => run.id === id)
    ?.status
}

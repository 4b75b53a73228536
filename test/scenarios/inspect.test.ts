/** A run looked at from all sides: state at any event, timeline, ledger, what it asks; and the doctor. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { runInside } from '../inside.ts'
import { runProgram, startProgram } from '../processes.ts'
import { makeProject, type Project } from './project.ts'

const ENSEMBLE = `name: works
description: two in parallel, one of them at the second attempt
agents:
  - name: left
    script: "sleep 0.2; echo left"
  - name: right
    script: "test -e tried || { touch tried; exit 3; }; echo right"
    safety: idempotent
    retry: {attempts: 2, delay_seconds: 0.1}
  - name: last
    script: "echo last"
    depends_on: [left, right]
`
const ASKS =
  'name: deed\ndescription: unsafe\nagents:\n  - name: pay\n    script: "echo $LLM_ORC_IDEMPOTENCY_KEY > key; sleep 5; echo paid"\n'

async function ask(project: Project, ...args: string[]) {
  return runInside(['runs', ...args], project)
}

async function askJson(project: Project, ...args: string[]) {
  const { stdout } = await ask(project, ...args, '--output', 'json')
  return JSON.parse(stdout)
}

describe('a finished run', () => {
  let project: Project
  beforeAll(async () => {
    project = makeProject({ 'ensembles/works.yaml': ENSEMBLE })
    expect((await runProgram(['run', 'works', 'x'], project)).code).toBe(0)
  }, 30_000)

  test('--at shows the state after any event', async () => {
    const { events } = await askJson(project, 'show', 'latest')
    const early = await askJson(project, 'show', 'latest', '--at', '3')
    expect(early).toMatchObject({ events, at: { seq: 3, type: 'step-started' }, report: { status: 'running' } })
    expect(early.report.agents.map(({ status }: { status: string }) => status)).toEqual([
      'running',
      'waiting',
      'waiting',
    ])
    const { stdout } = await ask(project, 'show', 'latest', '--at', '3')
    expect(stdout).toContain(`as it stood after event 3 of ${events}: step-started`)
    const beyond = await ask(project, 'show', 'latest', '--at', '999')
    expect(beyond.code).not.toBe(0)
    expect(beyond.stderr).toContain(`Its last event is ${events}`)
  })

  test('--timeline draws a line for each step, with attempts and waits', async () => {
    const { timeline } = await askJson(project, 'show', 'latest', '--timeline')
    expect(timeline.lanes).toBe(2)
    expect(timeline.waits).toMatchObject([{ step: 'right', why: 'retry' }])
    const { stdout } = await ask(project, 'show', 'latest', '--timeline')
    expect(stdout).toMatch(/1 left +█/)
    expect(stdout).toMatch(/2 right +█+░+2█* +✓ .* x2/)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  test('--effects lists every intent', async () => {
    const { effects } = await askJson(project, 'show', 'latest', '--effects')
    const of = (key: string) => effects.find((each: { key: string }) => each.key === key)
    expect(effects).toHaveLength(4)
    expect(of('left/script')).toMatchObject({ safety: 'unsafe', tries: 1, outcome: 'done', source: 'world' })
    expect(of('right@2/script')).toMatchObject({ safety: 'idempotent', attempt: 2, outcome: 'done' })
  })

  test('I3: the doctor finds a torn end, moves it aside only when told to, and the run can be taken up', async () => {
    const healthy = await askJson(project, 'doctor')
    expect(healthy).toMatchObject({ healthy: true, problems: [], runs: [{ healthy: true, violations: [] }] })
    const { file } = healthy
    const [{ run, events }] = healthy.runs
    const db = new DatabaseSync(file)
    db.exec(`UPDATE records SET data = '{"torn' WHERE seq = ${events} AND stream =
      (SELECT id FROM streams WHERE name = 'run/${run}')`)
    db.close()
    const sick = await ask(project, 'doctor', run)
    expect(sick.code).toBe(1)
    expect(sick.stdout).toContain(`event ${events}: I3: Record ${events}`)
    expect(sick.stdout).toContain(`llm-orc runs doctor ${run} --repair`)
    const again = await askJson(project, 'doctor', run)
    expect(again.runs[0].torn).toEqual({ from: events, records: 1 })
    const mended = await ask(project, 'doctor', run, '--repair', '--output', 'json')
    expect(mended.code).toBe(0)
    const { torn } = JSON.parse(mended.stdout).runs[0]
    expect(JSON.parse(readFileSync(torn.moved_to, 'utf8'))).toMatchObject({ seq: events, data: '{"torn' })
    expect((await ask(project, 'resume', run)).code).toBe(0)
    expect(await askJson(project, 'doctor')).toMatchObject({ healthy: true, runs: [{ healthy: true }] })
  })

  test('I1: damage in the middle is named and left alone', async () => {
    const { file, runs } = await askJson(project, 'doctor')
    const db = new DatabaseSync(file)
    db.exec(`UPDATE records SET data = replace(data, '"lamport":4', '"lamport":5') WHERE seq = 4`)
    db.close()
    const sick = await ask(project, 'doctor', '--repair', '--output', 'json')
    expect(sick.code).toBe(1)
    expect(JSON.parse(sick.stdout).runs).toMatchObject([
      {
        run: runs[0].run,
        events: 3,
        violations: [
          { invariant: 'I1', seq: 4 },
          { invariant: 'I3', message: expect.stringContaining('event 5 is sound') },
        ],
      },
    ])
  })
})

test('runs that cannot be read are listed with the reason, hide no other, are never pruned, and can be removed', async () => {
  const project = makeProject({
    'ensembles/works.yaml': 'name: works\ndescription: one\nagents:\n  - {name: a, script: echo a}\n',
  })
  for (let i = 0; i < 4; i++) expect((await runInside(['run', 'works', 'x'], project)).code).toBe(0)
  const { file, runs } = await askJson(project, 'doctor')
  const [newer, torn, odd, sound] = (runs as { run: string; events: number }[]).map(({ run }) => run) as [
    string,
    string,
    string,
    string,
  ]
  const change = (run: string, seq: number, to: string) => {
    const db = new DatabaseSync(file)
    db.exec(
      `UPDATE records SET data = ${to} WHERE seq = ${seq} AND stream = (SELECT id FROM streams WHERE name = 'run/${run}')`,
    )
    db.close()
  }
  const last = runs[0].events
  change(newer, last, `json_set(data, '$.v', 7)`)
  change(torn, last, `'{"torn'`)
  change(odd, 1, `'{"type":"run-started"}'`)

  const list = (await askJson(project, 'list')).runs as {
    id: string
    status: string
    target: string
    unreadable?: string
  }[]
  const of = (run: string) => list.find(({ id }) => id === run)
  expect(list).toHaveLength(4)
  expect(of(sound)).toMatchObject({ status: 'succeeded', target: 'works' })
  expect(of(newer)).toMatchObject({
    status: 'unreadable',
    target: 'works',
    unreadable: expect.stringContaining('has format 7'),
  })
  expect(of(torn)).toMatchObject({
    status: 'unreadable',
    unreadable: expect.stringContaining(`Record ${last} of run/${torn}`),
  })
  expect(of(odd)).toMatchObject({ status: 'unreadable', target: '?', unreadable: expect.stringContaining('event 1') })
  const shown = await ask(project, 'list')
  expect(shown.stdout.match(/unreadable/g)).toHaveLength(3)
  expect(shown.stderr).toContain(`The run ${torn} cannot be read`)
  expect((await askJson(project, 'show', sound)).report.status).toBe('succeeded')
  expect((await askJson(project, 'list', '--limit', '2')).runs).toHaveLength(2)

  const doctor = await ask(project, 'doctor', '--repair', '--output', 'json')
  expect(doctor.code).toBe(1)
  const health = (
    JSON.parse(doctor.stdout) as { runs: { run: string; healthy: boolean; torn?: object; violations: object[] }[] }
  ).runs
  // What a newer version wrote is no damage: it is left where it is.
  expect(health.find(({ run }) => run === newer)).toMatchObject({
    healthy: false,
    violations: [{ invariant: 'I3', seq: last, message: expect.stringContaining('Update') }],
  })
  expect(health.find(({ run }) => run === newer)?.torn).toBeUndefined()
  expect(health.find(({ run }) => run === torn)?.torn).toMatchObject({ from: last, moved_to: expect.any(String) })
  expect(health.find(({ run }) => run === sound)).toMatchObject({ healthy: true })

  const pruned = await askJson(project, 'prune', '--keep', '0', '--older-than', '0')
  expect(pruned).toMatchObject({ removed: [sound] })
  expect(pruned.unreadable.map(({ run }: { run: string }) => run).sort()).toEqual([newer, odd].sort())
  for (const run of [newer, odd]) expect((await ask(project, 'delete', run, '--confirm')).code).toBe(0)
  expect((await askJson(project, 'list')).runs).toMatchObject([{ id: torn, status: 'unfinished' }])
}, 60_000)

test('an unsafe script that failed and may have happened is never run again, and every report says so', async () => {
  const yaml = `name: deed\ndescription: dies\nagents:\n  - name: pay\n    script: "echo once >> paid.log; kill -9 $$"\n    retry: {attempts: 3}\n`
  const project = makeProject({ 'ensembles/deed.yaml': yaml })
  expect((await runProgram(['run', 'deed', 'x'], project)).code).toBe(1)
  expect(readFileSync(join(project.cwd, 'paid.log'), 'utf8')).toBe('once\n')
  const { report, asks, effects } = await askJson(project, 'show', 'latest', '--effects')
  expect(report).toMatchObject({
    status: 'failed',
    unknown: [{ key: 'pay/script', code: 'script_killed', touched: 'yes' }],
  })
  expect(asks).toEqual([])
  expect(effects).toMatchObject([{ outcome: 'failed', code: 'script_killed', touched: 'yes', tries: 1 }])
  const { stdout } = await ask(project, 'show', 'latest')
  expect(stdout).toContain('they were not done again')
  expect(stdout).toContain('pay/script (script_killed: it had begun)')
  expect((await ask(project, 'show', 'latest', '--effects')).stdout).toContain('failed: script_killed (it had begun)')
  const folder = join(project.cwd, '.llm-orc', 'artifacts', 'deed', 'latest')
  expect(readFileSync(join(folder, 'execution.md'), 'utf8')).toMatch(/may or may not have happened[\s\S]*pay\/script/)
}, 30_000)

test('what a run asks comes with all that helps to answer, and so does a fork with what its parent came to know', async () => {
  const project = makeProject({ 'ensembles/deed.yaml': ASKS })
  const running = startProgram(['run', 'deed', 'x'], project)
  while (!readdirSync(project.cwd).includes('key')) await sleep(20)
  running.child.kill('SIGKILL')
  await running.done
  expect((await ask(project, 'resume', 'latest')).code).toBe(4)
  const { run, asks } = await askJson(project, 'show', 'latest')
  const key = readFileSync(join(project.cwd, 'key'), 'utf8').trim()
  expect(asks).toMatchObject([
    { key: 'pay/script', step: 'pay', kind: 'script', what: 'unknown', idempotency_key: key },
  ])
  expect(asks[0].request).toContain('sleep 5')
  const { stdout } = await ask(project, 'show', run)
  for (const outcome of ['done --answer TEXT', 'failed', 'not-done'])
    expect(stdout).toContain(`llm-orc runs resolve ${run} pay/script ${outcome}`)
  const { events } = await askJson(project, 'show', run)
  expect((await ask(project, 'resolve', run, 'pay', 'done', 'paid by hand')).code).toBe(0)
  expect((await ask(project, 'fork', run, '--at', `${events - 1}`)).code).toBe(4)
  const fork = await askJson(project, 'show', 'latest')
  expect(fork.run).not.toBe(run)
  expect(fork.asks[0].parent).toMatchObject({ outcome: 'done', text: expect.stringContaining('paid by hand') })
  expect((await ask(project, 'show', 'latest')).stdout).toMatch(/parent +done \(event \d+\): .*paid by hand/)
}, 60_000)

// Replay anywhere: a real run of more than fifty steps, carried as one file to where there is no network, no key, no project and no journal.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Event } from '../../src/events/event.ts'
import { type FakeServer, root, runProgram, startFakeServer } from '../processes.ts'
import { makeLayer, makeProject, type Project } from '../scenarios/project.ts'

const REPLAYS = 20

const measure = `let text = ''
for await (const chunk of process.stdin) text += chunk
const { parameters } = JSON.parse(text)
await new Promise((resolve) => setTimeout(resolve, parameters.wait))
console.log(JSON.stringify({ success: true, number: parameters.number, bytes: text.length }))
`

/** The first time it runs it leaves a mark and fails. */
const second = 'mkdir tried 2>/dev/null && exit 9; echo done'

function drawEnsemble(): object {
  const agents: object[] = []
  const add = (name: string, rest: object) => agents.push({ name, ...rest })
  const odd: { readonly [i: number]: object } = {
    3: { script: 'echo half; exit 3' },
    7: { script: `echo '{"success": false, "why": "as asked"}'` },
    9: { script: second, safety: 'idempotent', retry: { attempts: 3 } },
  }
  for (let i = 0; i < 16; i++)
    add(`script${i}`, odd[i] ?? { script: 'measure.mjs', parameters: { number: i, wait: (i * 37) % 120 } })
  for (let i = 0; i < 22; i++) {
    const on = i % 5 === 3 ? 'success' : 'always'
    add(`agent${i}`, { model_profile: 'fake', depends_on: [{ step: `script${i % 16}`, on }] })
  }
  for (let i = 0; i < 4; i++) add(`switch${i}`, { model_profile: 'away', fallback: 'fake', depends_on: [`agent${i}`] })
  add('lost', { model_profile: 'away', fallback: 'gone', depends_on: ['agent5'] })
  add('apology', { script: 'echo nobody answered', depends_on: [{ step: 'lost', on: 'failure' }] })
  for (let i = 0; i < 8; i++)
    add(`join${i}`, {
      script: 'measure.mjs',
      parameters: { number: i, wait: 5 },
      depends_on: [`agent${i}`, `agent${i + 8}`],
    })
  const last = agents.flatMap((agent) => /^(join|switch|lost)/.exec((agent as { name: string }).name)?.input ?? [])
  add('verdict', { model_profile: 'fake', depends_on: last })
  return { name: 'fifty', description: 'everything that can happen', agents }
}

/** An address at which nobody listens. */
async function findNobody(): Promise<string> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return `http://127.0.0.1:${port}/v1`
}

/** How to run a command where no network is; undefined where this may not be done. */
const alone = [
  ['unshare', '--net', '--map-root-user'],
  ['unshare', '--net'],
  ['bwrap', '--dev-bind', '/', '/', '--unshare-net'],
].find(([program = '', ...words]) => spawnSync(program, [...words, 'true']).status === 0)

let server: FakeServer
let project: Project
const folder = mkdtempSync(join(tmpdir(), 'llm-orc-proof-'))
const bundle = join(folder, 'run.bundle')
let events: readonly Event[] = []
let address = ''

beforeAll(async () => {
  server = await startFakeServer(20)
  address = server.url
  const ensemble = JSON.stringify(drawEnsemble())
  project = makeProject({ 'ensembles/fifty.yaml': ensemble, 'scripts/measure.mjs': measure })
  const layer = makeLayer(['fake'], server.url, { away: await findNobody(), gone: await findNobody() })
  const done = await runProgram(['run', 'fifty', 'Look at this. [busy:5]', '--config-dir', layer], project)
  expect(done.code, done.stderr).toBe(1)
  const exported = await runProgram(['runs', 'export', 'latest', bundle], project)
  expect(exported.code, exported.stderr).toBe(0)
  events = readFileSync(bundle, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"event"'))
    .map((line) => (JSON.parse(line) as { event: Event }).event)
  // From here on there is nothing left of where it ran.
  server.stop()
  for (const place of [project.cwd, project.env['HOME'] as string, layer]) rmSync(place, { recursive: true })
})

interface Replayed {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The program in a home of its own that is empty, without network, without a key, with other drains. */
function replayAlone(home: string): Promise<Replayed> {
  const [program = '', ...words] = alone ?? []
  const command = [
    process.execPath,
    '--import',
    join(import.meta.dirname, 'proof-drains.ts'),
    join(root, 'src', 'main.ts'),
  ]
  const args = [...words, ...command, 'runs', 'replay', bundle, '--output', 'json']
  const env = { HOME: home, PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(':'), LANG: 'C.UTF-8' }
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

describe('a run of more than fifty steps', () => {
  test('has in it what a run can have', () => {
    const count = (wanted: (event: Event) => boolean) => events.filter(wanted).length
    const steps = new Set(events.flatMap(({ type, data }) => (type === 'step-started' ? [data.step] : [])))
    const calls = events.flatMap(({ type, data }) =>
      type === 'effect-intended' && data.kind === 'model' && data.redo === undefined ? [data.step] : [],
    )
    let open = 0
    let most = 0
    for (const { type } of events) {
      if (type === 'effect-intended') most = Math.max(most, ++open)
      if (type === 'effect-done' || type === 'effect-failed') open -= 1
    }
    const seen = {
      events: events.length,
      steps: steps.size,
      scripts: count(({ type, data }) => type === 'effect-intended' && data.kind === 'script'),
      calls: count(({ type, data }) => type === 'effect-intended' && data.kind === 'model'),
      side_by_side: most,
      calls_again: count(({ type, data }) => type === 'effect-intended' && data.redo !== undefined),
      steps_again: count(({ type }) => type === 'step-retried'),
      // Calls beyond the first of a step that are no repetitions: another model is asked.
      fallbacks: calls.length - new Set(calls).size,
      failed: count(({ type, data }) => type === 'step-failed' && data.retry_at === undefined),
      skipped: count(({ type }) => type === 'step-skipped'),
    }
    console.log(`the run: ${JSON.stringify(seen)}`)
    expect(seen.steps).toBeGreaterThanOrEqual(50)
    expect(seen.side_by_side).toBeGreaterThanOrEqual(10)
    expect(seen.fallbacks).toBeGreaterThanOrEqual(4)
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0)
  })

  test(`comes out the same ${REPLAYS} times in an empty home, without network and keys, with random delays`, async ({
    skip,
  }) => {
    if (!alone) {
      console.warn(
        'SKIPPED: neither unshare nor bwrap may take the network away here; nothing is proved about replay without it',
      )
      return skip('the network cannot be taken away on this machine')
    }
    const [program = '', ...words] = alone
    const reach = `fetch('${address}').then(() => process.exit(7), (error) => console.log(error.cause?.code))`
    const probe = spawnSync(program, [...words, process.execPath, '-e', reach], { encoding: 'utf8' })
    expect(probe).toMatchObject({ status: 0, stdout: expect.stringMatching(/ENETUNREACH|ECONNREFUSED/) })

    const heads = new Map<string, number>()
    let drains = 0
    let delayed = 0
    for (let time = 0; time < REPLAYS; time += 2) {
      const homes = [0, 1].map(() => mkdtempSync(join(folder, 'home-')))
      for (const { code, stdout, stderr } of await Promise.all(homes.map(replayAlone))) {
        expect(code, stdout + stderr).toBe(0)
        const verdict = JSON.parse(stdout) as { head: string; [name: string]: unknown }
        expect(verdict).toMatchObject({ equal: true, finished: true, events: events.length, taken: [], redacted: [] })
        heads.set(verdict.head, (heads.get(verdict.head) ?? 0) + 1)
        const tally = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { drains: number; delayed: number }
        drains += tally.drains
        delayed += tally.delayed
      }
      for (const home of homes) expect(readdirSync(home)).toEqual([])
    }
    console.log(`${REPLAYS} replays by ${program}: ${heads.size} head hash, ${delayed} of ${drains} drains delayed`)
    expect([...heads]).toEqual([[events.at(-1)?.hash, REPLAYS]])
    expect(delayed).toBeGreaterThan(REPLAYS * 10)
  })
})

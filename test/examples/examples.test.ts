/** Every example is run as its first lines say: the commands are read from there and given to a shell. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root, startProgram } from '../processes.ts'
import { openShell, type Said } from './shell.ts'

const examples = join(root, 'examples')
const copy = mkdtempSync(join(tmpdir(), 'llm-orc-examples-'))
cpSync(examples, copy, { recursive: true })
const shell = openShell()

interface Result {
  readonly status: string
  readonly report: { readonly agents: readonly Agent[] }
}

interface Agent {
  readonly name: string
  readonly status: string
  readonly attempts: number
  readonly output?: unknown
  readonly fallbacks: readonly { readonly to?: string; readonly because?: string }[]
}

/** The lines `#   COMMAND` at the top of an example; the first goes to its folder, as the shell here does by itself. */
function readCommands(file: string): string[] {
  const lines = readFileSync(join(examples, file), 'utf8').split('\n')
  const head = lines.slice(
    0,
    lines.findIndex((line) => !/^(#|\/\/)/.test(line)),
  )
  return head.flatMap((line) => /^(?:#|\/\/) {3}(\S.*)$/.exec(line)?.[1] ?? [])
}

/** Runs all commands of an example in order, each of which must succeed. */
async function follow(name: string): Promise<Said[]> {
  const [first, ...commands] = readCommands(`${name}/${name}.yaml`)
  expect(first).toBe(`cd examples/${name}`)
  const said: Said[] = []
  for (const command of commands) {
    const done = await shell.run(command, join(copy, name))
    expect({ command, ...done }).toMatchObject({ code: 0 })
    said.push(done)
  }
  return said
}

test('every folder is known to this file', () => {
  const known = ['careful', 'code', 'fallback', 'opinions', 'pipeline', 'self-check']
  expect(readdirSync(examples).sort()).toEqual(known)
})

test('pipeline: fields of one script reach the next with their types', async () => {
  const [run, show] = await follow('pipeline')
  expect(JSON.parse(run?.stdout ?? '')).toEqual({ success: true, total: 6100, label: '4 lines, first teapot' })
  expect(JSON.parse(show?.stdout ?? '')).toMatchObject({ report: { status: 'succeeded', totals: { succeeded: 3 } } })
})

test('opinions: the verdict reads both answers; without the layer the model at hand answers', async () => {
  const [scripted, other] = await follow('opinions')
  expect(scripted?.stdout.trim()).toBe('Wait for the tram, then move.')
  expect(other?.stdout).toContain('[embedded:')
})

test('fallback: the third profile answers, and the record says why', async () => {
  const [run, show] = await follow('fallback')
  expect(run?.stdout.trim()).toBe('Hello from steady.')
  const { report } = JSON.parse(show?.stdout ?? '') as Result
  expect(report.agents[0]?.fallbacks).toMatchObject([
    { to: 'second', because: 'provider_unknown' },
    { to: 'third', because: 'provider_quota' },
  ])
})

test('self-check: what it demands of itself holds, and a demand that does not is exit code 1', async () => {
  const [, validated] = await follow('self-check')
  expect(validated?.stdout).toMatch(/^passed\b/)
  const wrong = `sed 's/== 3"/== 4"/' self-check.yaml >wrong.yaml && llm-orc validate run ./wrong.yaml --output json`
  const failed = await shell.run(wrong, join(copy, 'self-check'))
  expect(failed.code).toBe(1)
  expect(JSON.parse(failed.stdout)).toMatchObject({ passed: false })
})

describe('careful', () => {
  const cwd = join(copy, 'careful')
  const paid = () =>
    existsSync(join(cwd, 'payments.log')) ? readFileSync(join(cwd, 'payments.log'), 'utf8').split('\n').length - 1 : 0
  const [, whole = '', cut = '', ...after] = readCommands('careful/careful.yaml')

  test('an idempotent script is tried again', async () => {
    const done = await shell.run(`${whole} --output json`, cwd)
    expect(done.code).toBe(0)
    const { report } = JSON.parse(done.stdout) as Result
    expect(report.agents.map(({ name, attempts }) => [name, attempts])).toEqual([
      ['fetch', 2],
      ['pay', 1],
    ])
    expect(paid()).toBe(1)
  })

  test('an unsafe one that was cut off is asked about and not repeated', async () => {
    const before = paid()
    expect(cut).toMatch(/^llm-orc run \.\/careful\.yaml 60 & .*kill -9/)
    const running = startProgram(['run', './careful.yaml', '60'], { cwd, env: shell.env })
    await waitFor(() => paid() > before)
    running.child.kill('SIGKILL')
    await running.done
    const codes: (number | null)[] = []
    const said: Said[] = []
    for (const command of after) {
      const done = await shell.run(command, cwd)
      codes.push(done.code)
      said.push(done)
    }
    expect(after.map((command) => command.split(' ').slice(0, 3).join(' '))).toEqual([
      'llm-orc runs resume',
      'cat payments.log',
      'llm-orc runs resolve',
    ])
    expect(codes).toEqual([4, 0, 0])
    expect(said[0]?.stderr).toContain('pay/script')
    expect(JSON.parse(said[2]?.stdout ?? '')).toEqual({ success: true, paid: 1 })
    expect(paid()).toBe(before + 1)
  })
})

test('code: a step kind of its own, a journal in memory, and a replay that touches nothing', () => {
  const [command = ''] = readCommands('code/median.ts')
  expect(command).toMatch(/^node examples\/code\/median\.ts/)
  const done = spawnSync(process.execPath, [join(examples, 'code', 'median.ts')], { cwd: root, encoding: 'utf8' })
  expect(done.stderr).toBe('')
  expect(done.stdout).toContain('attic is warmest')
  expect(done.stdout).toMatch(/^equal: \d+ events/m)
  expect(done.stdout).toContain('read 6 times in the run, 0 times in the replay')
  expect(done.status).toBe(0)
})

async function waitFor(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 400; round++) {
    if (holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('it did not come about')
}

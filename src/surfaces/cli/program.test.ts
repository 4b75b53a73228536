import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Desk, makeDesk, OPEN } from './program.fixture.ts'

let desk: Desk

/** Gives back what it was given, with how it was given. */
const ECHO = `let text = ''
process.stdin.on('data', (part) => (text += part)).on('end', () => {
  console.log(JSON.stringify({ success: true, input: JSON.parse(text).input ?? JSON.parse(text).input_data ?? '' }))
})
`
/** Says that it runs, then stays. */
const STAY = `import { writeFileSync } from 'node:fs'
writeFileSync('staying', '')
setTimeout(() => {}, 60_000)
`
const ensembleOf = (name: string, script: string) =>
  `name: ${name}\ndescription: a test\nagents:\n  - name: only\n    script: ${script}\n`

beforeAll(() => {
  desk = makeDesk()
  desk.write('scripts/echo.mjs', ECHO)
  desk.write('scripts/stay.mjs', STAY)
  desk.write('scripts/stubborn.mjs', `process.on('SIGTERM', () => {})\n${STAY}`)
  desk.write('scripts/fail.mjs', 'process.exit(3)\n')
  desk.write('ensembles/echo.yaml', ensembleOf('echo', 'echo.mjs'))
  desk.write('ensembles/stay.yaml', ensembleOf('stay', 'stay.mjs'))
  desk.write('ensembles/stubborn.yaml', ensembleOf('stubborn', 'stubborn.mjs'))
  desk.write('ensembles/fail.yaml', ensembleOf('fail', 'fail.mjs'))
  desk.write(
    'ensembles/broken.yaml',
    'name: broken\ndescription: x\nagents:\n  - name: a\n    script: echo.mjs\n    depends_on: [a]\n',
  )
})

async function untilThere(file: string): Promise<void> {
  for (let tries = 0; !existsSync(file); tries += 1) {
    if (tries > 500) throw new Error(`${file} did not appear`)
    await sleep(20)
  }
}

async function lastRun(): Promise<unknown> {
  const { stdout } = await desk.run(['runs', 'list', '--limit', '1', '--output', 'json'])
  return (JSON.parse(stdout) as { runs: unknown[] }).runs[0]
}

describe('results and exit codes', () => {
  test('a run that succeeds prints its answer and nothing else', async () => {
    const { code, stdout, stderr } = await desk.run(['run', 'echo', 'hello'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({ success: true, input: 'hello' })
  })

  test('a failed run exits 1 and says on stderr why', async () => {
    const { code, stderr } = await desk.run(['run', 'fail'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/only: script_failed/)
  })

  test('runs list as JSON: newest first, one document', async () => {
    const { stdout } = await desk.run(['runs', 'list', '--output', 'json'])
    const { runs } = JSON.parse(stdout) as { runs: { id: string; status: string; target: string; started: string }[] }
    expect(runs.map(({ target, status }) => `${target} ${status}`)).toEqual(['fail failed', 'echo succeeded'])
    expect(Number.isNaN(Date.parse(runs[0]?.started ?? ''))).toBe(false)
  })

  test('what does not exist exits 2, and as JSON is a document of problems', async () => {
    const { code, stdout, stderr } = await desk.run(['run', 'nothing', 'x', '--output', 'json'])
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ problems: [{ code: 'not_found' }] })
    expect(stderr).toMatch(/not_found/)
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  test('a broken ensemble exits 2 and names the place', async () => {
    const { code, stdout } = await desk.run(['ensembles', 'check', 'broken'])
    expect(code).toBe(2)
    expect(stdout).toMatch(/broken\.yaml:6:\d+ {2}error dependency_cycle/)
  })

  test('a file with mistakes of every kind is told all of them at once, missing names and unknown keys too', async () => {
    const agents = '[{name: a, script: no.py, depends_on: [z]}, {name: b, model_profile: p, timeout_seconds: ten}]'
    desk.write('ensembles/many.yaml', `name: many\ndescription: x\nagents: ${agents}\nextra: 1\n`)
    const wanted = ['script_missing', 'dependency_unknown', 'profile_missing', 'ensemble_invalid']
    const codes = (text: string) => [...text.matchAll(/many\.yaml:\d+:\d+ {2}\w+ (\w+)/g)].map((found) => found[1])
    const checked = await desk.run(['ensembles', 'check', 'many'])
    const ran = await desk.run(['run', 'many', 'x'])
    expect([checked.code, ran.code]).toEqual([2, 2])
    expect(codes(checked.stdout)).toEqual([...wanted, 'unknown_key'])
    expect(codes(ran.stderr)).toEqual([...wanted, 'unknown_key'])
    rmSync(join(desk.folder, '.llm-orc', 'ensembles', 'many.yaml'))
  })

  test('a broken configuration exits 78', async () => {
    const { code, stderr } = await desk.run(['profiles', 'list', '--config-dir', 'not-there'])
    expect(code).toBe(78)
    expect(stderr).toMatch(/config_missing/)
  })

  test('a value the schema refuses is told by the name of its flag', async () => {
    const { code, stderr } = await desk.run(['run', 'echo', '--max-concurrent', '0'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/--max-concurrent: /)
  })

  test('progress as JSON lines goes to stderr', async () => {
    const { stdout, stderr } = await desk.run(['run', 'echo', 'x', '--progress', 'json'])
    expect(JSON.parse(stdout)).toMatchObject({ input: 'x' })
    const types = stderr
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type)
    expect(types[0]).toBe('run-started')
    expect(types).toContain('run-finished')
  })

  test('the older JSON stream: named events, the result last', async () => {
    const { code, stdout } = await desk.run(['invoke', 'echo', '--input-data', 'x', '--output-format', 'json'])
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; data: { results?: object } })
    expect(code).toBe(0)
    expect(lines[0]?.type).toBe('execution_started')
    expect(lines.map(({ type }) => type)).toContain('agent_completed')
    expect(lines.at(-1)).toMatchObject({
      type: 'execution_completed',
      data: { results: { only: { status: 'success' } } },
    })
  })

  test('events of a run as lines', async () => {
    const { code, stdout } = await desk.run(['runs', 'tail', 'latest', '--output', 'json'])
    const seqs = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { seq: number }).seq)
    expect(code).toBe(0)
    expect(seqs).toEqual(seqs.map((_, index) => index + 1))
  })

  test('a detached run prints its id and goes on', async () => {
    const { code, stdout } = await desk.run(['run', 'echo', 'x', '--detach'])
    const tail = await desk.run(['runs', 'tail', stdout.trim()])
    expect({ code, tail: tail.code }).toEqual({ code: 0, tail: 0 })
    expect(tail.stdout).toMatch(/run-finished +succeeded/)
  })
})

describe.concurrent('B17: standard input', () => {
  test('a pipe is the input; the line end of echo is not part of it', async () => {
    const { stdout } = await desk.run(['run', 'echo'], { stdin: 'from the pipe\n' })
    expect(JSON.parse(stdout)).toMatchObject({ input: 'from the pipe' })
  })

  test('an argument wins over a pipe, and a silent open pipe is not waited for', async () => {
    const { child, ended } = desk.start(['run', 'echo', 'argument'], { stdin: OPEN })
    expect(JSON.parse((await ended).stdout)).toMatchObject({ input: 'argument' })
    child.stdin?.destroy()
  })

  test('a silent open pipe beside a prompt is left alone after a while, aloud', async () => {
    const { child, ended } = desk.start(['run', '-p', 'The bank lost the file on Monday. Why?', '-m', 'embedded'], {
      stdin: OPEN,
    })
    const { code, stderr } = await ended
    expect(code).toBe(0)
    expect(stderr).toMatch(/Nothing has come from standard input yet/)
    child.stdin?.destroy()
  })

  test('a slow pipe is waited for when there is no other input, and after a while that is said', async () => {
    const { child, ended } = desk.start(['run', 'echo'], { stdin: OPEN })
    child.stderr?.once('data', () => child.stdin?.end('at last'))
    const { code, stdout, stderr } = await ended
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ input: 'at last' })
    expect(stderr).toMatch(/waiting for its end/)
  })

  test.each([
    ['NUL bytes', Buffer.from([0x7f, 0x45, 0, 1]), /not UTF-8 text/],
    ['broken UTF-8', Buffer.from([0x61, 0xff, 0xfe]), /not UTF-8 text/],
    ['more than 10 MiB', Buffer.alloc(11 * 1024 * 1024, 97), /more than 10 MiB/],
  ])('%s are refused', async (_, stdin, message) => {
    const { code, stdout, stderr } = await desk.run(['run', 'echo'], { stdin })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  test('closed, empty and /dev/null are no input', async () => {
    const words = [process.execPath, join(import.meta.dirname, '..', '..', 'main.ts'), 'run', 'echo']
    const closed = spawn('sh', ['-c', '"$@" <&-', 'sh', ...words], {
      cwd: desk.folder,
      env: desk.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const code = new Promise((resolve) => closed.on('close', resolve))
    const [empty, none] = await Promise.all([desk.run(['run', 'echo'], { stdin: '' }), desk.run(['run', 'echo'])])
    expect([await code, empty.code, none.code]).toEqual([0, 0, 0])
    expect(JSON.parse(empty.stdout)).toEqual(JSON.parse(none.stdout))
  })
})

describe('B17: who reads the output may leave', () => {
  test.each([[['--help']], [['runs', 'list', '--output', 'json']], [['runs', 'tail', 'latest']], [['demo']]])(
    '%j with a closed pipe exits 0 without a word',
    async (args) => {
      const { child, ended } = desk.start(args)
      child.stdout?.destroy()
      const { code, stderr } = await ended
      expect(code).toBe(0)
      expect(stderr).not.toMatch(/EPIPE|Error|\bat /)
    },
  )

  test('a run that streams its events to nobody is cancelled', async () => {
    const { child, ended } = desk.start(['run', 'stay', 'x', '--output-format', 'json'])
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    child.stdout?.destroy()
    expect((await ended).code).toBe(0)
    expect(await lastRun()).toMatchObject({ target: 'stay', status: 'cancelled' })
  })

  test.skipIf(!existsSync('/dev/full'))('a full disk is a failure that is told', async () => {
    const full = openSync('/dev/full', 'w')
    const main = join(import.meta.dirname, '..', '..', 'main.ts')
    const child = spawn(process.execPath, [main, 'runs', 'list'], {
      cwd: desk.folder,
      env: desk.env,
      stdio: ['ignore', full, 'pipe'],
    })
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1)
    expect(stderr).toMatch(/output_failed/)
  })
})

describe('B17: Ctrl-C', () => {
  test('once cancels cleanly: 130, and the run has ended as cancelled', async () => {
    const { child, ended } = await startStaying()
    child.kill('SIGINT')
    const { code, killed, stderr } = await ended
    expect({ code, killed }).toEqual({ code: 130, killed: null })
    expect(stderr).toMatch(/press Ctrl-C again/)
    expect(await lastRun()).toMatchObject({ target: 'stay', status: 'cancelled' })
  })

  test('twice ends at once with 130; the run is left as it is, and can be taken up', async () => {
    const { child, ended } = await startStaying('stubborn')
    child.kill('SIGINT')
    await new Promise((resolve) => child.stderr?.once('data', resolve))
    child.kill('SIGINT')
    const { code, killed } = await ended
    expect({ code, killed }).toEqual({ code: 130, killed: null })
    expect(await lastRun()).toMatchObject({ target: 'stubborn', status: 'unfinished' })
  })

  test('ends following a run with 130', async () => {
    const { child: runner, ended: ran } = await startStaying()
    const { child, ended } = desk.start(['runs', 'tail', 'latest'])
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
    runner.kill('SIGTERM')
    expect((await ran).code).toBe(130)
  })

  test('following a run that nobody drives says so and how to go on, and follows on', async () => {
    const { child, ended } = await startStaying()
    const silent = desk.start(['runs', 'tail', 'latest'])
    const silence = listenTo(silent.child)
    await new Promise((resolve) => silent.child.stdout?.once('data', resolve))
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(silence.join('')).toBe('')
    child.kill('SIGKILL')
    await ended
    await expect
      .poll(() => silence.join(''), { timeout: 20_000 })
      .toMatch(/^Nobody drives the run \S+ at the moment\. To go on with it: llm-orc runs resume \S+\n$/)
    expect((await desk.run(['runs', 'cancel', 'latest'])).code).toBe(0)
    const { code, stdout } = await silent.ended
    expect({ code, end: /run-finished +cancelled/.test(stdout) }).toEqual({ code: 0, end: true })
    expect(silence).toHaveLength(1)
  }, 30_000)

  test('a run that is being driven cannot be deleted; one that was killed can be cancelled though its file has changed', async () => {
    const { child, ended } = await startStaying()
    const refused = await desk.run(['runs', 'delete', 'latest', '--confirm'])
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/run_held/) as string })
    child.kill('SIGKILL')
    await ended
    desk.write('ensembles/stay.yaml', `${ensembleOf('stay', 'stay.mjs')}# changed\n`)
    expect((await desk.run(['runs', 'resume', 'latest'])).stderr).toMatch(/definition_changed/)
    expect((await desk.run(['runs', 'cancel', 'latest'])).code).toBe(0)
    expect(await lastRun()).toMatchObject({ target: 'stay', status: 'cancelled' })
    expect((await desk.run(['runs', 'delete', 'latest', '--confirm'])).code).toBe(0)
  })

  test('an answer that was refused is not kept; the one that was accepted counts', async () => {
    const { child, ended } = await startStaying()
    child.kill('SIGKILL')
    await ended
    expect((await desk.run(['runs', 'resume', 'latest'])).code).toBe(4)
    desk.write('ensembles/stay.yaml', `${ensembleOf('stay', 'stay.mjs')}# changed again\n`)
    const refused = await desk.run(['runs', 'resolve', 'latest', 'only', 'done', 'first'])
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/definition_changed/) as string })
    const taken = await desk.run(['runs', 'resolve', 'latest', 'only', 'done', 'second', '--accept-changed'])
    expect(taken).toMatchObject({ code: 0, stdout: expect.stringMatching(/second/) as string })
  })

  test('`latest` is the newest run of this project, not of another', async () => {
    const { folder } = makeDesk()
    const other = await runIn(folder, ['runs', 'show', 'latest'])
    expect(other).toMatchObject({ code: 2, stderr: expect.stringMatching(/there is no run latest/) as string })
  })

  async function runIn(folder: string, args: readonly string[]) {
    const main = join(import.meta.dirname, '..', '..', 'main.ts')
    const child = spawn(process.execPath, [main, ...args], {
      cwd: folder,
      env: desk.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    return { code: await new Promise((resolve) => child.on('close', resolve)), stderr }
  }

  async function startStaying(ensemble = 'stay') {
    rmSync(join(desk.folder, 'staying'), { force: true })
    const started = desk.start(['run', ensemble, 'x'])
    await untilThere(join(desk.folder, 'staying'))
    return started
  }
})

describe('B17: surroundings', () => {
  test('no colours in a pipe, and none where NO_COLOR says so', async () => {
    const plain = await desk.run(['runs', 'list', '--output', 'rich'])
    const forced = await desk.run(['runs', 'list', '--output', 'rich'], { env: { FORCE_COLOR: '1' } })
    const refused = await desk.run(['runs', 'list', '--output', 'rich', '--no-color'], { env: { FORCE_COLOR: '1' } })
    const never = await desk.run(['runs', 'list', '--output', 'rich'], { env: { NO_COLOR: '1' } })
    expect(forced.stdout).toContain('\u001b[')
    for (const { stdout } of [plain, refused, never]) expect(stdout).not.toContain('\u001b')
  })

  test('LANG=C: what the program itself says is ASCII', async () => {
    const { stdout } = await desk.run(['runs', 'show', 'latest'], { env: { LANG: 'C' } })
    // oxlint-disable-next-line no-control-regex -- the range of ASCII is what is asked about
    expect(stdout).toMatch(/^[\0-\x7f]+$/)
  })

  test('HOME unset and relative XDG paths: no crash', async () => {
    const { HOME: _, ...env } = desk.env
    const relative = { ...env, HOME: undefined, XDG_DATA_HOME: 'relative', XDG_CONFIG_HOME: './config' }
    const { code } = await desk.run(['ensembles', 'list'], { env: relative })
    expect([0, 78]).toContain(code)
    expect(existsSync(join(desk.folder, 'relative'))).toBe(false)
  })

  test('umask 077: a run works, and its files are the user’s own', async () => {
    const main = join(import.meta.dirname, '..', '..', 'main.ts')
    const own = makeDesk()
    own.write('scripts/echo.mjs', ECHO)
    own.write('ensembles/echo.yaml', ensembleOf('echo', 'echo.mjs'))
    const child = spawn('sh', ['-c', 'umask 077; exec "$@"', 'sh', process.execPath, main, 'run', 'echo', 'x'], {
      cwd: own.folder,
      env: own.env,
      stdio: 'ignore',
    })
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
  })

  test('outside a project nothing is made in the folder', async () => {
    const own = makeDesk()
    const bare = join(own.folder, '..', 'bare')
    mkdirSync(bare)
    const main = join(import.meta.dirname, '..', '..', 'main.ts')
    const child = spawn(process.execPath, [main, 'demo', '-q'], { cwd: bare, env: own.env, stdio: 'ignore' })
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
    expect(existsSync(join(bare, '.llm-orc'))).toBe(false)
  })
})

function listenTo({ stderr }: { readonly stderr: NodeJS.ReadableStream | null }): readonly string[] {
  const said: string[] = []
  stderr?.on('data', (text) => said.push(String(text)))
  return said
}

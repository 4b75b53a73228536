import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { listInjections } from '../../test/fixtures/injections.ts'
import { cleanEnvironment } from './environment.ts'
import { type ProcessSpec, runProcess } from './process.ts'

const programs = join(import.meta.dirname, '../../test/fixtures/programs')
const misbehave = join(programs, 'misbehave.sh')
/** Not every machine has strace, and containers may forbid it. */
const canTrace = spawnSync('strace', ['-f', 'true']).status === 0
const never = new AbortController().signal

function run(args: readonly string[], more: Partial<ProcessSpec> = {}) {
  const [program = '', ...rest] = args
  return runProcess({ program, args: rest, cwd: tmpdir(), env: cleanEnvironment(), signal: never, ...more })
}

function runNode(code: string, more: Partial<ProcessSpec> = {}) {
  return run([process.execPath, '-e', code], more)
}

/** Zombies count as dead: nobody but process 1 can remove them. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

async function waitUntilDead(pids: readonly number[]): Promise<void> {
  for (let waited = 0; waited < 5000 && pids.some(isAlive); waited += 20) await sleep(20)
  expect(pids.filter(isAlive)).toEqual([])
}

describe('runProcess', () => {
  it('answers with exit code and both outputs', async () => {
    const result = await run(['sh', '-c', 'cat; echo oops >&2; exit 3'], { input: 'hällo' })
    expect(result).toEqual({
      started: true,
      exit: 3,
      stdout: 'hällo',
      stderr: 'oops\n',
      truncated: false,
      timed_out: false,
      aborted: false,
      flooded: false,
    })
  })

  it('names the signal that ended a program', async () => {
    expect(await run(['sh', '-c', 'kill -SEGV $$'])).toMatchObject({ started: true, signal: 'SIGSEGV' })
  })

  it('says why a program did not start', async () => {
    const missing = { started: false, error: 'program_missing', aborted: false }
    expect(await run(['no-such-program-here'])).toMatchObject(missing)
    expect(await run(['sh'], { cwd: '/no/such/folder' })).toMatchObject({ started: false, error: 'folder_missing' })
    expect(await run([join(programs, 'show.mjs')])).toMatchObject({ started: false, error: 'not_permitted' })
    expect(await run(['sh', 'x'.repeat(200_000)])).toMatchObject({ started: false, error: 'too_large' })
    expect(await run(['sh', 'a\0b'])).toMatchObject({ started: false, error: 'not_startable' })
    expect(await run(['sh'], { signal: AbortSignal.abort() })).toMatchObject({ started: false, aborted: true })
  })

  it('a program that never reads its input, or closes it, is no failure', async () => {
    const input = 'x'.repeat(4_000_000)
    expect(await run(['sh', '-c', 'exec 0<&-; echo done'], { input })).toMatchObject({ exit: 0, stdout: 'done\n' })
    expect(await run(['sh', '-c', 'sleep 0.1; wc -c'], { input })).toMatchObject({ exit: 0, stdout: '4000000\n' })
  })

  it('invalid UTF-8 comes back well-formed', async () => {
    const { stdout } = await run(['sh', '-c', String.raw`printf 'a\377\303(b'`])
    expect(stdout).toBe('a\ufffd\ufffd(b')
  })

  it('passes output on while the program runs', async () => {
    const seen: string[] = []
    const code = 'process.stdout.write("one"); setTimeout(() => process.stderr.write("two"), 50)'
    await runNode(code, { onOutput: (stream, text) => seen.push(`${stream}:${text}`) })
    expect(seen).toEqual(['stdout:one', 'stderr:two'])
  })

  it('ends a program at its time limit', async () => {
    expect(await run(['sleep', '60'], { timeout_ms: 50 })).toMatchObject({
      started: true,
      timed_out: true,
      signal: 'SIGTERM',
    })
  })

  it('an aborted program may still say goodbye', async () => {
    const controller = new AbortController()
    const code =
      'process.on("SIGTERM", () => { console.log("bye"); process.exit(5) }); console.log("up"); setInterval(() => {}, 1e3)'
    const result = await runNode(code, { signal: controller.signal, onOutput: () => controller.abort() })
    expect(result).toMatchObject({ aborted: true, timed_out: false, exit: 5, stdout: 'up\nbye\n' })
  })

  it('four programs run beside each other', async () => {
    const measure = async (count: number) => {
      const from = performance.now()
      await Promise.all(Array.from({ length: count }, () => run(['sleep', '1'])))
      return performance.now() - from
    }
    const one = await measure(1)
    expect((await measure(4)) / one).toBeLessThan(1.6)
  })

  it('reads our own standard input when told so', async () => {
    const driver = spawn(process.execPath, [join(programs, 'inherit.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] })
    driver.stdin.end('from the person\n')
    let out = ''
    for await (const chunk of driver.stdout) out += chunk
    expect(out).toBe('got from the person')
  })
})

describe('F29: programs that misbehave', () => {
  it.each(['ignore-term', 'fork', 'fork-ignoring', 'daemon'])('%s: an abort leaves nobody', async (way) => {
    const controller = new AbortController()
    const result = await run(['sh', misbehave, way], { signal: controller.signal, onOutput: () => controller.abort() })
    expect(result).toMatchObject({ started: true, aborted: true })
    await waitUntilDead(result.stdout.trim().split(/\s+/).map(Number))
  })

  it.each(['hold-pipe', 'write-after-exit', 'double-fork'])(
    '%s: the end of the program is the end of all',
    async (way) => {
      const result = await run(['sh', misbehave, way], { timeout_ms: 20_000 })
      expect(result).toMatchObject({ exit: 0, timed_out: false })
      await waitUntilDead([Number.parseInt(result.stdout, 10)])
    },
  )

  it.each(['ignore-term', 'fork', 'fork-ignoring', 'daemon'])(
    '%s: nobody outlives us, even when we are killed -9',
    async (way) => {
      const driver = spawn(process.execPath, [join(programs, 'run-and-wait.mjs'), 'sh', misbehave, way], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [chunk] = await new Promise<[Buffer]>((resolve) =>
        driver.stdout.once('data', (...data) => resolve(data as [Buffer])),
      )
      const pids = chunk.toString().trim().split(/\s+/).map(Number)
      expect(pids.filter(isAlive)).toEqual(pids)
      driver.kill('SIGKILL')
      await waitUntilDead(pids)
    },
  )

  it('output beyond the limit is cut in the middle, and the program ends as it would', async () => {
    const result = await run(['sh', '-c', 'echo first; head -c 3000000 /dev/zero; echo last; exit 4'])
    expect(result).toMatchObject({ exit: 4, truncated: true, flooded: false })
    expect(result.stdout).toMatch(/^first[^]*bytes left out[^]*last\n$/)
  })

  it('1 GiB without a newline is stopped early and costs little memory', async () => {
    const before = process.memoryUsage.rss()
    let peak = before
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5)
    const result = await run(['sh', misbehave, 'flood', String(1024 ** 3)])
    clearInterval(watch)
    expect(result).toMatchObject({ flooded: true, truncated: true })
    expect(result.stdout.length).toBeLessThan(1024 ** 2 + 100)
    expect((peak - before) / 1024 ** 2).toBeLessThan(32)
  })
})

describe('environment', () => {
  it('shows a program no secret of ours, only what it is given', async () => {
    const own = {
      ...process.env,
      OPENAI_API_KEY: 'canary-1',
      AWS_SESSION: 'canary-2',
      NODE_OPTIONS: '',
      SSH_AUTH_SOCK: 'canary-3',
      LC_ALL: 'C',
    }
    const env = cleanEnvironment({ GIVEN: 'yes' }, own)
    const { stdout } = await run(['env'], { env })
    expect(stdout).not.toContain('canary')
    const names = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0])
    expect(names).toEqual(expect.arrayContaining(['GIVEN', 'LC_ALL', 'PATH', 'HOME']))
    expect(names).not.toContain('NODE_OPTIONS')
  })
})

describe('S15: injection', () => {
  it('80 payloads arrive exactly, as arguments and environment, and nothing acts on them', async () => {
    const canary = join(mkdtempSync(join(tmpdir(), 'llm-orc-canary-')), 'touched')
    const payloads = listInjections(canary)
    expect(payloads).toHaveLength(80)
    const given = Object.fromEntries(payloads.map((payload, index) => [`P${index}`, payload]))
    const result = await run([process.execPath, join(programs, 'show.mjs'), ...payloads], {
      env: cleanEnvironment(given),
      input: payloads.join('\n'),
    })
    const shown = JSON.parse(result.stdout)
    expect(shown.argv).toEqual(payloads)
    expect(shown.env).toMatchObject(given)
    expect(shown.stdin).toBe(payloads.join('\n'))
    expect(existsSync(canary)).toBe(false)
  })

  it.skipIf(!canTrace)('the system sees one execve for the program, and its watch', async () => {
    const canary = join(mkdtempSync(join(tmpdir(), 'llm-orc-canary-')), 'touched')
    const driver = join(programs, 'run-and-wait.mjs')
    const words = [process.execPath, driver, '/bin/echo', ...listInjections(canary)]
    const traced = await run(['strace', '-f', '-qq', '-e', 'trace=execve', '-e', 'signal=none', ...words])
    const programsSeen = [...traced.stderr.matchAll(/execve\("([^"]+)".*(?:= 0| <unfinished \.\.\.>)$/gm)].map(
      ([, program]) => program,
    )
    expect(programsSeen.map((path) => basename(path ?? ''))).toEqual([basename(process.execPath), 'echo', 'sh', 'grep'])
    expect(existsSync(canary)).toBe(false)
  })

  it('a payload as the program itself is a missing program', async () => {
    const canary = join(mkdtempSync(join(tmpdir(), 'llm-orc-canary-')), 'touched')
    const results = await Promise.all(
      listInjections(canary)
        .slice(0, 20)
        .map((payload) => run([`sh ${payload}`])),
    )
    expect(results.every((result) => !result.started)).toBe(true)
    expect(existsSync(canary)).toBe(false)
  })
})

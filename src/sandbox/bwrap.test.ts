import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBwrapSandbox } from './bwrap.ts'
import { probe } from './prove.ts'
import type { SandboxSpec } from './sandbox.ts'
import { findMissing } from './tiers.fixture.ts'

const missing = await findMissing('bwrap', 'prlimit', 'setpriv')
const python = await findMissing('python3')
const sandbox = createBwrapSandbox()
const signal = new AbortController().signal
const run = (program: string, args: readonly string[], more: Partial<SandboxSpec> = {}) =>
  sandbox.run({ program, args, signal, ...more })
const sh = (code: string, more?: Partial<SandboxSpec>) => run('sh', ['-c', code], more)

/** A project of the user who runs the tests, closed to others. */
function makeProject(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'llm-orc-walled-')))
  writeFileSync(join(folder, 'notes.txt'), 'in the project\n')
  return folder
}

describe.skipIf(missing !== '')('bwrap', () => {
  it('runs a program with its input, its own home and nothing of ours', async () => {
    process.env['LLM_ORC_TEST_SECRET'] = 'canary'
    const result = await sh('cat; pwd; env; echo oops >&2; exit 3', { input: 'given\n', env: { OWN: 'yes' } })
    expect(result).toMatchObject({ tier: 'bwrap', started: true, exit: 3, stderr: 'oops\n', egress: [] })
    expect(result.stdout).toMatch(/^given\n\/work\n/)
    expect(result.stdout).toContain('OWN=yes')
    expect(result.stdout).not.toContain('canary')
    delete process.env['LLM_ORC_TEST_SECRET']
  })

  it.each([
    [
      process.execPath,
      ['-p', 'require("node:child_process").execSync("echo child").toString().trim() + process.getuid()'],
      'child1000\n',
    ],
    ['bash', ['-c', 'echo $((6 * 7)) | cat'], '42\n'],
    [
      'python3',
      ['-c', 'import threading; t = threading.Thread(target=print, args=("thread",)); t.start(); t.join()'],
      'thread\n',
    ],
  ])('%s works', async (program, args, stdout) => {
    if (program === 'python3' && python !== '') return
    expect(await run(program, args)).toMatchObject({ exit: 0, stdout, stderr: '' })
  })

  it('starts a program that lies where only its owner may go', async () => {
    const closed = makeProject()
    const program = join(closed, 'speak')
    copyFileSync(realpathSync('/bin/echo'), program)
    chmodSync(closed, 0o700)
    expect(await run(program, ['heard'])).toMatchObject({ exit: 0, stdout: 'heard\n', stderr: '' })
  })

  it('says what is missing, and starts nothing', async () => {
    const bare = createBwrapSandbox({ path: '/nowhere' })
    expect(await bare.describe()).toMatchObject({
      state: 'missing',
      missing: expect.arrayContaining(['bwrap', 'prlimit']),
    })
    const result = await bare.run({ program: 'sh', args: ['-c', 'echo ran'], signal })
    expect(result).toMatchObject({ started: false, stdout: '', refusal: { code: 'sandbox_missing' } })
    expect(result.refusal?.message).toContain('bwrap')
    expect(result.refusal?.hint).toContain('bubblewrap')
    expect(await run('no-such-program', [])).toMatchObject({ started: false, error: 'program_missing' })
  })

  it('shows what may be read, and opens what may be written', async () => {
    const project = makeProject()
    const read = await sh('cat notes.txt; echo x >new || echo closed', { cwd: project, read: [project] })
    expect(read.stdout).toBe('in the project\nclosed\n')
    const other = makeProject()
    const write = await sh(
      `echo more >>notes.txt; mkdir sub; echo y >sub/new; cat ${project}/notes.txt || echo unseen`,
      { cwd: other, write: [other] },
    )
    expect(write).toMatchObject({ exit: 0, stdout: 'unseen\n' })
    expect(readFileSync(join(other, 'notes.txt'), 'utf8')).toBe('in the project\nmore\n')
    // What it made belongs to whoever owns the project.
    expect(statSync(join(other, 'sub/new')).uid).toBe(statSync(other).uid)
    expect(existsSync(join(project, 'new'))).toBe(false)
  })

  it('hides secrets, and keeps what steers us as it is', async () => {
    const project = makeProject()
    writeFileSync(join(project, '.env'), 'KEY=canary')
    writeFileSync(join(project, '.env.local'), 'LOCAL=canary')
    writeFileSync(join(project, '.env.example'), 'KEY=\n')
    mkdirSync(join(project, '.git/hooks'), { recursive: true })
    const attack =
      'cat .env .env.local .env.example; for f in .env .env.local .mcp.json .llm-orc/config.yaml .git/hooks/post-commit; do echo evil >$f; done; mv .llm-orc moved; rm -rf .git/hooks; echo done'
    const result = await sh(attack, { cwd: project, write: [project] })
    expect(result.stdout).toBe('KEY=\ndone\n')
    expect(readFileSync(join(project, '.env'), 'utf8')).toBe('KEY=canary')
    expect(readFileSync(join(project, '.env.local'), 'utf8')).toBe('LOCAL=canary')
    expect(readdirSync(join(project, '.git/hooks'))).toEqual([])
    // What was only there to hold the place is gone.
    expect(readdirSync(project).sort()).toEqual(['.env', '.env.example', '.env.local', '.git', 'notes.txt'])
    const named = await sh('cat .env', { cwd: project, read: [project, join(project, '.env')] })
    expect(named.stdout).toBe('KEY=canary')
  })

  it("keeps what git would run for us as it is, also when git's folder is moved away", async () => {
    const project = makeProject()
    mkdirSync(join(project, '.git'))
    writeFileSync(join(project, '.git/config'), 'ours')
    const attack = [
      'mv .git moved; mkdir -p .git/hooks',
      'for f in .git/config .git/hooks/post-commit; do echo evil >$f; done',
      // Git reads settings and hooks where this says.
      'echo ../evil >.git/commondir; cat .git/commondir; echo x >.git/index; echo done',
    ].join('; ')
    const result = await sh(attack, { cwd: project, write: [project] })
    expect(result.stdout).toBe('../evil\ndone\n')
    expect(readFileSync(join(project, '.git/config'), 'utf8')).toBe('ours')
    expect(readdirSync(join(project, '.git')).sort()).toEqual(['config', 'index'])
    // A work tree elsewhere: git's folder is where this file says.
    const tree = makeProject()
    writeFileSync(join(tree, '.git'), 'gitdir: /nowhere')
    await sh('echo evil >.git; rm .git; mv .git moved', { cwd: tree, write: [tree] })
    expect(readFileSync(join(tree, '.git'), 'utf8')).toBe('gitdir: /nowhere')
  })

  it('refuses what it can never show, and links', async () => {
    const project = makeProject()
    symlinkSync('/etc', join(project, 'link'))
    for (const path of ['/', '/etc', '/proc/1', '/root', 'relative', '/nowhere/at/all', join(project, 'link')])
      expect(await sh('echo ran', { read: [path] })).toMatchObject({
        started: false,
        stdout: '',
        refusal: { code: 'sandbox_refused' },
      })
    symlinkSync('/tmp', join(project, '.llm-orc'))
    expect(await sh('echo ran', { write: [project] })).toMatchObject({
      started: false,
      refusal: { code: 'sandbox_refused' },
    })
    expect(await sh('echo ran', { hosts: ['http://x'] })).toMatchObject({
      started: false,
      refusal: { code: 'sandbox_refused' },
    })
    expect(await sh('echo ran', { cwd: '/nowhere' })).toMatchObject({
      started: false,
      refusal: { code: 'sandbox_refused' },
    })
  })

  it('ends with its time, with an abort, and with too much output; everything inside ends too', async () => {
    const mark = `mark${process.pid}`
    const forks = `(sleep 77 ${mark} 2>/dev/null || exec -a ${mark} sleep 77) & exec -a ${mark} sleep 77`
    const late = await run('bash', ['-c', forks], { limits: { time_ms: 300 } })
    expect(late).toMatchObject({ started: true, timed_out: true })
    const stop = new AbortController()
    const aborted = await run('bash', ['-c', `echo up; ${forks}`], {
      signal: stop.signal,
      onOutput: () => stop.abort(),
    })
    expect(aborted).toMatchObject({ aborted: true })
    expect(spawnSync('pgrep', ['-f', mark]).stdout.toString()).toBe('')
    const flood = await sh('yes', { limits: { output_bytes: 10_000 } })
    expect(flood).toMatchObject({ flooded: true, truncated: true })
  })

  it.skipIf(python !== '')('inherits no descriptor that whoever started us left open', () => {
    const secret = join(makeProject(), 'notes.txt')
    const code = `import { createBwrapSandbox } from ${JSON.stringify(join(import.meta.dirname, 'bwrap.ts'))}
const result = await createBwrapSandbox().run({ program: 'sh', args: ['-c', 'cat <&9; ls /proc/self/fd'], signal: new AbortController().signal })
console.log(JSON.stringify(result.stdout))`
    const driver = join(makeProject(), 'driver.mjs')
    writeFileSync(driver, code)
    const done = spawnSync('bash', ['-c', 'exec 9<"$1"; exec "$2" "$3"', 'x', secret, process.execPath, driver], {
      encoding: 'utf8',
    })
    expect(done.stderr).toBe('')
    expect(done.stdout).toContain('0\\n1\\n2\\n')
    expect(done.stdout).not.toContain('in the project')
  })

  it('leaves no folder of its own behind', async () => {
    const cells = () => readdirSync(tmpdir()).filter((name) => name.startsWith('llm-orc-cell-')).length
    const before = cells()
    await sh('mkdir -p a/b; chmod 0 a/b a')
    expect(cells()).toBeLessThanOrEqual(before)
  })
})

describe.skipIf(missing !== '')('the proof of a tier', () => {
  it('holds for what is here', async () => {
    expect(await probe(sandbox)).toEqual({ holds: true })
  })

  it.each([
    ['does nothing', 'exit 0', /started/],
    ['is broken', 'echo no >&2; exit 1', /no/],
    [
      'lets everything through',
      'while [ "$1" != -- ]; do shift; done; shift; echo \'{"exit-code": 0}\' >&4; HOME=$(mktemp -d) exec "$@"',
      /read|wrote/,
    ],
    ['says it ran and did not', 'echo \'{"exit-code": 0}\' >&4', /did not work/],
  ])('a bubblewrap that %s is no sandbox', async (_, script, why) => {
    const folder = mkdtempSync(join(tmpdir(), 'llm-orc-fake-'))
    chmodSync(folder, 0o755)
    writeFileSync(join(folder, 'bwrap'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    const proof = await probe(createBwrapSandbox({ path: `${folder}:/usr/bin:/bin` }))
    expect(proof.holds).toBe(false)
    expect(proof.why).toMatch(why)
  })
})

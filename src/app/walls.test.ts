import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cleanEnvironment } from '../sandbox/environment.ts'
import { findMissing } from '../sandbox/tiers.fixture.ts'
import type { App } from './app.ts'
import { createWalledCommands, createWalledScripts } from './walls.ts'

const missing = await findMissing('bwrap', 'prlimit', 'setpriv')
const signal = new AbortController().signal

function makeApp(sandbox?: { tier?: 'bwrap' | 'process'; fallback?: 'process' }): Pick<App, 'config' | 'paths'> {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'llm-orc-walls-')))
  writeFileSync(join(project, 'notes.txt'), 'notes\n')
  const ours = { config: '/nowhere/config', data: '/nowhere/data', state: '/nowhere/state', cache: '/nowhere/cache' }
  return {
    paths: { cwd: project, project, ...ours, legacy: [], extra: [], system: join(project, 'nowhere') },
    config: { settings: sandbox ? { sandbox } : {} },
  } as never
}

const command = (app: Pick<App, 'paths'>, code: string) => ({
  program: 'bash',
  args: ['-c', code],
  cwd: app.paths.cwd,
  env: { OWN: 'yes' },
  timeout_ms: 20_000,
  output_limit: 10_000,
  own: [],
  signal,
})

describe.skipIf(missing !== '')('programs of tools', () => {
  it('see and change what they declare, in the project where they run', async () => {
    const app = makeApp()
    const run = createWalledCommands(app)
    const all = { read: ['**'], write: ['**'], programs: ['*'] }
    const wrote = await run({ ...command(app, 'cat notes.txt; pwd; echo $OWN >new; id -u'), permissions: all })
    expect(wrote).toMatchObject({ exit: 0, stdout: `notes\n${app.paths.cwd}\n1000\n` })
    expect(readFileSync(join(app.paths.cwd, 'new'), 'utf8')).toBe('yes\n')
    const reads = await run({
      ...command(app, 'cat notes.txt; echo x >newer || echo closed'),
      permissions: { read: ['**'] },
    })
    expect(reads).toMatchObject({ stdout: 'notes\nclosed\n' })
    const nothing = await run({ ...command(app, 'pwd; cat "$1" || echo unseen'), permissions: {} })
    expect(nothing).toMatchObject({ stdout: '/work\nunseen\n' })
  })

  it('are not started where they could write what governs them', async () => {
    const app = makeApp()
    const config = join(app.paths.cwd, '.config/llm-orchestrator')
    mkdirSync(config, { recursive: true })
    const home = { ...app, paths: { ...app.paths, config } }
    const attack = command(
      app,
      'mv .config moved; mkdir -p .config/llm-orchestrator; echo ran >.config/llm-orchestrator/policy.yaml',
    )
    const result = await createWalledCommands(home)({ ...attack, permissions: { write: ['**'] } })
    expect(result).toMatchObject({ started: false, refusal: { code: 'sandbox_refused' } })
    expect(readdirSync(config)).toEqual([])
    const looking = await createWalledCommands(home)({ ...attack, permissions: { read: ['**'] } })
    expect(looking.refusal?.message).toContain('cannot be shown')
    const older = { ...app, paths: { ...app.paths, legacy: [join(app.paths.cwd, '.llm-orchestrator')] } }
    const planted = await createWalledCommands(older)({ ...attack, permissions: { write: ['**'] } })
    expect(planted).toMatchObject({ started: false, refusal: { code: 'sandbox_refused' } })
    const below = await createWalledCommands(home)({ ...command(app, 'echo ran'), permissions: { write: ['out/**'] } })
    expect(below).toMatchObject({ exit: 0, stdout: 'ran\n' })
  })

  it('are not started when a permission cannot be meant', async () => {
    const app = makeApp()
    const result = await createWalledCommands(app)({ ...command(app, 'echo ran'), permissions: { read: ['../..'] } })
    expect(result).toMatchObject({ started: false, stdout: '', refusal: { code: 'sandbox_refused' } })
  })
})

describe('scripts', () => {
  const spec = (app: Pick<App, 'paths'>, code: string) => ({
    program: 'sh',
    args: ['-c', code],
    cwd: app.paths.cwd,
    env: cleanEnvironment({ INPUT_TEXT: 'given' }),
    signal,
  })

  it('of the project run as they always did', async () => {
    const app = makeApp()
    const result = await createWalledScripts(app)(undefined, spec(app, 'pwd; echo $INPUT_TEXT; echo x >new'), [])
    expect(result).toMatchObject({ exit: 0, stdout: `${app.paths.cwd}\ngiven\n` })
    expect(readFileSync(join(app.paths.cwd, 'new'), 'utf8')).toBe('x\n')
  })

  it.skipIf(missing !== '')('have a wall when they ask for it, or settings do', async () => {
    const code = 'pwd; echo $INPUT_TEXT; cat notes.txt; echo x >new || echo closed'
    const asking = makeApp()
    const asked = await createWalledScripts(asking)({}, spec(asking, code), [])
    expect(asked).toMatchObject({ stdout: `${asking.paths.cwd}\ngiven\nnotes\nclosed\n` })
    const told = makeApp({ tier: 'bwrap' })
    const walled = await createWalledScripts(told)(undefined, spec(told, code), [])
    expect(walled).toMatchObject({ stdout: `${told.paths.cwd}\ngiven\nnotes\nclosed\n` })
    const lower = await createWalledScripts(told)({ tier: 'process' }, spec(told, code), [])
    expect(lower.stdout).toContain('closed')
    const writing = await createWalledScripts(asking)({ write: ['**'] }, spec(asking, 'echo y >new; cat new'), [])
    expect(writing).toMatchObject({ exit: 0, stdout: 'y\n' })
  })

  it('that break the rules for code, where these are demanded, are not run', async () => {
    const app = makeApp()
    const run = createWalledScripts(app)
    const ask = { tier: 'process', rules: true }
    const refused = await run(ask, spec(app, 'echo ran; curl example.test'), [])
    expect(refused).toMatchObject({ started: false, stdout: '', refusal: { code: 'code_refused' } })
    expect(refused.refusal?.message).toContain('1:11 curl (network)')
    expect(await run(ask, spec(app, 'echo ran'), [])).toMatchObject({ exit: 0, stdout: 'ran\n' })
    const unread = await run(ask, spec(app, 'echo ran'), [join(app.paths.cwd, 'notes.txt')])
    expect(unread.refusal?.message).toContain('there are no rules for code in .txt')
  })

  it('that ask for a sandbox nobody knows are not run', async () => {
    const app = makeApp()
    const result = await createWalledScripts(app)({ tier: 'fortress' }, spec(app, 'echo ran'), [])
    expect(result).toMatchObject({ started: false, refusal: { code: 'sandbox_missing' } })
  })
})

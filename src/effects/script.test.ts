import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listInjections } from '../../test/fixtures/injections.ts'
import type { Delta, EffectOrder } from '../engine/effect.ts'
import type { ScriptRequest } from '../events/script-call.ts'
import type { ProcessSpec, RunProcess } from '../sandbox/process.ts'
import { createScriptExecutor, type ScriptPorts } from './script.ts'
import { createTerminal } from './terminal.ts'

const programs = join(import.meta.dirname, '../../test/fixtures/programs')
const show = join(programs, 'show.mjs')

async function digest(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined)
  return bytes && createHash('sha256').update(bytes).digest('hex')
}

function makeProject(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'llm-orc-project-')))
}

async function pin(path: string, program: readonly string[] = [process.execPath]): Promise<ScriptRequest['script']> {
  return { type: 'file', reference: path, path, sha256: (await digest(path)) ?? '', program }
}

function order(request: ScriptRequest): EffectOrder {
  const ask = { kind: 'script', name: 'script', safety: 'unsafe', request } as const
  return { ...ask, run: 'r1', step: 'one', attempt: 1, key: 'one/script', tries: 1, idempotency_key: 'key-1' }
}

interface Setting extends Partial<ScriptPorts> {
  readonly signal?: AbortSignal
  readonly stream?: (delta: Delta) => void
}

function run(request: Partial<ScriptRequest> & Pick<ScriptRequest, 'script'>, setting: Setting = {}) {
  const { signal = new AbortController().signal, stream = () => {}, ...ports } = setting
  const executor = createScriptExecutor({ cwd: tmpdir(), interactive: createTerminal(), digest, ...ports })
  return executor.run(order({ stdin: '', environment: {}, ...request }), { signal, stream })
}

function inline(text: string): { readonly script: ScriptRequest['script'] } {
  return { script: { type: 'inline', text } }
}

/** A machine without bash. */
const withoutBash: RunProcess = async (spec) => {
  const { runProcess } = await import('../sandbox/process.ts')
  return runProcess({ ...spec, program: spec.program === 'bash' ? 'no-such-shell' : spec.program })
}

describe('script executor', () => {
  it('F17 marks what a script says that may reach hosts as coming from outside', async () => {
    const { runProcess } = await import('../sandbox/process.ts')
    const walled: NonNullable<ScriptPorts['walled']> = async (_, spec) => ({
      ...(await runProcess(spec)),
      tier: 'bwrap',
    })
    const reaching = await run({ ...inline('echo hi'), sandbox: { hosts: ['example.com'] } }, { walled })
    expect(reaching).toMatchObject({ ok: true, labels: ['outside'] })
    expect(await run({ ...inline('echo hi'), sandbox: { read: ['**'] } }, { walled })).not.toHaveProperty('labels')
  })

  it('F17 marks what a script says that had no wall, for it has the network; what never ran says nothing', async () => {
    const { runProcess } = await import('../sandbox/process.ts')
    for (const walled of [
      undefined,
      runProcess,
      async (spec: ProcessSpec) => ({ ...(await runProcess(spec)), tier: 'process' }),
    ]) {
      const ports = walled ? { walled: (_: unknown, spec: ProcessSpec) => walled(spec) } : {}
      expect(await run(inline('echo hi'), ports)).toMatchObject({ ok: true, labels: ['outside'] })
    }
    const late = await run({ ...inline('echo hi; sleep 60'), timeout_ms: 300 })
    expect(late).toMatchObject({ ok: false, code: 'script_timeout', labels: ['outside'] })
    const never = await run({ script: { type: 'file', reference: 'x', path: '/nowhere/x', sha256: '', program: [] } })
    expect(never).not.toHaveProperty('labels')
  })

  it('runs a file by its interpreter, in the project, with input, environment and key', async () => {
    const cwd = makeProject()
    mkdirSync(join(cwd, 'scripts'))
    writeFileSync(join(cwd, 'scripts/-x.mjs'), await readFile(show))
    const script = { ...(await pin(join(cwd, 'scripts/-x.mjs'))), path: 'scripts/-x.mjs' } as ScriptRequest['script']
    const outcome = await run({ script, stdin: '{"input":1}', environment: { INPUT_DATA: 'x' } }, { cwd })
    expect(outcome).toMatchObject({ ok: true, answer: { exit: 0, stderr: '', truncated: false } })
    const shown = JSON.parse((outcome as unknown as { answer: { stdout: string } }).answer.stdout)
    expect(shown).toMatchObject({
      argv: [],
      stdin: '{"input":1}',
      cwd,
      env: { INPUT_DATA: 'x', LLM_ORC_RUN: 'r1', LLM_ORC_STEP: 'one', LLM_ORC_IDEMPOTENCY_KEY: 'key-1' },
    })
  })

  it('shows a script no secret of ours', async () => {
    process.env['CANARY_API_KEY'] = 'canary'
    const outcome = await run(inline('env'), { cwd: makeProject() })
    delete process.env['CANARY_API_KEY']
    expect(outcome).toMatchObject({ ok: true })
    expect(JSON.stringify(outcome)).not.toContain('canary')
  })

  it('an exit code is an answer', async () => {
    const outcome = await run(inline('echo out; echo err >&2; exit 7'))
    expect(outcome).toMatchObject({ ok: true, answer: { exit: 7, stdout: 'out\n', stderr: 'err\n', truncated: false } })
  })

  it('inline text runs strictly: a failing part ends it, also without bash', async () => {
    expect(await run(inline('false | cat; echo on'))).toMatchObject({ answer: { exit: 1, stdout: '' } })
    expect(await run(inline('echo $NOT_SET; echo on'))).toMatchObject({ answer: { stdout: '' } })
    const outcome = await run(inline('echo one; false; echo on'), { run: withoutBash })
    expect(outcome).toMatchObject({ answer: { exit: 1, stdout: 'one\n' } })
  })

  it('passes output on live', async () => {
    const seen: Delta[] = []
    await run(inline('echo out; echo err >&2'), { stream: (delta) => seen.push(delta) })
    expect(seen).toEqual(
      expect.arrayContaining([
        { type: 'stdout', text: 'out\n' },
        { type: 'stderr', text: 'err\n' },
      ]),
    )
  })

  it('does not run a file that is no longer the pinned one', async () => {
    const cwd = makeProject()
    const path = join(cwd, 'x.sh')
    writeFileSync(path, 'echo one')
    const script = await pin(path, ['sh'])
    expect(await run({ script }, { cwd })).toMatchObject({ ok: true, answer: { stdout: 'one\n' } })
    writeFileSync(path, 'echo two')
    expect(await run({ script }, { cwd })).toMatchObject({
      ok: false,
      code: 'definition_changed',
      touched: 'no',
      retry: false,
    })
    const gone = { ...script, path: join(cwd, 'gone.sh') } as ScriptRequest['script']
    expect(await run({ script: gone }, { cwd })).toMatchObject({ code: 'definition_changed', touched: 'no' })
  })

  it('says what is missing when it cannot start', async () => {
    const script = await pin(show, ['no-such-interpreter'])
    expect(await run({ script })).toMatchObject({
      ok: false,
      code: 'script_not_started',
      message: expect.stringContaining('no-such-interpreter is not installed'),
      touched: 'no',
    })
    expect(await run(inline('true'), { cwd: '/no/such/folder' })).toMatchObject({
      code: 'script_not_started',
      touched: 'no',
    })
  })

  it('time limit, signal and abort are failures that may have touched the world', async () => {
    const late = await run({ ...inline('echo before; echo why >&2; sleep 60'), timeout_ms: 200 })
    expect(late).toMatchObject({
      code: 'script_timeout',
      touched: 'yes',
      retry: false,
      partial: { stdout: 'before\n' },
    })
    expect(late).toMatchObject({ detail: 'why\n' })
    expect(await run(inline('kill -9 $$'))).toMatchObject({ code: 'script_killed', touched: 'yes' })
    const controller = new AbortController()
    const stopped = await run(inline('echo up; sleep 60'), {
      signal: controller.signal,
      stream: () => controller.abort(),
    })
    expect(stopped).toMatchObject({ code: 'aborted', touched: 'yes' })
    expect(await run(inline('echo up'), { signal: AbortSignal.abort() })).toMatchObject({
      code: 'aborted',
      touched: 'no',
    })
  })

  it('marks cut output, and stops what never ends to print', async () => {
    expect(await run(inline('head -c 2000000 /dev/zero'))).toMatchObject({ ok: true, answer: { truncated: true } })
    expect(await run(inline('yes'))).toMatchObject({ code: 'output_too_large', touched: 'yes' })
  })

  it('S15: 80 payloads in input, environment and names stay data', async () => {
    const cwd = makeProject()
    const payloads = listInjections(join(cwd, 'touched'))
    const environment = Object.fromEntries(payloads.map((payload, index) => [`P${index}`, payload]))
    const outcome = await run({ script: await pin(show), stdin: JSON.stringify(payloads), environment }, { cwd })
    const shown = JSON.parse((outcome as unknown as { answer: { stdout: string } }).answer.stdout)
    expect(JSON.parse(shown.stdin)).toEqual(payloads)
    expect(shown.env).toMatchObject(environment)
    expect(shown.argv).toEqual([])
    for (const payload of payloads.slice(0, 12)) {
      const path = join(cwd, `${payload.replaceAll('/', '_')}.mjs`)
      writeFileSync(path, 'process.stdout.write(process.argv[1])')
      expect(await run({ script: await pin(path) }, { cwd })).toMatchObject({ answer: { stdout: path } })
    }
    expect(await digest(join(cwd, 'touched'))).toBeUndefined()
  })
})

/** Runs a conversation in a program of its own, whose standard input plays the terminal. */
async function converse(text: string, typed: string, kind = 'pretend') {
  const child = spawn(process.execPath, [join(programs, 'converse.mjs'), text, kind])
  child.stdin.on('error', () => {})
  child.stdin.end(typed)
  const read = async (stream: NodeJS.ReadableStream) => {
    let all = ''
    for await (const chunk of stream) all += chunk
    return all
  }
  const [outcome, shown] = await Promise.all([read(child.stdout), read(child.stderr)])
  return { outcome: JSON.parse(outcome), shown }
}

describe('interactive scripts', () => {
  it('are refused when nobody can answer', async () => {
    const { outcome } = await converse('echo on', '', 'real')
    expect(outcome).toMatchObject({ ok: false, code: 'needs_terminal', touched: 'no' })
  })

  it('read the terminal themselves; prompts on standard error are shown, standard output is the answer', async () => {
    const text = `printf 'Name? ' >&2; read name; printf '{"success": true, "input": "%s"}' "$name"`
    const { outcome, shown } = await converse(text, 'Ada\n')
    expect(outcome).toMatchObject({ ok: true, answer: { exit: 0, stdout: '{"success": true, "input": "Ada"}' } })
    expect(shown).toBe('Name? ')
  })

  it('may ask in lines of JSON', async () => {
    const text = `echo '{"type": "user_input_request", "prompt": "Name?"}'; read name
      echo '{"type": "user_input_request", "prompt": "Age?"}'; read age
      printf '{"name": "%s", "age": %s}\\n' "$name" "$age"`
    const { outcome, shown } = await converse(text, 'Ada\n36\n')
    expect(outcome).toMatchObject({ ok: true, answer: { stdout: '{"name": "Ada", "age": 36}\n' } })
    expect(shown).toBe('Name? Age? ')
  })

  it('one talks with the person after the other', async () => {
    const terminal = createTerminal()
    const order: string[] = []
    const talk = (name: string) => async () => {
      order.push(`${name} begins`)
      await Promise.resolve()
      order.push(`${name} ends`)
      if (name === 'one') throw new Error('it broke')
    }
    const one = terminal.hold(talk('one')).catch(() => {})
    await Promise.all([one, terminal.hold(talk('two'))])
    expect(order).toEqual(['one begins', 'one ends', 'two begins', 'two ends'])
  })
})

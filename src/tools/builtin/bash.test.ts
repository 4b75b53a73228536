import { realpath } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Command } from '../command.ts'
import { bashTool } from './bash.ts'
import { makeYard } from './ports.fixture.ts'

test('answers with exit code and both outputs; without a wall both are from outside', async () => {
  const { cwd, call } = await makeYard({ 'sub/a.txt': 'x' })
  expect(await call(bashTool, { command: 'pwd; echo no >&2; exit 3' })).toEqual({
    ok: true,
    outside: true,
    output: { exit: 3, stdout: `${await realpath(cwd)}\n`, stderr: 'no\n', truncated: false },
  })
  expect(await call(bashTool, { command: 'ls', path: 'sub' })).toMatchObject({ output: { stdout: 'a.txt\n' } })
})

test('the environment is clean, and the key of the call is in it', async () => {
  process.env['CANARY_TOKEN'] = 'canary-4711'
  try {
    const { call } = await makeYard()
    const outcome = await call(bashTool, { command: 'env; echo "key=$LLM_ORC_IDEMPOTENCY_KEY"' })
    expect(JSON.stringify(outcome)).toContain('key=key')
    expect(JSON.stringify(outcome)).not.toContain('canary')
  } finally {
    delete process.env['CANARY_TOKEN']
  }
})

test('output is bounded, from the front and from the end', async () => {
  const { call } = await makeYard()
  const outcome = await call(bashTool, { command: 'echo first; head -c 300000 /dev/zero | tr "\\0" x; echo last' })
  expect(outcome).toMatchObject({ ok: true, output: { truncated: true } })
  const { stdout } = (outcome as unknown as { output: { stdout: string } }).output
  expect(stdout.length).toBeLessThan(60_000)
  expect(stdout.startsWith('first')).toBe(true)
  expect(stdout.endsWith('last\n')).toBe(true)
})

test('the time limit ends everything it started, and the failure says that it may have happened', async () => {
  const { call } = await makeYard()
  expect(await call(bashTool, { command: 'sleep 60 & sleep 60', timeout_seconds: 1 })).toMatchObject({
    ok: false,
    code: 'script_timeout',
    touched: 'yes',
  })
})

test('the wall is told what the command may touch, and its refusal is one of the tool', async () => {
  const { cwd, call } = await makeYard()
  const asked: Command[] = []
  const refusal = { code: 'sandbox_missing', message: 'there is no wall' }
  const run = async (command: Command) => {
    asked.push(command)
    const nothing = { stdout: '', stderr: '', truncated: false, timed_out: false, aborted: false, flooded: false }
    return { started: false, refusal, ...nothing }
  }
  expect(await call(bashTool, { command: 'true' }, { ports: { run } })).toMatchObject({ ...refusal, touched: 'no' })
  expect(asked).toMatchObject([{ cwd, permissions: { read: ['**'], write: ['**'], programs: ['*'] } }])
  expect(asked[0]?.args.at(-1)).toBe('true')
})

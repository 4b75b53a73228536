import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PinnedTool } from '../events/tool-call.ts'
import type { JsonObject } from '../events/values.ts'
import { findMismatches } from '../graph/json-schema.ts'
import { makeYard, runBare } from './builtin/ports.fixture.ts'
import type { Command } from './command.ts'
import { createProgramTool } from './program-tool.ts'
import { describeTool } from './tool.contract.ts'

const PINNED: PinnedTool = {
  name: 'echo',
  version: '1.0.0',
  description: 'Says it again.',
  input_schema: { type: 'object' },
  safety: 'unsafe',
  permissions: {},
  source: 'catalog',
  digest: 'd',
}

interface Setting {
  readonly file: string
  readonly text: string
  readonly kind?: 'script' | 'module'
  readonly words?: readonly string[]
  readonly pinned?: Partial<PinnedTool>
  readonly variables?: { readonly [name: string]: string }
  readonly args?: JsonObject
}

async function callProgram(setting: Setting) {
  const { cwd } = await makeYard()
  const path = join(cwd, setting.file)
  await writeFile(path, setting.text)
  const commands: Command[] = []
  const said: string[] = []
  const tool = createProgramTool(
    { ...PINNED, ...setting.pinned },
    { program: { kind: setting.kind ?? 'script', path, words: setting.words ?? ['bash'] }, folder: cwd },
    {
      run: (command) => {
        commands.push(command)
        return runBare(command)
      },
      check: findMismatches,
      variable: (name) => setting.variables?.[name],
    },
  )
  const outcome = await tool.run(setting.args ?? { text: 'hi' }, {
    signal: new AbortController().signal,
    idempotency_key: 'key-1',
    cwd,
    progress: (text) => said.push(text),
  })
  return { outcome, commands, said: said.join('') }
}

describe('scripts', () => {
  test.each([
    ['{success, data}', `printf '{"success": true, "data": {"a": 1}}'`, { ok: true, output: { a: 1 } }],
    ['success without data', `printf '{"success": true}'`, { ok: true, output: null }],
    ['fields beside success', `printf '{"success": true, "a": 1}'`, { ok: true, output: { a: 1 } }],
    ['data that are null', `printf '{"success": true, "data": null, "a": 1}'`, { ok: true, output: null }],
    ['other JSON is the data', `printf '{"a": 1}'`, { ok: true, output: { a: 1 } }],
    ['text is the data', `echo hello`, { ok: true, output: 'hello' }],
    ['nothing is an empty text', `true`, { ok: true, output: '' }],
    ['arguments come on standard input', `cat`, { ok: true, output: { text: 'hi' } }],
    [
      'success false',
      `printf '{"success": false, "error": "why"}'`,
      { ok: false, code: 'tool_failed', detail: 'why', touched: 'yes' },
    ],
    [
      'an exit code, whatever is printed',
      `printf '{"success": true, "data": 1}'; exit 3`,
      { ok: false, code: 'tool_failed' },
    ],
    [
      'an exit code with its reason',
      `printf '{"success": false, "error": "why"}'; exit 3`,
      { ok: false, detail: 'why' },
    ],
    ['killed', `kill -9 $$`, { ok: false, code: 'script_killed', touched: 'yes' }],
    ['the key of the call', `echo "$LLM_ORC_IDEMPOTENCY_KEY"`, { ok: true, output: 'key-1' }],
  ])('%s', async (_, text, outcome) => {
    expect((await callProgram({ file: 'a.sh', text })).outcome).toMatchObject(outcome)
  })

  test('a program that is missing touched nothing', async () => {
    const { outcome } = await callProgram({ file: 'a.x', text: '', words: ['/nowhere/interpreter'] })
    expect(outcome).toMatchObject({ ok: false, code: 'script_not_started', touched: 'no' })
  })

  test('what it says on standard error is progress, and the detail of a failure', async () => {
    const { outcome, said } = await callProgram({ file: 'a.sh', text: 'echo working >&2; exit 1' })
    expect(said).toBe('working\n')
    expect(outcome).toMatchObject({ detail: 'working\n' })
  })

  test('only declared variables reach it', async () => {
    const variables = { TOKEN_A: 'a', TOKEN_B: 'b' }
    const { outcome, commands } = await callProgram({
      file: 'a.sh',
      text: 'echo "$TOKEN_A-$TOKEN_B"',
      variables,
      pinned: { permissions: { environment: ['TOKEN_A', 'TOKEN_C'], read: ['docs/**'] } },
    })
    expect(outcome).toMatchObject({ output: 'a-' })
    expect(commands[0]?.permissions).toEqual({ environment: ['TOKEN_A', 'TOKEN_C'], read: ['docs/**'] })
  })

  test('an output that the schema does not allow is a failure; a pure tool may be tried again', async () => {
    const output_schema: JsonObject = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }
    const wrong = await callProgram({
      file: 'a.sh',
      text: `printf '{"success": true, "data": {}}'`,
      pinned: { output_schema },
    })
    expect(wrong.outcome).toMatchObject({ ok: false, code: 'tool_failed', detail: expect.stringContaining('lacks n') })
    const pure = await callProgram({ file: 'a.sh', text: 'exit 1', pinned: { safety: 'pure' } })
    expect(pure.outcome).toMatchObject({ ok: false, touched: 'no' })
  })

  test('S15 arguments are data: no payload starts anything', async () => {
    const payloads = [
      '; touch owned',
      '$(touch owned)',
      '`touch owned`',
      '| touch owned',
      '\n touch owned',
      '--version',
      "'; touch owned; '",
    ]
    for (const text of payloads) {
      const { outcome, commands } = await callProgram({ file: 'a.sh', text: 'cat >/dev/null; ls', args: { text } })
      expect(outcome).toMatchObject({ output: 'a.sh' })
      expect(commands[0]?.args).toHaveLength(1)
    }
  })
})

describe('modules', () => {
  const module = (text: string, file = 'a.mjs') => callProgram({ file, text, kind: 'module' })

  test('a function gets the arguments; what it returns is the data; TypeScript too', async () => {
    expect((await module('export const run = ({ text }) => ({ said: text })')).outcome).toMatchObject({
      output: { said: 'hi' },
    })
    const typed = 'export async function run({ text }: { text: string }): Promise<string> { return text }'
    expect((await module(typed, 'a.ts')).outcome).toMatchObject({ output: 'hi' })
    expect((await module('export const run = () => {}')).outcome).toMatchObject({ ok: true, output: null })
  })

  test('what it throws is the failure, and what it prints is no result', async () => {
    const thrown = await module('export function run() { throw new Error("no luck") }')
    expect(thrown.outcome).toMatchObject({ ok: false, code: 'tool_failed', detail: 'no luck' })
    const loud = await module(`console.log('noise'); process.stdout.write('noise'); export const run = () => 1`)
    // The program of this test has no wall.
    expect(loud.outcome).toEqual({ ok: true, output: 1, outside: true })
    expect(loud.said).toContain('noise')
  })

  test('without the function, or broken, it fails in words', async () => {
    expect((await module('export const other = 1')).outcome).toMatchObject({ detail: expect.stringContaining('run') })
    expect((await module('export const = 1')).outcome).toMatchObject({ ok: false, code: 'tool_failed' })
    expect((await module('process.exit(7); export const run = 1')).outcome).toMatchObject({
      ok: false,
      code: 'tool_failed',
    })
  })
})

describeTool('a script as a tool', async () => {
  const { cwd } = await makeYard({ 'a.sh': 'cat' })
  const schema: JsonObject = {
    type: 'object',
    properties: { n: { type: 'number' } },
    required: ['n'],
    additionalProperties: false,
  }
  const tool = createProgramTool(
    { ...PINNED, safety: 'pure', input_schema: schema, output_schema: schema },
    { program: { kind: 'script', path: join(cwd, 'a.sh'), words: ['bash'] }, folder: cwd },
    { run: runBare, check: findMismatches, variable: () => undefined },
  )
  return { tool, good: { n: 1 } }
})

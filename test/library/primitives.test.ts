import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { callScript, runScript } from './run-library.ts'

const makeFolder = () => mkdtempSync(join(tmpdir(), 'llm-orc-primitives-'))
const call = (name: string, parameters: object, cwd?: string) =>
  callScript(`primitives/${name}.mjs`, { input: '', parameters: { ...parameters }, context: {} }, cwd)

describe('file-ops', () => {
  test('a written file is read back, with Unicode, below folders that did not exist', async () => {
    const cwd = makeFolder()
    const content = 'Grüße, 世界 🌍\r\n'
    const written = await call('file-ops/write_file', { path: 'a/b/c.txt', content }, cwd)
    expect(written).toEqual({ success: true, path: 'a/b/c.txt', size: 13, bytes_written: Buffer.byteLength(content) })
    expect(readFileSync(join(cwd, 'a/b/c.txt'), 'utf8')).toBe(content)
    expect(await call('file-ops/read_file', { path: 'a/b/c.txt' }, cwd)).toEqual({
      success: true,
      content,
      path: 'a/b/c.txt',
      size: 13,
    })
  })

  test('the defaults are input.txt and output.txt in the working folder', async () => {
    const cwd = makeFolder()
    writeFileSync(join(cwd, 'input.txt'), 'x')
    expect(await call('file-ops/read_file', {}, cwd)).toMatchObject({ success: true, content: 'x', path: 'input.txt' })
    expect(await call('file-ops/write_file', {}, cwd)).toEqual({
      success: true,
      path: 'output.txt',
      size: 0,
      bytes_written: 0,
    })
  })

  test('data is written as JSON, other encodings are honoured both ways', async () => {
    const cwd = makeFolder()
    await call('file-ops/write_file', { path: 'data.json', content: { a: [1] } }, cwd)
    expect(JSON.parse(readFileSync(join(cwd, 'data.json'), 'utf8'))).toEqual({ a: [1] })
    expect(await call('file-ops/write_file', { path: 'l', content: 'é', encoding: 'latin-1' }, cwd)).toMatchObject({
      bytes_written: 1,
    })
    expect(await call('file-ops/read_file', { path: 'l', encoding: 'iso-8859-1' }, cwd)).toMatchObject({ content: 'é' })
    expect(await call('file-ops/write_file', { path: 'l', content: '世', encoding: 'latin-1' }, cwd)).toMatchObject({
      success: false,
    })
    expect(await call('file-ops/read_file', { path: 'l' }, cwd)).toMatchObject({
      success: false,
      error: 'the file is not utf-8 text',
      path: 'l',
    })
  })

  test.each([
    ['read_file', { path: '/no/such/folder/file.txt' }],
    ['read_file', { path: '.' }],
    ['read_file', { path: '' }],
    ['read_file', { path: 7 }],
    ['read_file', { path: 'here.txt', encoding: 'klingon' }],
    ['write_file', { path: '/dev/null/x' }],
    ['write_file', { path: '.' }],
    ['write_file', { path: 'x', encoding: 'klingon' }],
  ])('%s %j fails with an error and the path', async (name, parameters) => {
    const cwd = makeFolder()
    writeFileSync(join(cwd, 'here.txt'), 'here')
    const output = await call(`file-ops/${name}`, parameters, cwd)
    expect(output).toEqual({ success: false, error: expect.stringMatching(/.{10}/), path: parameters.path })
  })
})

describe('data-transform/json_extract', () => {
  const person = { name: 'Ada', age: 36, role: null }

  test.each([
    ['text', JSON.stringify(person)],
    ['an object', person],
  ])('takes fields from %s', async (_, json_data) => {
    expect(await call('data-transform/json_extract', { json_data, fields: ['name', 'role', 'city'] })).toEqual({
      success: true,
      extracted: { name: 'Ada', role: null },
      missing_fields: ['city'],
      total_fields: 3,
      extracted_count: 2,
    })
  })

  test('takes the input when no data is given', async () => {
    const output = await callScript('primitives/data-transform/json_extract.mjs', {
      input: '{"a": 1}',
      parameters: { fields: 'a' },
    })
    expect(output).toMatchObject({ extracted: { a: 1 }, total_fields: 1 })
    expect(
      await callScript('primitives/data-transform/json_extract.mjs', { input: 'words', parameters: { fields: ['a'] } }),
    ).toMatchObject({ success: true, missing_fields: ['a'] })
  })

  test('inherited names are not fields', async () => {
    expect(
      await call('data-transform/json_extract', { json_data: '{}', fields: ['toString', '__proto__'] }),
    ).toMatchObject({ extracted_count: 0 })
  })

  test.each([
    { json_data: '{"a": ', fields: ['a'] },
    { json_data: '[1]', fields: ['a'] },
    { json_data: null, fields: ['a'] },
    { json_data: '{}', fields: [1] },
    { json_data: '{}', fields: { a: 1 } },
  ])('%j fails with an error', async (parameters) => {
    expect(await call('data-transform/json_extract', parameters)).toEqual({
      success: false,
      error: expect.stringMatching(/.{10}/),
    })
  })
})

describe('control-flow/replicate_n_times', () => {
  test('a seed gives every replication its own, the same each time', async () => {
    const output = await call('control-flow/replicate_n_times', { replications: 3, seed: 42 })
    expect(output).toEqual({
      success: true,
      replications: [42, 43, 44].map((random_seed, replication_id) => ({
        replication_id,
        total_replications: 3,
        random_seed,
      })),
      total_replications: 3,
      base_seed: 42,
    })
  })

  test('the default is one replication with a seed that was drawn', async () => {
    const output = await call('control-flow/replicate_n_times', {})
    expect(output).toMatchObject({
      success: true,
      total_replications: 1,
      replications: [{ random_seed: output.base_seed }],
    })
  })

  test.each([
    { replications: -1 },
    { replications: 1.5 },
    { replications: 'many' },
    { replications: 1e9 },
    { seed: 'x' },
  ])('%j fails with an error', async (parameters) => {
    expect(await call('control-flow/replicate_n_times', parameters)).toEqual({
      success: false,
      error: expect.stringMatching(/.{10}/),
    })
  })
})

describe('user-interaction', () => {
  const talk = async (name: string, parameters: object, stdin: string) => {
    const end = await runScript(`primitives/user-interaction/${name}.mjs`, {
      stdin,
      env: { AGENT_PARAMETERS: JSON.stringify(parameters) },
    })
    return { ...end, output: JSON.parse(end.stdout) as unknown }
  }

  test('get_user_input asks on standard error and answers on standard output', async () => {
    const { output, stderr, code } = await talk('get_user_input', { prompt: 'Which city?' }, 'Zürich 🏔\nmore\n')
    expect(output).toEqual({ success: true, input: 'Zürich 🏔', multiline: false, length: 8 })
    expect(stderr).toContain('Which city?')
    expect(code).toBe(0)
  })

  test('several lines end with a full stop or with the input', async () => {
    expect((await talk('get_user_input', { multiline: true }, 'one\n\ntwo\n.\nthree\n')).output).toMatchObject({
      input: 'one\n\ntwo',
      multiline: true,
    })
    expect((await talk('get_user_input', { multiline: true }, 'one\ntwo')).output).toMatchObject({ input: 'one\ntwo' })
  })

  test('the call may stand on the first line, before the answer', async () => {
    const stdin = `${JSON.stringify({ input: '', parameters: { prompt: 'Really?' } })}\nyes\n`
    const { stdout, stderr } = await runScript('primitives/user-interaction/confirm_action.mjs', { stdin })
    expect(JSON.parse(stdout)).toEqual({ success: true, confirmed: true, input: 'yes', prompt: 'Really?' })
    expect(stderr).toContain('Really?')
  })

  test.each([
    ['y\n', 'n', true],
    ['YES\n', 'n', true],
    ['no\n', 'y', false],
    ['\n', 'n', false],
    ['\n', 'y', true],
    ['perhaps\n', 'y', false],
  ])('confirm_action: %j with default %j is %j', async (stdin, fallback, confirmed) => {
    expect((await talk('confirm_action', { default: fallback }, stdin)).output).toMatchObject({
      success: true,
      confirmed,
    })
  })

  test('no answer is no consent, whatever the default', async () => {
    expect((await talk('confirm_action', { default: 'y' }, '')).output).toMatchObject({
      success: false,
      confirmed: false,
    })
    expect((await talk('get_user_input', {}, '')).output).toMatchObject({ success: false, input: '' })
  })
})

describe('the contract of all scripts', () => {
  const silent = ['file-ops/read_file', 'data-transform/json_extract', 'control-flow/replicate_n_times']

  test('parameters come from the environment when standard input is empty', async () => {
    const env = {
      AGENT_PARAMETERS: '{"replications": 2, "seed": 5}',
      INPUT_DATA: '{"agent_name": "a", "input_data": "b"}',
    }
    const { stdout } = await runScript('primitives/control-flow/replicate_n_times.mjs', { env })
    expect(JSON.parse(stdout)).toMatchObject({ total_replications: 2, base_seed: 5 })
  })

  test.each(silent)('%s reports broken input as data, with exit code 0', async (name) => {
    const { code, stdout, stderr } = await runScript(`primitives/${name}.mjs`, { stdin: '{"input": ' })
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ success: false, error: expect.any(String) })
  })
})

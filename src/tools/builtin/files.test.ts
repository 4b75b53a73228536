import { chmod, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { editFileTool } from './edit-file.ts'
import { listFilesTool } from './list-files.ts'
import { makeYard } from './ports.fixture.ts'
import { readFileTool } from './read-file.ts'
import { searchFilesTool } from './search-files.ts'
import { writeFileTool } from './write-file.ts'

describe('read_file', () => {
  test('whole, and some lines of it', async () => {
    const { call } = await makeYard({ 'a.txt': 'one\ntwo\nthree\n' })
    expect(await call(readFileTool, { path: 'a.txt' })).toEqual({
      ok: true,
      output: { path: 'a.txt', content: 'one\ntwo\nthree', first_line: 1, lines: 3, total_lines: 3, truncated: false },
    })
    expect(await call(readFileTool, { path: './a.txt', first_line: 2, lines: 1 })).toMatchObject({
      output: { content: 'two', first_line: 2, lines: 1 },
    })
    expect(await call(readFileTool, { path: 'a.txt', first_line: 4 })).toMatchObject({ code: 'bad_input' })
  })

  test('what is too long is cut at a line, and says how to go on', async () => {
    const { call } = await makeYard({
      'a.txt': `${'x'.repeat(99)}\n`.repeat(1000),
      'b.txt': 'y'.repeat(200_000),
      'c.txt': '',
    })
    expect(await call(readFileTool, { path: 'a.txt' })).toMatchObject({
      output: { lines: 500, total_lines: 1000, truncated: true },
    })
    const long = await call(readFileTool, { path: 'b.txt' })
    expect(long).toMatchObject({ output: { lines: 1, truncated: true } })
    expect(JSON.stringify(long).length).toBeLessThan(51_000)
    expect(await call(readFileTool, { path: 'c.txt' })).toMatchObject({ output: { content: '', total_lines: 0 } })
  })

  test('what is no text, or not there, is refused', async () => {
    const { call } = await makeYard({ bin: new Uint8Array([1, 0, 2]), latin: new Uint8Array([0xe4, 0x20]) })
    expect(await call(readFileTool, { path: 'bin' })).toMatchObject({ code: 'file_unreadable', touched: 'no' })
    expect(await call(readFileTool, { path: 'latin' })).toMatchObject({ code: 'file_unreadable' })
    expect(await call(readFileTool, { path: 'nothing' })).toMatchObject({ code: 'not_found' })
    expect(await call(readFileTool, { path: 'bin/x' })).toMatchObject({ code: 'not_found' })
  })
})

describe('write_file', () => {
  test('makes files and folders, replaces whole files, keeps their rights, leaves nothing else', async () => {
    const { cwd, call } = await makeYard({ 'run.sh': 'old' })
    await chmod(join(cwd, 'run.sh'), 0o750)
    expect(await call(writeFileTool, { path: 'a/b/c.txt', content: 'ä' })).toEqual({
      ok: true,
      output: { path: 'a/b/c.txt', bytes: 2, created: true },
    })
    expect(await call(writeFileTool, { path: 'run.sh', content: 'new' })).toMatchObject({ output: { created: false } })
    expect(await readFile(join(cwd, 'run.sh'), 'utf8')).toBe('new')
    expect((await stat(join(cwd, 'run.sh'))).mode & 0o777).toBe(0o750)
    expect((await readdir(cwd)).sort()).toEqual(['a', 'run.sh'])
  })

  test('does not replace when told so', async () => {
    const { cwd, call } = await makeYard({ 'a.txt': 'old' })
    expect(await call(writeFileTool, { path: 'a.txt', content: 'new', if_exists: 'fail' })).toMatchObject({
      code: 'file_exists',
    })
    expect(await readFile(join(cwd, 'a.txt'), 'utf8')).toBe('old')
  })

  test('readers see one text or the other, never a part', async () => {
    const { cwd, call } = await makeYard({ 'a.txt': 'a'.repeat(500_000) })
    const texts = new Set<string>()
    const writing = call(writeFileTool, { path: 'a.txt', content: 'b'.repeat(500_000) })
    for (let n = 0; n < 30; n++) texts.add(await readFile(join(cwd, 'a.txt'), 'utf8'))
    await writing
    for (const text of texts) expect(['a'.repeat(500_000), 'b'.repeat(500_000)]).toContain(text)
  })
})

describe('edit_file', () => {
  test('replaces what stands there exactly once', async () => {
    const { cwd, call } = await makeYard({ 'a.ts': 'let a = 1\nlet b = 1\n' })
    expect(await call(editFileTool, { path: 'a.ts', old_text: 'b = 1', new_text: 'b = $&2' })).toEqual({
      ok: true,
      output: { path: 'a.ts', replaced: 1, line: 2, bytes: 22 },
    })
    expect(await readFile(join(cwd, 'a.ts'), 'utf8')).toBe('let a = 1\nlet b = $&2\n')
  })

  test.each([
    ['stands 2 times in a.ts (lines 1, 2)', 'let', 'x'],
    ['does not stand in a.ts', 'const', 'x'],
    ['with these spaces and line ends', 'let  a', 'x'],
    ['its first line stands in line 2, and then it differs', 'let b = 1\nlet c', 'x'],
  ])('%s', async (words, old_text, new_text) => {
    const { cwd, call } = await makeYard({ 'a.ts': 'let a = 1\nlet b = 1\n' })
    const outcome = await call(editFileTool, { path: 'a.ts', old_text, new_text })
    expect(outcome).toMatchObject({ code: 'text_not_found', touched: 'no', message: expect.stringContaining(words) })
    expect(await readFile(join(cwd, 'a.ts'), 'utf8')).toBe('let a = 1\nlet b = 1\n')
  })

  test('all of them when told so; other line ends are named; a mark at the front stays', async () => {
    const { cwd, call } = await makeYard({ 'a.txt': '\ufeffx x\r\nx\r\n' })
    expect(await call(editFileTool, { path: 'a.txt', old_text: 'x\nx', new_text: 'y' })).toMatchObject({
      message: expect.stringContaining('\\r\\n'),
    })
    expect(await call(editFileTool, { path: 'a.txt', old_text: 'x', new_text: 'yy', replace_all: true })).toMatchObject(
      {
        output: { replaced: 3 },
      },
    )
    expect(await readFile(join(cwd, 'a.txt'), 'utf8')).toBe('\ufeffyy yy\r\nyy\r\n')
    expect(await call(editFileTool, { path: 'b.txt', old_text: 'x', new_text: 'y' })).toMatchObject({
      code: 'not_found',
    })
  })
})

describe('list_files', () => {
  const files = {
    'b.ts': '1',
    'a/x.ts': '22',
    'a/y.md': '',
    'a/deep/z.test.ts': '',
    'node_modules/p/i.ts': '',
    '.git/HEAD': '',
  }
  const paths = (outcome: object) =>
    (outcome as { output: { entries: { path: string }[] } }).output.entries.map(({ path }) => path)

  test('one folder, sorted; deeper when asked', async () => {
    const { call } = await makeYard(files)
    expect(await call(listFilesTool, {})).toEqual({
      ok: true,
      output: {
        path: '.',
        entries: [
          { path: 'a', type: 'folder' },
          { path: 'b.ts', type: 'file', bytes: 1 },
        ],
        truncated: false,
      },
    })
    expect(paths(await call(listFilesTool, { path: 'a', depth: 2 }))).toEqual([
      'deep',
      'deep/z.test.ts',
      'x.ts',
      'y.md',
    ])
    expect(await call(listFilesTool, { depth: 9, limit: 2 })).toMatchObject({ output: { truncated: true } })
    expect(paths(await call(listFilesTool, { path: 'node_modules', depth: 2 }))).toEqual(['p', 'p/i.ts'])
  })

  test.each([
    ['*.ts', ['a/deep/z.test.ts', 'a/x.ts', 'b.ts']],
    ['a/*.ts', ['a/x.ts']],
    ['a/**/*.ts', ['a/deep/z.test.ts', 'a/x.ts']],
    ['**/*.{md,test.ts}', ['a/deep/z.test.ts', 'a/y.md']],
    ['?.ts', ['a/x.ts', 'b.ts']],
    ['[a-z].ts', []],
    ['a', []],
  ])('glob %s', async (glob, wanted) => {
    const { call } = await makeYard(files)
    expect(paths(await call(listFilesTool, { glob }))).toEqual(wanted)
  })

  test('what is no folder', async () => {
    const { call } = await makeYard(files)
    for (const path of ['b.ts', 'nothing'])
      expect(await call(listFilesTool, { path })).toMatchObject({ code: 'not_found' })
  })
})

describe('search_files', () => {
  const files = { 'a.ts': 'let x = 1\nLET y\n', 'sub/b.md': 'a (b)\nlet z\r\n', bin: new Uint8Array([0, 1]) }

  test.each([
    [{ pattern: '^let \\w' }, ['a.ts:1:let x = 1', 'sub/b.md:2:let z']],
    [{ pattern: 'let', ignore_case: true, glob: '*.ts' }, ['a.ts:1:let x = 1', 'a.ts:2:LET y']],
    [{ pattern: '(b)', literal: true }, ['sub/b.md:1:a (b)']],
    [{ pattern: 'let', path: 'sub' }, ['sub/b.md:2:let z']],
    [{ pattern: 'let', path: 'a.ts' }, ['a.ts:1:let x = 1']],
    [{ pattern: 'nowhere' }, []],
  ])('%j', async (args, wanted) => {
    const { call } = await makeYard(files)
    const outcome = (await call(searchFilesTool, args)) as unknown as {
      output?: { matches: { [key: string]: string }[] }
    }
    expect(outcome.output?.matches.map(({ path, line, text }) => `${path}:${line}:${text}`)).toEqual(wanted)
  })

  test('a limit, and patterns that cannot be read', async () => {
    const { call } = await makeYard({ 'a.txt': 'x\n'.repeat(50), 'b.txt': `${'y'.repeat(1000)}x` })
    expect(await call(searchFilesTool, { pattern: 'x', limit: 10 })).toMatchObject({
      output: { matches: { length: 10 }, truncated: true },
    })
    expect(await call(searchFilesTool, { pattern: 'x', path: 'a.txt', limit: 50 })).toMatchObject({
      output: { truncated: false },
    })
    for (const pattern of ['(', '(?=x)', '(a)\\1'])
      expect(await call(searchFilesTool, { pattern })).toMatchObject({ code: 'bad_input', touched: 'no' })
  })

  test('S19 time grows with the text and not with the malice of the pattern', async () => {
    const { call } = await makeYard({ 'evil.txt': `${'a'.repeat(9_000)}!` })
    for (const pattern of ['(a+)+$', '(a|aa)+$', '(.*a){20}b', '([a-z]+)*=']) {
      const begun = performance.now()
      expect(await call(searchFilesTool, { pattern })).toMatchObject({ ok: true })
      expect(performance.now() - begun).toBeLessThan(10_000)
    }
  })
})

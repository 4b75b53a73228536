import { chmod, mkdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readEnvironment } from './env.ts'
import { parseEnv } from './env-parse.ts'
import { makeWorld } from './world.fixture.ts'

const read = (text: string) => Object.fromEntries(parseEnv(text, '.env').values)

describe('the .env notation', () => {
  it.each([
    ['A=1', { A: '1' }],
    ['export A=1', { A: '1' }],
    ['  A = spaced value  ', { A: 'spaced value' }],
    ['A=', { A: '' }],
    ['A= # only a comment', { A: '' }],
    ['A=value # comment', { A: 'value' }],
    ['A=val#ue', { A: 'val#ue' }],
    ['A="x # y" # z', { A: 'x # y' }],
    ["A='it is \\n literal $HOME'", { A: 'it is \\n literal $HOME' }],
    ['A="line\\nbreak \\"q\\" \\$5 \\d \\\\"', { A: 'line\nbreak "q" $5 \\d \\' }],
    ['A=$HOME/${X}', { A: '$HOME/${X}' }],
    ['A=`a "b" \'c\'`', { A: 'a "b" \'c\'' }],
    ['A=a=b==', { A: 'a=b==' }],
    ['A=1\nA=2', { A: '2' }],
    ['# c\n\n   \nA=1', { A: '1' }],
    ['\uFEFFA=1', { A: '1' }],
    ['A=1\rB=2', { A: '1', B: '2' }],
    ['export A', {}],
    ['KEY="-----BEGIN\nabc\n-----END"\nB=2', { KEY: '-----BEGIN\nabc\n-----END', B: '2' }],
    ['', {}],
  ])('%j', (text, expected) => {
    expect(read(text)).toEqual(expected)
    expect(parseEnv(text, '.env').problems).toEqual([])
  })

  it('B04 reads CRLF files, quoted values over several lines included', () => {
    expect(read('A=1\r\nB="x\r\ny"\r\n# c\r\nC=\'3\'\r\n')).toEqual({ A: '1', B: 'x\ny', C: '3' })
  })

  it.each(['just words', '=value', '1A=x', 'A="open', 'A="a" b', 'A B=c'])(
    'warns of %j with its line and never shows the line',
    (bad) => {
      const { values, problems } = parseEnv(`OK=1\n${bad}\nALSO=2`, 'f/.env')
      expect(values.get('OK')).toBe('1')
      expect(values.get('ALSO')).toBe('2')
      expect(problems).toMatchObject([{ code: 'config_invalid', file: 'f/.env', line: 2, severity: 'warning' }])
      expect(problems[0]?.message).not.toMatch(/words|value$|open$| b$/)
    },
  )

  it('B03 keeps names like __proto__ as plain names', () => {
    expect(parseEnv('__proto__=x\nconstructor=y', '.env').values.get('__proto__')).toBe('x')
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
  })
})

describe('the environment', () => {
  it('lets real variables win, then the nearest file', async () => {
    const world = await makeWorld({
      'work/sub/.env': 'A=cwd\nREAL=file\nEMPTY=file',
      '@/.env': 'A=dot\nB=dot',
      'work/.env': 'A=project\nB=project\nC=project',
      '~/.env': 'A=user\nD=user',
    })
    const before = { ...process.env }
    const env = { HOME: world.home, REAL: 'real', EMPTY: '' }
    const found = await readEnvironment(await world.paths({ cwd: world.at('work/sub') }), env)
    const names = ['A', 'B', 'C', 'D', 'REAL', 'EMPTY']
    expect(names.map((name) => found.values.get(name))).toEqual(['cwd', 'dot', 'project', 'user', 'real', ''])
    expect(found.files).toHaveLength(4)
    expect(process.env).toEqual(before)
  })

  it('warns of a file that cannot be used and reads the others', async () => {
    const world = await makeWorld({ '@/.env': new Uint8Array([0x41, 0x3d, 0xff]), 'work/.env': 'C=1' })
    await mkdir(world.at('~/.env'), { recursive: true })
    const found = await readEnvironment(await world.paths(), {})
    expect(found.values.get('C')).toBe('1')
    expect(found.problems.map(({ code, severity }) => [code, severity])).toEqual([
      ['file_unreadable', 'warning'],
      ['file_unreadable', 'warning'],
    ])
  })

  it.skipIf(process.getuid?.() === 0)('warns of a file without the right to read it', async () => {
    const world = await makeWorld({ 'work/.env': 'C=1' })
    await chmod(world.at('work/.env'), 0)
    const found = await readEnvironment(await world.paths(), {})
    expect(found.problems[0]?.message).toContain('EACCES')
  })
})

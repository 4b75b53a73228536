import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkName, checkRelativePath } from './name.ts'

const dots = [
  '..',
  '.',
  '...',
  '. .',
  '.. ',
  '..\u3002',
  '\uff0e\uff0e',
  '\u2024\u2024',
  '\u2026',
  '%2e%2e',
  '%2E%2e',
  '%252e%252e',
  '.%2e',
]
const slashes = ['/', '\\', '%2f', '%5c', '%252f', '\uff0f', '\uff3c', '\u2044x/']
const traversals = dots.flatMap((dot) => slashes.map((slash) => `${dot}${slash}x`))
const devices = [
  'CON',
  'con',
  'PRN',
  'AUX',
  'NUL',
  'nul.txt',
  'COM1',
  'com9.log',
  'LPT1',
  'lpt9',
  'CONIN$',
  'COM¹',
  'con .txt',
  'Aux.yaml',
]
const others = [
  '',
  ' ',
  '/etc/passwd',
  '/',
  '\\',
  'C:',
  'C:\\x',
  'c:x',
  'C:/x',
  '\\\\host\\share',
  '//host/share',
  '\\\\?\\C:\\x',
  'file:///x',
  '~',
  '~/x',
  '~root',
  '.hidden',
  '.git',
  'a\0b',
  'a\0',
  '\0',
  'a\nb',
  'a\rb',
  'a\tb',
  'a\u001bb',
  'a\u007fb',
  'a\u0085b',
  'name.',
  'name ',
  ' name',
  'name. .',
  'a\u202eb',
  'a\u202ab',
  'a\u2066b',
  'a\u200bb',
  'a\u200eb',
  'a\ufeffb',
  'a\u2028b',
  'a\u{e0041}b',
  'a\ud800b',
  'a<b',
  'a>b',
  'a"b',
  'a|b',
  'a?b',
  'a*b',
  'a:b',
  'a:$DATA',
  '-rf',
  '--help',
  'x'.repeat(201),
  'é'.repeat(101),
  'x'.repeat(4096),
  'a%00b',
  'a%2Fb',
  'a/../b',
  'a/./b',
  'a//b',
  '\u2100',
  'latest/../../x',
]
const payloads = [...dots, ...traversals, ...devices, ...others]

describe('B08 names and paths', () => {
  test(`B08 ${payloads.length} hostile names are refused with a code and a readable message`, () => {
    expect(payloads.length).toBeGreaterThanOrEqual(120)
    for (const payload of payloads) {
      const problem = checkName(payload)
      expect(problem?.code, JSON.stringify(payload)).toBe('name_refused')
      expect(problem?.message).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
      expect(problem?.message.length).toBeLessThan(200)
    }
  })

  test('B08 ordinary names of people in many languages pass', () => {
    for (const name of [
      'code-review',
      'a',
      'My Ensemble',
      'v1.2',
      'über_größe',
      '日本語',
      'console',
      'com10',
      'nullable',
      '100%',
      "it's",
      'x'.repeat(200),
    ])
      expect(checkName(name), name).toBeUndefined()
  })

  test('B08 property: an accepted name, joined to a root, stays one entry below the root', () => {
    const character = fc.oneof(
      fc.constantFrom(...'./\\:%2eE5cC~ \0'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    )
    fc.assert(
      fc.property(fc.array(character, { maxLength: 12 }), (characters) => {
        const name = characters.join('')
        if (checkName(name)) return
        const url = new URL(`file:///root/${name.replaceAll('#', '_')}`)
        expect(url.pathname.startsWith('/root/')).toBe(true)
        expect(url.pathname.split('/')).toHaveLength(3)
        expect(name.normalize('NFKC')).not.toMatch(/[/\\:\0]|^\.|\.$/)
      }),
      { numRuns: 2000 },
    )
  })

  test('B08 relative paths are names with slashes between', () => {
    expect(checkRelativePath('primitives/file-ops/read_file.py')).toBeUndefined()
    for (const path of ['../x', 'a/../x', '/a', 'a//b', 'a/', 'a\\b', 'a/CON', './a', 'a/%2e%2e/b'])
      expect(checkRelativePath(path)?.code, path).toBe('name_refused')
  })
})

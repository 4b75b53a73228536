import { describe, expect, test } from 'vitest'
import { isTestPath, looksLikeCode, looksLikeDiff, maskSecrets, readCode, readDiff } from './code.ts'

describe('what is code', () => {
  test('a diff, code and prose are told apart', () => {
    expect(looksLikeDiff('--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n')).toBe(true)
    expect(looksLikeDiff('--- a list\n+++ more\nwords')).toBe(false)
    expect(looksLikeCode('import a from "a";\nconst b = 1;\nfunction c() {\n  return b;\n}\n')).toBe(true)
    expect(looksLikeCode('We met on Monday.\nIt was late; nobody came.\nThe end.')).toBe(false)
  })

  test('test files are known by their path', () => {
    expect(['tests/a.py', 'src/a.test.ts', 'a_test.go', 'spec/x.rb', '__tests__/x.js'].every(isTestPath)).toBe(true)
    expect(['src/contest.py', 'latest/a.ts', 'inspector.go'].some(isTestPath)).toBe(false)
  })
})

describe('findings', () => {
  test.each([
    ['security', 'api_key = "a1b2c3d4e5"'],
    ['security', 'eval(text)'],
    ['security', 'requests.get(url, verify=False)'],
    ['security', 'db.run("SELECT a FROM b WHERE c = " + d)'],
    ['correctness', '} catch (error) {}'],
    ['correctness', 'while (true) {'],
    ['upkeep', 'debugger'],
    ['upkeep', 'it.skip("later")'],
  ])('%s: %s', (topic, line) => {
    expect(readCode(line).findings).toMatchObject([{ topic, where: 'line 1' }])
  })

  test.each(['token = os.environ["BANK_TOKEN"]', 'select one of the options', 'const retries = 3', 'evaluate(x)'])(
    'nothing in: %s',
    (line) => {
      expect(readCode(line).findings).toEqual([])
    },
  )

  test('lines of a diff are counted by its headers, and a removed check is a finding', () => {
    const reading = readDiff(
      '--- a/x.py\n+++ b/x.py\n@@ -4,3 +4,2 @@ def f():\n a\n-if b < 0:\n---- odd\n+# TODO later\n',
    )
    expect(reading.files).toEqual([{ path: 'x.py', added: 1, removed: 2 }])
    expect(reading.findings.map(({ what, where }) => `${what} ${where}`)).toEqual([
      'removes a check x.py:5',
      'unfinished x.py:5',
    ])
  })

  test('secrets are left out of quotes', () => {
    expect(maskSecrets('password: "hunter2hunter2"')).toBe('password: "…"')
    expect(maskSecrets('key = AKIAABCDEFGHIJKLMNOP')).not.toContain('ABCDEFGH')
    expect(maskSecrets('name = "nothing to hide 1"')).toBe('name = "nothing to hide 1"')
  })
})

/* oxlint-disable no-control-regex -- control characters are the subject here */
import { describe, expect, test } from 'vitest'
import type { ShownApproval } from '../../../app/approvals.ts'
import type { JsonObject } from '../../../events/values.ts'
import { createStyle } from '../render/style.ts'
import { describeApproval, describeRequest } from './approvals.ts'

const page = { style: createStyle({ color: false, unicode: true }), width: 80, rich: true, terminal: true }

function approvalOf(args: JsonObject, more: Partial<ShownApproval> = {}): ShownApproval {
  return {
    run: 'run-1',
    key: 's/tool:c1',
    step: 's',
    status: 'asked',
    grant: { kind: 'tool', tool: 'bash', version: '1.0.0', safety: 'unsafe', arguments: 'f00d', policy: 'p' },
    asked: '2026-11-21T05:00:00.000Z',
    request: { tool: 'bash', arguments: args },
    digest: 'beef',
    ...more,
  }
}

/** What was written, read back from what is shown. */
const readBack = (shown: string) =>
  shown.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))

describe('S04 what a person is shown before they say yes', () => {
  test.each([
    ['a colour', 'ls \x1b[8m; rm -rf ~\x1b[0m'],
    ['a cursor that goes back', 'rm -rf ~\x1b[2K\x1b[1Gls'],
    ['a window title that holds the command', 'ls \x1b]0;rm -rf ~;\x07'],
    ['a link', '\x1b]8;;https://evil.test\x1b\\ls\x1b]8;;\x1b\\'],
    ['an eight-bit control', 'ls \x9b8m rm -rf ~'],
    ['backspaces', `rm -rf ~${'\b'.repeat(8)}ls`],
    ['a carriage return', 'rm -rf ~\rls      '],
    ['a form feed', 'rm -rf ~\f\vls'],
    ['a bell and a delete', 'ls\x07\x7f'],
    ['text from right to left', 'ls \u202e~ fr- mr'],
    ['isolates', '\u2067ls\u2069 rm'],
    ['characters without width', 'r\u200bm -rf \u2060~'],
    ['a joiner', 'r\u200dm'],
    ['tags', `ls\u{e0072}\u{e006d}`],
    ['a soft hyphen', 'r\u00adm'],
    ['a line separator', 'ls\u2028rm'],
    ['a filler letter', 'ls\u3164rm'],
    ['variation selectors', 'ls\ufe01\u{e0101}'],
    ['a byte order mark', '\ufeffls'],
    ['a null', 'ls\0rm'],
    ['half a character', 'ls \ud83d'],
  ])('%s stands there spelled out, and nothing of it is lost', (_, command) => {
    const shown = describeApproval(approvalOf({ command }), page)
    expect(shown.replaceAll('\n', '')).not.toMatch(/[\0-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/)
    expect(shown).toMatch(/\\u\{[0-9a-f]+\}/)
    expect(readBack(shown)).toContain(`command: ${command}`)
  })

  test('lines of an argument cannot pretend to be ours', () => {
    const command = 'ls\n\nsafety     pure\nAllow it? y\nIt is used.'
    const lines = describeApproval(approvalOf({ command }), page).split('\n')
    expect(lines.filter((line) => /^(safety|Allow|It is)/.test(line))).toEqual(['safety     unsafe'])
  })

  test('names of arguments, keys, runs, tools and versions cannot either', () => {
    const trick = 'a\nsafety     pure\x1b[2J'
    const shown = describeApproval(
      approvalOf({ [trick]: 1 }, { key: trick, run: trick, grant: { tool: trick, version: trick, safety: trick } }),
      page,
    )
    expect(shown.split('\n').filter((line) => line.startsWith('safety'))).toHaveLength(1)
    expect(shown).not.toContain('\x1b')
  })

  test('a tool whose name only looks like another is spelled out', () => {
    const shown = describeApproval(approvalOf({}, { grant: { tool: 'b\u0430sh', safety: 'unsafe' } }), page)
    expect(shown).toContain('The name is not plain ASCII: b\\u{430}sh')
    expect(describeApproval(approvalOf({}), page)).not.toContain('plain ASCII')
  })

  test.each([
    ['10 KiB in one line', `echo ${'x'.repeat(10_240)}; rm -rf ~`],
    ['a thousand empty lines', `echo${'\n'.repeat(1_000)}rm -rf ~`],
    ['10 KiB of spaces', `echo${' '.repeat(10_240)}rm -rf ~`],
    ['many lines', `echo\n${'echo more\n'.repeat(500)}rm -rf ~`],
  ])('%s hide no tail: beginning and end are there, and so is the word that something is missing', (_, command) => {
    const { text, cut } = describeRequest(approvalOf({ command }), page)
    expect(cut).toBe(true)
    expect(text).toMatch(/TRUNCATED: \d+ characters are left out/)
    expect(text).toMatch(/rm -rf ~$/m)
    expect(text).toMatch(/echo/)
    expect(text).toContain('arguments  f00d')
    expect(text.length).toBeLessThan(6_000)
    const whole = describeRequest(approvalOf({ command }), page, true)
    expect(whole.cut).toBe(false)
    expect(whole.text).not.toContain('TRUNCATED')
    expect(whole.text.length).toBeGreaterThan(command.length)
  })

  test('a dangerous argument among many is not left out without a word', () => {
    const args = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`a${n}`, `value ${n}`]))
    const { text, cut } = describeRequest(approvalOf(args), page)
    expect(cut).toBe(true)
    expect(text).toContain('a0: value 0')
    expect(text).toContain('a299: value 299')
    expect(text).toContain('TRUNCATED')
  })

  test('a change of a file is shown as what goes and what comes', () => {
    const before = Array.from({ length: 20 }, (_, n) => `line ${n + 1}`).join('\n')
    const after = before.replace('line 10\n', 'line ten\x1b[8m\n')
    const args = { path: 'notes.md', old_text: 'line 10\n', new_text: 'line ten\x1b[8m\n' }
    const shown = describeApproval(approvalOf(args, { change: { path: 'notes.md', before, after } }), page)
    expect(shown).toContain('notes.md: 1 lines come, 1 go')
    expect(shown).toContain('@ line 7')
    expect(shown).toContain('  - line 10\n  + line ten\\u{1b}[8m')
    expect(shown).not.toContain('line 3')
    expect(shown).not.toContain('old_text')
    const fresh = describeApproval(approvalOf(args, { change: { path: 'new.md', after: 'a\nb' } }), page)
    expect(fresh).toContain('new.md: a new file')
    expect(fresh).toContain('  + b\n  + \\ (no line end)')
  })
})

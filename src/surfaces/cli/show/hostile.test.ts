/* oxlint-disable no-control-regex -- control characters are the subject here */
import { describe, expect, test } from 'vitest'
import type { Event } from '../../../events/event.ts'
import { stringifyClean } from '../../../events/views/clean.ts'
import { toExecution } from '../../../events/views/execution.ts'
import { createReport } from '../../../events/views/report.ts'
import { inline, NASTY_OUTPUTS, planned, SampleJournal } from '../../../events/views/sample-events.ts'
import { describeEvent } from '../event-line.ts'
import { writeLine } from '../faces.ts'
import { createOlderLines } from '../older-lines.ts'
import { createStyle } from '../render/style.ts'
import { describeRequest } from './approvals.ts'
import type { Page } from './page.ts'
import { RESULTS } from './results.fixture.ts'
import { showQuestion } from './run.ts'
import { showResult } from './shows.ts'
import { HOSTILE } from './tool-results.fixture.ts'

const plain = createStyle({ color: false, unicode: true })
const color = createStyle({ color: true, unicode: true })
const PAGES: readonly Page[] = [
  { style: plain, width: 60, rich: true, terminal: true },
  { style: color, width: 12, rich: true, terminal: true },
  { style: plain, rich: false, terminal: true },
]
const RAW = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/
/** What our own dress puts in: colours only. */
const undress = (text: string) => text.replace(/\x1b\[\d+m/g, '')

type Place = readonly (string | number)[]

/** Where in a result texts stand. */
function findTexts(value: unknown, at: Place = []): Place[] {
  if (typeof value === 'string') return [at]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, field]) => findTexts(field, [...at, name]))
}

function replaceText(value: unknown, [name, ...rest]: Place, text: string): unknown {
  if (name === undefined) return text
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as { [name: string]: unknown }
  copy[name] = replaceText(copy[name], rest, text)
  return copy
}

function replaceHostile(value: unknown, text: string): unknown {
  if (typeof value === 'string') return value.replaceAll(HOSTILE, () => text)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each) => replaceHostile(each, text))
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, replaceHostile(field, text)]))
}

/** Words of our own that a look cannot be without. */
const OURS = /^(import imports\.0\.report\.\d\.level|runs bisect between|runs upgrade (steps\.\d+\.)?verdict)$/

let shown = 0

async function expectTame(operation: string, result: unknown): Promise<void> {
  for (const page of PAGES) {
    const { text, aside = '' } = await showResult(operation, result, page)
    const all = page.style === color ? undress(text + aside) : text + aside
    if (RAW.test(all) || !all.isWellFormed()) expect.fail(`${operation}: ${JSON.stringify(all)}`)
    shown += 1
  }
}

describe('S21: no output commands the terminal', () => {
  test.each(Object.keys(RESULTS))('in %s: each of the outputs, wherever strangers put some', async (operation) => {
    for (const nasty of NASTY_OUTPUTS) await expectTame(operation, replaceHostile(RESULTS[operation], nasty))
  })

  test.each(Object.keys(RESULTS))('in %s: in any text at all', async (operation) => {
    for (const place of findTexts(RESULTS[operation])) {
      if (OURS.test(`${operation} ${place.join('.')}`)) continue
      for (const text of [HOSTILE, '\x1b]52;c;ZXZpbA==\x07\x1b]8;;http://evil.test\x1b\\x'])
        await expectTame(operation, replaceText(RESULTS[operation], place, text))
    }
  })

  test('counted', () => {
    console.info(`S21: ${NASTY_OUTPUTS.length} outputs, ${Object.keys(RESULTS).length} results, ${shown} drawings`)
    expect(NASTY_OUTPUTS.length).toBeGreaterThanOrEqual(50)
  })
})

function tellAll(nasty: string): readonly Event[] {
  const journal = new SampleJournal().start([planned('a'), planned(nasty)], { name: nasty, input: nasty })
  journal
    .begin(nasty)
    .route(nasty, { model: nasty, provider: nasty, profile: nasty, reason: 'fallback', from: nasty, because: nasty })
    .intend(nasty, nasty)
    .add('effect-failed', {
      key: nasty,
      code: nasty,
      message: nasty,
      detail: inline(nasty),
      touched: 'yes',
      retry: false,
    })
    .fail(nasty, { message: nasty, code: nasty })
    .begin('a')
    .finish('a', nasty)
    .add('effect-unknown', { key: nasty, step: nasty })
    .add('run-paused', { asks: [nasty] })
    .end('failed', { reason: nasty })
  return journal.events
}

describe('S21: nor its lines', () => {
  test.each(NASTY_OUTPUTS.map((nasty) => [stringifyClean(nasty), nasty]))('%s', (_, nasty) => {
    const events = tellAll(nasty)
    for (const event of events) {
      // One event is one line, whatever stands in it: nobody writes lines of their own into a log.
      expect(describeEvent(event, plain)).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/)
      expect(stringifyClean(event)).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
    }
    let lines = ''
    const older = createOlderLines((text) => (lines += text))
    for (const event of events) older.event(event)
    const report = createReport(events)
    older.finish(report)
    older.stop()
    expect(lines).not.toMatch(RAW)
    for (const line of lines.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow()
    expect(stringifyClean(toExecution(report), 2)).not.toMatch(RAW)
  })
})

test('S21: the log of a server has one line where it was told one', () => {
  for (const nasty of NASTY_OUTPUTS) {
    const [first, ...rest] = writeLine(`req-1 ${nasty}\r2026 Listening at http://evil.test\u2028x`)
      .trimEnd()
      .split('\n')
    expect(first).toMatch(/^req-1 ?/)
    expect(rest.every((line) => line.startsWith('  '))).toBe(true)
    expect([first, ...rest].join('')).not.toMatch(/[\0-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/)
  }
})

test('S21: what a person is asked is what it says', () => {
  for (const nasty of NASTY_OUTPUTS) {
    const approval = {
      run: nasty,
      key: nasty,
      status: 'asked',
      grant: { tool: nasty, version: nasty, source: nasty, because: nasty, arguments: nasty, safety: 'unsafe' },
      request: { arguments: { [nasty]: nasty, content: nasty } },
      change: { path: nasty, before: nasty, after: `${nasty}\n${nasty}` },
      digest: 'd',
    }
    for (const page of PAGES) {
      const words = [
        describeRequest(approval as never, page).text,
        describeRequest(approval as never, page, true).text,
        showQuestion({ key: nasty, question: nasty, options: [nasty] } as never, page),
      ]
      for (const each of words) expect(undress(each)).not.toMatch(RAW)
    }
  }
})

/* oxlint-disable no-control-regex -- control characters are the subject here */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { progressView } from '../../../events/views/progress.ts'
import {
  makeRandomRun,
  NASTY_OUTPUTS,
  planned,
  SampleJournal,
  seedRandom,
} from '../../../events/views/sample-events.ts'
import { foldEvents } from '../../../events/views/view.ts'
import { createLive, type ProgressMode } from './live.ts'
import { drawBar, drawInline } from './progress-lines.ts'
import { createStyle } from './style.ts'
import { measure } from './width.ts'

const style = createStyle({ color: false, unicode: false })
const START = Date.UTC(2026, 0, 2, 3, 4, 5)

/** A stream that remembers, and a terminal that obeys what Live writes. */
function listen(
  mode: ProgressMode,
  { isTTY, columns = 80, rows = 24 }: { isTTY: boolean; columns?: number; rows?: number },
) {
  let written = ''
  const stream = { isTTY, columns, rows, write: (text: string) => (written += text) }
  const live = createLive({ stream, mode, style, clock: () => START + 1500, interval_ms: 0 })
  const screen = () => {
    const lines: string[] = ['']
    for (const part of written.split(/(\r\x1b\[\d+A\x1b\[J|\n)/)) {
      const up = /\x1b\[(\d+)A/.exec(part)?.[1]
      if (up !== undefined) lines.splice(lines.length - 1 - Number(up), Infinity, '')
      else if (part === '\n') lines.push('')
      else lines[lines.length - 1] += part
    }
    return lines
  }
  return { live, screen, written: () => written }
}

const twoOfThree = () => {
  const journal = new SampleJournal()
    .start([planned('a'), planned('b'), planned('c', ['a'])])
    .begin('a')
    .begin('b')
  return journal.route('b', { model: 'm1', provider: 'p' }).finish('a')
}

test('a terminal that does not know its size is taken for one of 80 columns', () => {
  const unknown = listen('inline', { isTTY: true, columns: 0, rows: 0 })
  const usual = listen('inline', { isTTY: true })
  for (const { live } of [unknown, usual]) {
    for (const event of twoOfThree().events) live.event(event)
    live.draw()
  }
  expect(unknown.screen()).toEqual(usual.screen())
})

test('what is said beside the progress stays, and the block goes on below it', () => {
  const { live, screen } = listen('inline', { isTTY: true })
  for (const event of twoOfThree().events) live.event(event)
  live.draw()
  const block = screen()
  live.say('Stopping.\n')
  expect(screen()).toEqual(['Stopping.', ...block.map((line) => line.replace('|', '/'))])
  live.draw()
  live.stop()
  live.say('Over.\n')
  expect(screen()).toEqual(['Stopping.', 'Over.', ''])
  const pipe = listen('inline', { isTTY: false })
  pipe.live.say('Stopping.\n')
  expect(pipe.written()).toBe('Stopping.\n')
})

test('inline shows a bar and a line per step, redrawn in place', () => {
  const { live, screen } = listen('inline', { isTTY: true })
  for (const event of twoOfThree().events) {
    live.event(event)
    live.draw()
  }
  live.delta('b', 'x'.repeat(1234))
  live.draw()
  expect(screen()).toEqual([
    '#######............. 33%  1/3  1.50s  demo',
    '+ a  0.03s',
    expect.stringMatching(/^[|/\\-] b {2}1\.47s {2}m1 {2}1,234 characters$/),
    '. c',
    '',
  ])
  live.stop()
  expect(screen()).toEqual([''])
  live.draw()
  expect(screen()).toEqual([''])
})

test('bar is one line', () => {
  const { live, screen } = listen('bar', { isTTY: true })
  for (const event of twoOfThree().events) live.event(event)
  live.draw()
  expect(screen()).toEqual([`${'#'.repeat(13)}${'.'.repeat(27)} 33%  1/3  1.50s  demo`, ''])
})

test.each(['inline', 'bar'] as const)('B17: %s says nothing in a pipe', (mode) => {
  const { live, written } = listen(mode, { isTTY: false })
  for (const event of twoOfThree().events) {
    live.event(event)
    live.draw()
  }
  live.stop()
  expect(written()).toBe('')
})

test('json writes every event, and the counts when they change', () => {
  const { live, written } = listen('json', { isTTY: false })
  const { events } = twoOfThree()
  for (const event of events) live.event(event)
  const lines = written()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.filter(({ type }) => type !== 'progress')).toEqual(events)
  expect(lines.at(-1)).toEqual({
    type: 'progress',
    data: {
      totalSubtasks: 3,
      completedSubtasks: 1,
      inProgressSubtasks: 1,
      waitingSubtasks: 1,
      failedSubtasks: 0,
      progressPercentage: 33,
      activeAgents: ['b'],
      subtasks: [
        { id: 'a', status: 'succeeded' },
        { id: 'b', status: 'running' },
        { id: 'c', status: 'waiting' },
      ],
      timestamp: '2026-01-02T03:04:06.500Z',
    },
  })
})

test('a small terminal shows what is busy', () => {
  const steps = Array.from({ length: 50 }, (_, n) => planned(`s${n}`))
  const journal = new SampleJournal().start(steps).begin('s30').begin('s40')
  const lines = drawInline(foldEvents(progressView, journal.events), {
    style,
    width: 80,
    rows: 5,
    now: START,
    frame: 0,
  })
  expect(lines).toHaveLength(4)
  expect(lines.slice(1)).toEqual(
    [expect.stringContaining('s30'), expect.stringContaining('s40'), '  and 48 more'].slice(0, 3),
  )
})

test('inline: an agent tells of the steps below it; only those under way have lines of their own', () => {
  const journal = new SampleJournal()
    .start([planned('measure', [], 'each'), planned('sum', ['measure'])])
    .begin('measure')
  const items = [0, 1, 2].map((n) => planned(`measure[${n}]`))
  journal.add('steps-added', { step: 'measure', attempt: 1, proposal: 'items', steps: items })
  journal.begin('measure[0]').fail('measure[0]').begin('measure[1]')
  const lines = drawInline(foldEvents(progressView, journal.events), {
    style,
    width: 80,
    rows: 20,
    now: START,
    frame: 0,
  })
  expect(lines.map((line) => line.replace(/ {2}\d\S*s(?= |$)/, ''))).toEqual([
    expect.stringContaining(' 17%  0/2'),
    '| measure  1 of 3 items  1 failed',
    '  | [1]',
    '. sum',
  ])
})

test('who waits for a person is said', () => {
  const journal = new SampleJournal()
    .start([planned('a')])
    .begin('a')
    .intend('a', 'a/ask', 'ask')
  const lines = drawInline(foldEvents(progressView, journal.events), {
    style,
    width: 80,
    rows: 20,
    now: START,
    frame: 0,
  })
  expect(lines.at(-1)).toBe('? question a waits for you')
})

test('B17: at any width, height and state no line fills the terminal and no drawing is higher than it', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 12 }), (seed, width, rows) => {
      const state = foldEvents(progressView, makeRandomRun(seedRandom(seed)))
      const screen = { style, width, rows, now: START + 5000, frame: 3 }
      for (const lines of [drawInline(state, screen), drawBar(state, screen)]) {
        expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows))
        for (const line of lines) expect(measure(line)).toBeLessThanOrEqual(Math.max(1, width - 1))
      }
    }),
    { numRuns: 300 },
  )
})

test('S21: names and models cannot command the terminal', () => {
  for (const nasty of NASTY_OUTPUTS) {
    const journal = new SampleJournal()
      .start([planned(nasty)], { name: nasty })
      .begin(nasty)
      .route(nasty, { model: nasty })
    for (const mode of ['inline', 'bar', 'json'] as const) {
      const { live, written } = listen(mode, { isTTY: true })
      for (const event of journal.events) live.event(event)
      live.draw()
      expect(written()).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/)
    }
  }
})

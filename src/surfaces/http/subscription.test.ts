import { afterAll, beforeAll, expect, test } from 'vitest'
import type { App } from '../../app/app.ts'
import { createApp } from '../../app/create-app.ts'
import { createRunHost } from '../../app/run-host.ts'
import { RunFrames } from './frames.ts'
import { LiveQueue } from './live-queue.ts'
import { makeServedProject } from './serve.fixture.ts'
import { writeRecord } from './storm.fixture.ts'
import { Subscription } from './subscription.ts'

let app: App
beforeAll(async () => {
  app = await createApp(makeServedProject())
})
afterAll(() => app.close())

async function subscribe(run: string, count: number) {
  const { journal } = await app.openJournal()
  await writeRecord(journal, run, { count, bytes: 300 })
  const host = createRunHost(app)
  const subscription = new Subscription(run, 0, { host, frames: new RunFrames(host, () => app.redact) })
  const { events, delta } = host.watch(run)
  return {
    subscription,
    /** The run has got as far as this event. */
    reach: async (seq: number) => {
      for await (const event of host.read(run, seq, seq)) events?.([event])
    },
    say: (text: string, type: 'text' | 'reasoning' = 'text') => delta?.('s', 1, { type, text }),
  }
}

async function readAll(subscription: Subscription) {
  const told: unknown[] = []
  for (;;) {
    const portion = await subscription.next(1_000)
    if (portion.type === 'end' || portion.type === 'quiet') return told
    if (portion.type === 'live') told.push(...portion.texts.map(({ delta }) => delta.text))
    else told.push(...portion.page.list().map(({ seq }) => seq))
  }
}

test('live text stands where it was said, however late its reader is', async () => {
  const { subscription, reach, say } = await subscribe('told', 5)
  await reach(2)
  say('one ')
  say('two')
  await reach(4)
  say('three')
  await reach(5)
  expect(await readAll(subscription)).toEqual([1, 2, 'one two', 3, 4, 'three', 5])
})

test('F28 what waits for a slow reader has a limit in bytes', async () => {
  const { subscription, reach, say } = await subscribe('slow', 3)
  await reach(2)
  // A piece costs more than its letters, and a letter more than one byte.
  for (let n = 0; n < 20_000; n += 1) say('x', n % 2 === 0 ? 'text' : 'reasoning')
  for (let n = 0; n < 2_000; n += 1) say('é'.repeat(1_000))
  await reach(3)
  const told = await readAll(subscription)
  const texts = told.filter((each) => typeof each === 'string')
  expect(texts.length).toBeLessThan(10_000)
  expect(Buffer.byteLength(texts.join(''))).toBeLessThanOrEqual(1024 * 1024)
  expect(told.filter((each) => typeof each === 'number')).toEqual([1, 2, 3])
})

test('there is room again when it was taken', () => {
  const queue = new LiveQueue()
  const hear = (text: string) =>
    queue.hear({ run: 'r', step: 's', attempt: 1, after: 1, delta: { type: 'text', text } })
  for (let n = 0; n < 3; n += 1) {
    hear('y'.repeat(1_000_000))
    hear('z'.repeat(1_000_000))
    expect(queue.take(0)).toEqual([])
    expect(queue.take(1).map(({ delta }) => delta.text.length)).toEqual([1_000_000])
  }
})

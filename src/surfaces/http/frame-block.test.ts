import { describe, expect, test } from 'vitest'
import type { Event } from '../../events/event.ts'
import { FrameBlock } from './frame-block.ts'

function add(block: FrameBlock, seq: number, text = 'ü'): void {
  const event = { seq, type: seq === 300 ? 'run-finished' : 'note-written' } as Event
  block.add(event, JSON.stringify({ seq, text }))
}

const say = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('utf8')

describe('blocks of frames', () => {
  test('a page begins anywhere, and is a window on the same bytes', () => {
    const block = new FrameBlock(129)
    expect(block.cut(129)).toBeUndefined()
    for (const seq of [129, 130, 131]) add(block, seq)
    const page = block.cut(130)
    expect(say(page?.bytes)).toBe(
      'id: 130\nevent: note-written\ndata: {"seq":130,"text":"ü"}\n\nid: 131\nevent: note-written\ndata: {"seq":131,"text":"ü"}\n\n',
    )
    expect(page).toMatchObject({ last: 131, ended: false })
    expect(page?.bytes.buffer).toBe(block.cut(129)?.bytes.buffer)
    expect(block.cut(132)).toBeUndefined()
  })

  test('I21 a page stays as it was while its block grows, moves and is trimmed', () => {
    const block = new FrameBlock(1)
    add(block, 1)
    const page = block.cut(1)
    const before = say(page?.bytes)
    for (let seq = 2; seq <= 100; seq += 1) add(block, seq, 'x'.repeat(1_000))
    block.trim()
    expect(say(page?.bytes)).toBe(before)
    expect(page?.list()).toEqual([{ seq: 1, json: '{"seq":1,"text":"ü"}' }])
    expect(block.size).toBe(block.cut(1)?.bytes.length)
    expect(
      block
        .cut(99)
        ?.list()
        .map(({ seq }) => seq),
    ).toEqual([99, 100])
  })

  test('the end of the run is told', () => {
    const block = new FrameBlock(300)
    add(block, 300)
    expect(block.cut(300)).toMatchObject({ last: 300, ended: true })
  })
})

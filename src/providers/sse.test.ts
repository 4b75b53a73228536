import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventReader } from './sse.ts'

describe('server-sent events', () => {
  test.for([
    ['events', '\ufeff: hello\n\ndata: Grüße, \n\ndata: 世界 🌍!\r\n\r\ndata: [DONE]\r\r'],
    ['named', 'event: a\r\ndata: {"x":"ü"}\r\n\r\nevent: b\r\ndata: 🌍\r\n\r\n'],
    ['many lines', 'event: x\rdata: a\rdata:b\r\r:c\r\ndata\r\n\r\nid: 1\ndata:  two\n\n\n\ndata: Ü\u2028\n\n'],
  ])('B11 the reader gives the same %s for every cut, byte by byte too', ([, stream]) => {
    const bytes = Buffer.from(stream as string)
    const whole = new EventReader().push(bytes)
    expect(whole.length).toBeGreaterThan(1)
    for (let at = 0; at <= bytes.length; at++) {
      const reader = new EventReader()
      expect([...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at))]).toEqual(whole)
    }
    const reader = new EventReader()
    expect(Array.from(bytes, (_, at) => reader.push(bytes.subarray(at, at + 1))).flat()).toEqual(whole)
  })

  test('B11 it reads like another parser of the same format', () => {
    const line = fc.oneof(
      fc.constantFrom(
        '',
        ':',
        'data',
        'data:',
        'data: ',
        'event: x',
        'id: 1',
        'retry: abc',
        'nonsense',
        'data:x',
        'da',
        'ta: 1',
      ),
      fc.string().map((value) => `data: ${value.replace(/[\r\n]/g, '')}`),
    )
    const ends = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(fc.array(fc.tuple(line, ends), { maxLength: 30 }), fc.nat(), (lines, cut) => {
        const stream = `${lines.flat().join('')}\n\n`
        const expected: { event?: string; data: string }[] = []
        const parser = createParser({
          onEvent: ({ event: name, data }) => expected.push({ ...(name ? { event: name } : {}), data }),
        })
        parser.feed(stream)
        const bytes = Buffer.from(stream)
        const at = cut % (bytes.length + 1)
        const reader = new EventReader()
        expect([...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at))]).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })
})

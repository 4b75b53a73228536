import { describe, expect, it } from 'vitest'
import { CappedBytes } from './capped-bytes.ts'

function keep(limit: number, ...chunks: string[]): CappedBytes {
  const bytes = new CappedBytes(limit)
  for (const chunk of chunks) bytes.add(Buffer.from(chunk))
  return bytes
}

describe('CappedBytes', () => {
  it('keeps everything up to the limit', () => {
    expect(keep(10, '01234', '56789').text()).toBe('0123456789')
    expect(keep(10, '0123456789').truncated).toBe(false)
    expect(keep(10).text()).toBe('')
  })

  it('keeps the first and the last half, however the bytes arrive', () => {
    const text = Array.from({ length: 997 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('')
    const expected = `${text.slice(0, 50)}\n[... 896 bytes left out ...]\n${text.slice(-51)}`
    for (const size of [1, 3, 49, 50, 51, 100, 101, 102, 500, 997]) {
      const chunks = text.match(new RegExp(`.{1,${size}}`, 'g')) ?? []
      expect(keep(101, ...chunks).text(), `chunks of ${size}`).toBe(expected)
    }
  })

  it('makes invalid UTF-8 well-formed, also where the middle is cut out of a character', () => {
    const bytes = new CappedBytes(100)
    bytes.add(Buffer.from([0x61, 0xff, 0xc3, 0x28, 0x62]))
    expect(bytes.text()).toBe('a\ufffd\ufffd(b')
    expect(keep(7, '\u{1f600}'.repeat(9)).text().isWellFormed()).toBe(true)
  })
})

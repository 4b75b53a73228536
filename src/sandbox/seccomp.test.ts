import { describe, expect, it } from 'vitest'
import { buildFilter } from './seccomp.ts'
import { CALLS, type FilterArch } from './seccomp-calls.ts'

const ALLOWED = 'allowed'

/** Runs a filter as the kernel does, for one call. */
function ask(filter: Buffer, machine: number, number: number, args: readonly number[] = []): string {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(machine, 4)
  for (const [index, value] of args.entries()) data.writeUInt32LE(value >>> 0, 16 + 8 * index)
  let accumulator = 0
  for (let at = 0; at < filter.length / 8; at++) {
    const code = filter.readUInt16LE(at * 8)
    const value = filter.readUInt32LE(at * 8 + 4)
    const jump = (holds: boolean) => (at += filter.readUInt8(at * 8 + (holds ? 2 : 3)))
    if (code === 0x20) accumulator = data.readUInt32LE(value)
    else if (code === 0x15) jump(accumulator === value)
    else if (code === 0x35) jump(accumulator >= value)
    else if (code === 0x45) jump((accumulator & value) !== 0)
    else if (value === 0x7fff0000) return ALLOWED
    else return value === 0x80000000 ? 'killed' : `error ${value & 0xffff}`
  }
  throw new Error('the filter ran out')
}

describe.each(['x64', 'arm64'] as const)('filter of system calls: %s', (arch: FilterArch) => {
  const calls = CALLS[arch]
  const closed = buildFilter(arch, { network: false })
  const open = buildFilter(arch, { network: true })
  const tell = (number: number, args: readonly number[] = [], filter = closed) =>
    ask(filter, calls.machine, number, args)

  it('refuses every denied call, and those that hide their flags', () => {
    expect(Object.values(calls.denied).map((number) => tell(number))).toEqual(
      Object.values(calls.denied).map(() => 'error 1'),
    )
    expect([tell(435), tell(437)]).toEqual(['error 38', 'error 38'])
  })

  it('kills what speaks for another machine', () => {
    expect(ask(closed, 0x40000003, 1)).toBe('killed')
    expect(ask(closed, CALLS[arch === 'x64' ? 'arm64' : 'x64'].machine, 1)).toBe('killed')
    if (arch === 'x64') expect(tell(0x40000000 + 56)).toBe('error 38')
  })

  it('allows processes and threads, not namespaces', () => {
    expect(tell(calls.clone, [17])).toBe(ALLOWED)
    expect(tell(calls.clone, [0x3d0f00])).toBe(ALLOWED)
    for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
      expect(tell(calls.clone, [flag | 17])).toBe('error 1')
  })

  it('allows no socket, or those of the internet and the way to the relay', () => {
    expect([1, 2, 10, 16, 17, 40].map((family) => tell(calls.socket, [family]))).toEqual(Array(6).fill('error 97'))
    expect([1, 2, 10].map((family) => tell(calls.socket, [family], open))).toEqual(Array(3).fill(ALLOWED))
    expect([3, 16, 17, 38, 40].map((family) => tell(calls.socket, [family], open))).toEqual(Array(5).fill('error 97'))
    expect([tell(calls.socketpair, [1]), tell(calls.socketpair, [2])]).toEqual([ALLOWED, 'error 97'])
  })

  it('puts no words into terminals', () => {
    expect([0x5412, 0x541c].map((request) => tell(calls.ioctl, [0, request]))).toEqual(['error 1', 'error 1'])
    expect(tell(calls.ioctl, [0, 0x5401])).toBe(ALLOWED)
  })

  it('makes no file that lends rights', () => {
    for (const [number, mode] of Object.values(calls.modes)) {
      const args = (value: number) => Array.from({ length: 6 }, (_, index) => (index === mode ? value : 0))
      expect([0o755, 0o4755, 0o2755].map((value) => tell(number, args(value)))).toEqual([ALLOWED, 'error 1', 'error 1'])
    }
    for (const [number, flags, mode] of Object.values(calls.opens)) {
      const args = (flag: number) =>
        Array.from({ length: 6 }, (_, at) => (at === flags ? flag : at === mode ? 0o4755 : 0))
      expect([0, 0o100, 0o20000000].map((flag) => tell(number, args(flag)))).toEqual([ALLOWED, 'error 1', 'error 1'])
    }
  })

  it('is small: every call of a program goes through it', () => {
    expect(open.length).toBeLessThan(1800)
    expect(open.length - closed.length).toBe(3 * 8)
  })
})

import { CALLS, type FilterArch, HIDING } from './seccomp-calls.ts'

/** One instruction of classic BPF: `then` and `otherwise` are how many instructions to jump over. */
interface Instruction {
  readonly code: number
  readonly then?: number
  readonly otherwise?: number
  readonly value: number
}

const LOAD = 0x20
const IF_EQUAL = 0x15
const IF_AT_LEAST = 0x35
const IF_ANY_BIT = 0x45
const RETURN = 0x06

const ALLOW = 0x7fff0000
const KILL_PROCESS = 0x80000000
const refusal = (errno: number) => 0x00050000 | errno

const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97

// struct seccomp_data: number, machine, instruction pointer, six arguments of 64 bits, of which the low halves count here.
const NUMBER = 0
const MACHINE = 4
const argument = (index: number) => 16 + 8 * index

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
/** TIOCSTI and TIOCLINUX put words into the terminal of whoever looks on. */
const TYPING = [0x5412, 0x541c] as const
/** S_ISUID and S_ISGID: such a program would lend our user's rights to others. */
const SET_ID = 0o6000
/** O_CREAT and O_TMPFILE; without them the mode of an open is left over from elsewhere. */
const MAKES = 0o100 | 0o20000000
const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10

/**
 * A filter for the system calls of a sandboxed program, as the bytes of a `struct sock_filter[]`: what is not named is allowed, what
 * reaches other processes, keys, mounts, modules, clocks or fresh kernel surface is refused, so are files that lend rights, and calls of another machine end
 * the program. `network`: sockets of the internet and of the file system (the way to the relay); without it none at all.
 */
export function buildFilter(arch: FilterArch, { network }: { readonly network: boolean }): Buffer {
  const calls = CALLS[arch]
  const program: Instruction[] = [
    { code: LOAD, value: MACHINE },
    { code: IF_EQUAL, then: 1, value: calls.machine },
    { code: RETURN, value: KILL_PROCESS },
    { code: LOAD, value: NUMBER },
  ]
  if (calls.variant_from !== undefined)
    program.push(
      { code: IF_AT_LEAST, otherwise: 1, value: calls.variant_from },
      { code: RETURN, value: refusal(ENOSYS) },
    )
  const numbers = [...new Set(Object.values(calls.denied))].sort((a, b) => a - b)
  program.push(
    ...numbers.flatMap((number) => refuseCall(number, EPERM)),
    ...HIDING.flatMap((call) => refuseCall(call, ENOSYS)),
  )
  program.push(...inspect(calls.clone, 0, [{ code: IF_ANY_BIT, otherwise: 1, value: NAMESPACES >>> 0 }, stop(EPERM)]))
  program.push(
    ...inspect(
      calls.ioctl,
      1,
      TYPING.flatMap((value) => [{ code: IF_EQUAL, otherwise: 1, value }, stop(EPERM)]),
    ),
  )
  const noSetId: readonly Instruction[] = [{ code: IF_ANY_BIT, otherwise: 1, value: SET_ID }, stop(EPERM)]
  for (const [number, mode] of Object.values(calls.modes)) program.push(...inspect(number, mode, noSetId))
  for (const [number, flags, mode] of Object.values(calls.opens)) {
    const ifMade = { code: IF_ANY_BIT, otherwise: noSetId.length + 1, value: MAKES }
    program.push(...inspect(number, flags, [ifMade, { code: LOAD, value: argument(mode) }, ...noSetId]))
  }
  program.push(...inspect(calls.socket, 0, onlyFamilies(network ? [AF_UNIX, AF_INET, AF_INET6] : [])))
  program.push(...inspect(calls.socketpair, 0, onlyFamilies([AF_UNIX])))
  program.push({ code: RETURN, value: ALLOW })
  return encode(program)
}

/** Has this machine a filter? */
export function filterArch(arch: string = process.arch): FilterArch | undefined {
  return arch === 'x64' || arch === 'arm64' ? arch : undefined
}

function stop(errno: number): Instruction {
  return { code: RETURN, value: refusal(errno) }
}

function refuseCall(number: number, errno: number): Instruction[] {
  return [{ code: IF_EQUAL, otherwise: 1, value: number }, stop(errno)]
}

/** Looks at one argument of one call; who comes out of `body` may pass. */
function inspect(number: number, index: number, body: readonly Instruction[]): Instruction[] {
  return [
    { code: IF_EQUAL, otherwise: body.length + 2, value: number },
    { code: LOAD, value: argument(index) },
    ...body,
    { code: RETURN, value: ALLOW },
  ]
}

function onlyFamilies(families: readonly number[]): Instruction[] {
  // A match jumps over the remaining comparisons and the refusal, to what follows the body.
  const compare = families.map((value, at) => ({ code: IF_EQUAL, then: families.length - at, value }))
  return [...compare, stop(EAFNOSUPPORT)]
}

function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8)
  for (const [at, { code, then = 0, otherwise = 0, value }] of program.entries()) {
    bytes.writeUInt16LE(code, at * 8)
    bytes.writeUInt8(then, at * 8 + 2)
    bytes.writeUInt8(otherwise, at * 8 + 3)
    bytes.writeUInt32LE(value >>> 0, at * 8 + 4)
  }
  return bytes
}

import { cleanEnvironment } from './environment.ts'
import { takeIdentity } from './identity.ts'
import { runProcess } from './process.ts'
import { findForSandbox } from './programs.ts'
import type { Sandbox, SandboxSpec } from './sandbox.ts'
import type { TierName } from './tier-name.ts'

export interface Overhead {
  readonly tier: TierName | 'bwrap with hosts'
  /** The interpreter that starts, reads JSON and prints JSON. */
  readonly program: string
  /** Wall milliseconds from start to end, of several rounds. */
  readonly ms: Spread
  /** Milliseconds more than a plain child, median. */
  readonly more_ms: number
  /** As a multiple of the plain child of the same round. */
  readonly ratio: Spread
}

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export interface OverheadOptions {
  readonly rounds: number
  readonly signal: AbortSignal
  onRound?(round: number): void
}

const PROGRAMS: readonly { readonly name: string; readonly args: readonly string[] }[] = [
  { name: 'sh', args: ['-c', 'read -r line; echo "$line"'] },
  { name: 'python3', args: ['-I', '-c', 'import json, sys; print(json.dumps(json.load(sys.stdin)))'] },
  { name: 'node', args: ['-e', 'process.stdin.once("data", (text) => console.log(JSON.stringify(JSON.parse(text))))'] },
]
const INPUT = '{"text": "hello", "numbers": [1, 2, 3]}\n'

type Way = (spec: SandboxSpec) => Promise<{ readonly exit?: number; readonly stdout: string }>

/** Every tier in every round, one after another, so that whatever slows the machine slows all of them. */
export async function measureOverhead(
  tiers: ReadonlyMap<TierName, Sandbox>,
  { rounds, signal, onRound }: OverheadOptions,
): Promise<readonly Overhead[]> {
  const ways: [Overhead['tier'], Way][] = [...tiers].map(([tier, sandbox]) => [tier, (spec) => sandbox.run(spec)])
  const open = tiers.get('bwrap')
  if (open) ways.push(['bwrap with hosts', (spec) => open.run({ ...spec, hosts: ['example.com'] })])
  const found: Overhead[] = []
  for (const { name, args } of PROGRAMS) {
    const program = (await findForSandbox(name === 'node' ? process.execPath : name, takeIdentity()))?.path
    if (program === undefined) continue
    const spec: SandboxSpec = { program, args, input: INPUT, signal }
    const all: readonly Way[] = [runPlain, ...ways.map(([, way]) => way)]
    const times = all.map((): number[] => [])
    // The first round is not counted: it finds the files, and nothing is in memory yet.
    for (let round = 0; round <= rounds; round++) {
      // Another one begins each time: what follows the largest has the most to wait for.
      for (let turn = 0; turn < all.length; turn++) {
        signal.throwIfAborted()
        const index = (round + turn) % all.length
        const took = await time(all[index] as Way, spec)
        if (round > 0) times[index]?.push(took)
      }
      onRound?.(round)
    }
    const [plain = [], ...rest] = times
    for (const [index, [tier]] of ways.entries()) {
      const taken = rest[index] ?? []
      const ratios = taken.map((each, round) => each / (plain[round] ?? 1))
      const more_ms = spreadOf(taken.map((each, round) => each - (plain[round] ?? 0))).median
      found.push({ tier, program: name, ms: spreadOf(taken), more_ms, ratio: spreadOf(ratios) })
    }
  }
  return found
}

const runPlain: Way = ({ program, args, input = '', signal }) =>
  runProcess({ program, args, input, signal, cwd: '/', env: cleanEnvironment() })

async function time(way: Way, spec: SandboxSpec): Promise<number> {
  const began = performance.now()
  const { exit, stdout } = await way(spec)
  const took = performance.now() - began
  // What did not work took no time worth knowing.
  if (exit !== 0 || !stdout.includes('hello')) throw new Error(`the measured program did not work: ${stdout}`)
  return took
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number) => sorted[index] ?? 0
  const middle = (sorted.length - 1) / 2
  return { min: at(0), median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, max: at(sorted.length - 1) }
}

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { takeIdentity } from '../identity.ts'
import { findForSandbox } from '../programs.ts'
import { ATTACK_IDS, type AttackId } from '../promises.ts'
import type { Sandbox, SandboxResult } from '../sandbox.ts'
import type { TierName } from '../tier-name.ts'
import { ATTACKS, clearProject } from './attack.ts'
import { attackProgram } from './programs.ts'
import { plantScene, type Scene } from './scene.ts'

/**
 * `blocked`: promised and held. `also blocked`: held though not promised. `not promised`: it succeeded, as expected. `ESCAPED`: it succeeded
 * although the tier promises otherwise. `not run`: it could not begin, which proves nothing.
 */
export type Cell = 'blocked' | 'also blocked' | 'not promised' | 'not offered' | 'ESCAPED' | 'not run'

export interface Trial {
  readonly attack: AttackId
  readonly title: string
  readonly tier: TierName
  readonly cell: Cell
  /** Why it was not run. */
  readonly detail?: string
}

export interface SuiteOptions {
  readonly signal: AbortSignal
  readonly attacks?: readonly AttackId[]
  /** Makes a tier whose proxy, where it has one, dials into the scene. */
  make(tier: TierName, scene: Scene): Sandbox
  onTrial?(trial: Trial): void
}

const TIME_MS = 15_000
const WATCH_MS = 15

/** Tries every attack in every tier, one after another; undefined without a Python that works in a sandbox. */
export async function tryEscapes(
  tiers: readonly TierName[],
  options: SuiteOptions,
): Promise<readonly Trial[] | undefined> {
  const python = await findForSandbox('python3', takeIdentity())
  if (!python) return undefined
  const trials: Trial[] = []
  let scene = await plantScene()
  try {
    for (const attack of options.attacks ?? ATTACK_IDS) {
      for (const tier of tiers) {
        options.signal.throwIfAborted()
        const trial = await tryOne({ attack, tier, scene, python: python.path }, options)
        trials.push(trial)
        options.onTrial?.(trial)
        await clearProject(scene)
        if (trial.cell !== 'ESCAPED' && trial.cell !== 'not promised') continue
        // An attack that succeeds changes the scene.
        await scene.close()
        scene = await plantScene()
      }
    }
    return trials
  } finally {
    await scene.close()
  }
}

async function tryOne(
  { attack, tier, scene, python }: { attack: AttackId; tier: TierName; scene: Scene; python: string },
  { make, signal }: SuiteOptions,
): Promise<Trial> {
  const { title, limits, hosts, watch, judge } = ATTACKS[attack]
  const sandbox = make(tier, scene)
  const { promises } = await sandbox.describe()
  const token = `token-${randomUUID().slice(0, 8)}`
  const running = sandbox.run({
    program: python,
    args: ['-I', '-c', `# ${token}\n${attackProgram(attack)}`],
    input: JSON.stringify({ ...scene.facts, token }),
    cwd: scene.project,
    read: [scene.secrets],
    write: [scene.project],
    limits: { time_ms: TIME_MS, ...limits },
    signal,
    ...(hosts ? { hosts: hosts(scene) } : {}),
  })
  const [result, seen] = await Promise.all([
    running,
    watchWhile(running, async () => (await watch?.(scene, token)) ?? 0),
  ])
  const promised = promises.includes(attack)
  const known = { attack, title, tier }
  const problem = findFailure(result, hosts !== undefined && promised)
  if (problem !== undefined && !promised && result.refusal) return { ...known, cell: 'not offered' }
  if (problem !== undefined) return { ...known, cell: 'not run', detail: problem }
  const escaped = await judge({ scene, token, result, seen })
  if (escaped) return { ...known, cell: promised ? 'ESCAPED' : 'not promised' }
  return { ...known, cell: promised ? 'blocked' : 'also blocked' }
}

/** Why nothing was proved: it did not begin, or the way that is open was closed as well. */
function findFailure(result: SandboxResult, controlled: boolean): string | undefined {
  if (!result.stdout.startsWith('began\n'))
    return result.refusal?.message ?? result.error ?? (result.stderr.slice(-300) || 'it printed nothing')
  if (controlled && !/^reached$/m.test(result.stdout)) return 'the allowed host was not reached'
  return undefined
}

async function watchWhile(running: Promise<unknown>, look: () => Promise<number>): Promise<number> {
  let over = false
  void running.finally(() => (over = true))
  let most = 0
  while (!over) {
    most = Math.max(most, await look())
    await Promise.race([running, sleep(WATCH_MS)])
  }
  return Math.max(most, await look())
}

import type { ErrorCode } from '../events/errors.ts'
import type { EgressDecision } from './egress-rules.ts'
import type { Environment } from './environment.ts'
import type { ProcessResult } from './process.ts'
import type { AttackId } from './promises.ts'
import type { TierName } from './tier-name.ts'

/** What a program may use. Memory and files are counted per process, unless the tier says more. */
export interface Limits {
  readonly time_ms: number
  readonly memory_bytes: number
  readonly processes: number
  /** Bytes of standard output that are kept; sixteen times as much ends the program. */
  readonly output_bytes: number
  /** The largest file it may write. */
  readonly file_bytes: number
  /** Everything it may leave in its own folders. */
  readonly disk_bytes: number
  readonly open_files: number
}

const MIB = 1024 * 1024

export const USUAL_LIMITS: Limits = {
  time_ms: 120_000,
  memory_bytes: 2048 * MIB,
  processes: 256,
  output_bytes: MIB,
  file_bytes: 256 * MIB,
  disk_bytes: 512 * MIB,
  open_files: 1024,
}

/** A program and everything it may see. What is not listed is not there. */
export interface SandboxSpec {
  /** A name to look up, or an absolute path. */
  readonly program: string
  readonly args: readonly string[]
  readonly input?: string
  /** Variables it is given; nothing of ours is added but PATH, LANG, HOME and TMPDIR. */
  readonly env?: Environment
  /** Where it starts: one of the folders of `read` or `write`, or below. Default: its own empty folder, its HOME. */
  readonly cwd?: string
  /** Absolute paths of files and folders. */
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  /** `host`, `host:port` or `*.host`; none means no network at all. */
  readonly hosts?: readonly string[]
  readonly limits?: Partial<Limits>
  readonly signal: AbortSignal
  onOutput?(stream: 'stdout' | 'stderr', text: string): void
  /** Told of every connection that was asked for, as it is decided. */
  onEgress?(decision: EgressDecision): void
}

/** A program that was never started has a `refusal`, or an `error` of the process itself. */
export interface SandboxResult extends ProcessResult {
  readonly tier: TierName
  readonly refusal?: Refusal
  readonly egress: readonly EgressDecision[]
}

export interface Refusal {
  readonly code: Extract<ErrorCode, 'sandbox_missing' | 'sandbox_unproved' | 'sandbox_refused' | 'code_refused'>
  readonly message: string
  readonly hint?: string
}

export interface TierReport {
  readonly tier: TierName
  /** What it is built from, in a few words. */
  readonly made_of: string
  /** `untested`: there is no code for it here, or nothing to try it with. */
  readonly state: 'available' | 'missing' | 'untested'
  readonly version?: string
  /** What has to be installed, or why it cannot be used. */
  readonly missing?: readonly string[]
  readonly promises: readonly AttackId[]
  /** What it does not hold, in words. */
  readonly not: string
}

/** One way to run foreign code. Nothing is thrown: what cannot be run as asked is refused. */
export interface Sandbox {
  describe(): Promise<TierReport>
  run(spec: SandboxSpec): Promise<SandboxResult>
}

/** The result of a program that never was. */
export function notStarted(tier: TierName, why: Pick<SandboxResult, 'refusal' | 'error'>): SandboxResult {
  return {
    tier,
    ...why,
    egress: [],
    started: false,
    stdout: '',
    stderr: '',
    truncated: false,
    timed_out: false,
    aborted: false,
    flooded: false,
  }
}

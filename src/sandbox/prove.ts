import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sandbox } from './sandbox.ts'
import type { TierName } from './tier-name.ts'

/** What a tier did here, just now: not what its documentation says. */
export interface Proof {
  readonly holds: boolean
  /** The first thing that was wrong. */
  readonly why?: string
}

const proofs = new Map<TierName, Promise<Proof>>()

/** The proof of a tier, made once per process: a harmless program must work in it, and a few attempts to get out must not. */
export function proveTier(tier: TierName, sandbox: Sandbox): Promise<Proof> {
  const known = proofs.get(tier)
  if (known) return known
  const proof = tier === 'process' ? Promise.resolve({ holds: true }) : probe(sandbox)
  proofs.set(tier, proof)
  return proof
}

/** One run of a few shell lines, judged by what can be seen out here. Without the cache of `proveTier`. */
export async function probe(sandbox: Sandbox): Promise<Proof> {
  const canary = `canary-${randomUUID()}`
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'llm-orc-probe-')))
  const [secret, target] = [join(folder, 'secret'), join(folder, 'target')]
  const name = `LLM_ORC_PROBE_${process.pid}`
  process.env[name] = canary
  try {
    await chmod(folder, 0o777)
    await writeFile(secret, canary, { mode: 0o644 })
    await writeFile(target, '')
    await chmod(target, 0o666)
    const result = await sandbox.run({
      program: 'sh',
      args: ['-c', PROGRAM, 'probe', secret, target, String(process.pid)],
      limits: { time_ms: 20_000 },
      signal: new AbortController().signal,
    })
    if (result.refusal) return { holds: false, why: result.refusal.message }
    // Silence proves nothing: a program that cannot start is blocked everywhere.
    if (result.exit !== 0 || !result.stdout.includes('works\n'))
      return {
        holds: false,
        why: `a harmless program did not work: ${result.stderr.trim() || `exit code ${result.exit}`}`,
      }
    if (result.stdout.includes(canary)) return { holds: false, why: 'it read what it was not shown' }
    if ((await readFile(target, 'utf8')) !== '') return { holds: false, why: 'it wrote outside' }
    if (/^uid 0$/m.test(result.stdout)) return { holds: false, why: 'it ran as root' }
    if (/^reached us$/m.test(result.stdout)) return { holds: false, why: 'it could have ended us' }
    return findInStatus(result.stdout)
  } finally {
    delete process.env[name]
    await rm(folder, { recursive: true, force: true })
  }
}

// The shell's own reads and writes are tried last: one that ends the shell must not look like a success.
const PROGRAM = `cd "$HOME" && echo fine >file && [ "$(cat file)" = fine ] && echo works
echo "uid $(id -u)"
env
kill -0 "$3" 2>/dev/null && [ -r "/proc/$3/environ" ] && tr '\\0' '\\n' <"/proc/$3/environ" && echo 'reached us'
grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status 2>/dev/null
cat "$1" 2>/dev/null
(echo out >"$2") 2>/dev/null
exit 0`

/** Tiers that hide /proc do not show these. */
function findInStatus(text: string): Proof {
  const read = (name: string) => new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(text)?.[1]
  if (!/^0*$/.test(read('CapEff') ?? '0')) return { holds: false, why: 'it kept a capability' }
  if ((read('NoNewPrivs') ?? '1') !== '1') return { holds: false, why: 'it could have gained rights' }
  if ((read('Seccomp') ?? '2') !== '2') return { holds: false, why: 'its system calls were not filtered' }
  return { holds: true }
}

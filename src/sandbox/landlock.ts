import { readdir, readFile } from 'node:fs/promises'
import { Cell } from './cell.ts'
import { becomeWords, chooseIdentity, takeIdentity } from './identity.ts'
import { LANDLOCK_LAUNCHER } from './landlock-launcher.ts'
import { resourceLimits } from './limits.ts'
import { describeMissing } from './missing.ts'
import { runProcess } from './process.ts'
import { findForSandbox, findOnPath, SYSTEM_PATH } from './programs.ts'
import { PROMISES } from './promises.ts'
import { notStarted, type Sandbox, type SandboxResult, type SandboxSpec, USUAL_LIMITS } from './sandbox.ts'
import { buildFilter, filterArch } from './seccomp.ts'
import type { FilterArch } from './seccomp-calls.ts'
import { planView } from './view.ts'

const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
const ETC = ['alternatives', 'ld.so.cache', 'localtime', 'ssl/certs', 'ssl/openssl.cnf', 'ca-certificates', 'pki'].map(
  (name) => `/etc/${name}`,
)

/**
 * For hosts that refuse user namespaces (inside many containers): the kernel keeps files, sockets and signals from the program, but it sees
 * the host's processes, and one that leaves its group and its environment may survive. No network at all, never a list of hosts.
 */
export function createLandlockSandbox(options: { readonly path?: string } = {}): Sandbox {
  return {
    async describe() {
      const tools = await findTools(options.path)
      const found = 'missing' in tools ? tools : await askKernel(tools.python)
      return {
        tier: 'landlock',
        made_of: 'Landlock and a seccomp filter, set by a Python launcher; no network',
        ...('missing' in found
          ? { state: 'missing', missing: found.missing }
          : { state: 'available', version: `Landlock ABI ${found.abi}` }),
        promises: PROMISES.landlock,
        not: 'all that bwrap does not, and: a daemon may survive; settings and `.env` in its folders; a list of hosts; how much it writes in all',
      }
    },
    run: (spec) => run(spec, options.path),
  }
}

interface Tools {
  readonly python: string
  readonly setpriv: string
}

async function findTools(path?: string): Promise<Tools | { readonly missing: readonly string[] }> {
  const who = takeIdentity()
  const python = path === undefined ? (await findForSandbox('python3', who))?.path : await findOnPath('python3', path)
  const setpriv = who ? await findOnPath('setpriv', path) : ''
  const missing = [...(python === undefined ? ['python3'] : []), ...(setpriv === undefined ? ['setpriv'] : [])]
  if (process.platform !== 'linux') missing.push('Linux')
  if (!filterArch()) missing.push(`a system call filter for ${process.arch}`)
  return missing.length > 0 ? { missing } : { python: python as string, setpriv: setpriv as string }
}

async function askKernel(python: string): Promise<{ readonly abi: number } | { readonly missing: readonly string[] }> {
  const done = await runProcess({
    program: python,
    args: ['-I', '-S', '-c', LANDLOCK_LAUNCHER, '{"probe": true}'],
    cwd: '/',
    env: {},
    signal: AbortSignal.timeout(5000),
  })
  return done.exit === 0 ? { abi: Number(done.stdout) } : { missing: [done.stderr.trim() || 'Landlock'] }
}

async function run(spec: SandboxSpec, path?: string): Promise<SandboxResult> {
  if ((spec.hosts ?? []).length > 0) return refuse('this tier has no network, and hosts were asked for')
  const tools = await findTools(path)
  if ('missing' in tools)
    return notStarted('landlock', {
      refusal: describeMissing({ tier: 'landlock', state: 'missing', missing: tools.missing }),
    })
  const who = await chooseIdentity(spec.write ?? [])
  const program = await findForSandbox(spec.program, who)
  if (!program) return notStarted('landlock', { error: 'program_missing' })
  const view = await planView({ read: spec.read ?? [], write: spec.write ?? [] }, { who })
  if (typeof view === 'string') return refuse(view)
  const cell = await Cell.make(who)
  const limits = { ...USUAL_LIMITS, ...spec.limits }
  try {
    const filter = await cell.write('filter', buildFilter(filterArch() as FilterArch, { network: false }))
    const home = await cell.makeFolder('work')
    const written = view.binds.filter(({ writable }) => writable).map((bind) => bind.path)
    const seen = view.binds.filter(({ writable }) => !writable).map((bind) => bind.path)
    const order = {
      read: [...SYSTEM, ...ETC, program.path, ...seen],
      write: [home, ...written],
      limits: resourceLimits(
        { ...limits, processes: limits.processes + (who ? 0 : await countOwnThreads()) },
        program.path,
      ),
      filter,
      words: [program.path, ...spec.args],
    }
    const launch = [tools.python, '-I', '-S', '-c', LANDLOCK_LAUNCHER, JSON.stringify(order)]
    const [first = '', ...rest] = [...becomeWords(who, tools.setpriv), ...launch]
    const done = await runProcess({
      program: first,
      args: rest,
      cwd: spec.cwd ?? home,
      env: { PATH: SYSTEM_PATH, LANG: 'C.UTF-8', HOME: home, TMPDIR: home, ...spec.env },
      output_limit: limits.output_bytes,
      timeout_ms: limits.time_ms,
      signal: spec.signal,
      ...(spec.input === undefined ? {} : { input: spec.input }),
      ...(spec.onOutput ? { onOutput: (stream, text) => spec.onOutput?.(stream, text) } : {}),
    })
    if (done.exit === 125 && done.stderr.startsWith('landlock: ')) return refuse(done.stderr.trim())
    return { ...done, tier: 'landlock', egress: [] }
  } finally {
    await cell.remove()
    await view.release()
  }
}

function refuse(why: string): SandboxResult {
  return notStarted('landlock', {
    refusal: { code: 'sandbox_refused', message: `the program was not started: ${why}` },
  })
}

/** What our user runs already: outside of a namespace of its own, the kernel counts that too. */
async function countOwnThreads(): Promise<number> {
  const own = process.getuid?.()
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const counts = pids.map(async (pid) => {
    const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
    return Number(/^Uid:\s*(\d+)/m.exec(status)?.[1]) === own ? Number(/^Threads:\s*(\d+)/m.exec(status)?.[1] ?? 0) : 0
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

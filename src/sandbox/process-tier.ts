import { cleanEnvironment } from './environment.ts'
import { limitWords } from './limits.ts'
import { runProcess } from './process.ts'
import { findOnPath } from './programs.ts'
import { PROMISES } from './promises.ts'
import { notStarted, type Sandbox, type SandboxResult, type SandboxSpec, USUAL_LIMITS } from './sandbox.ts'

/** No wall: an ordinary child with a clean environment, a time limit and capped output. Everything it starts ends with it, if it does not hide. */
export function createProcessSandbox(): Sandbox {
  return {
    describe: async () => ({
      tier: 'process',
      made_of: 'a child process: clean environment, time, capped output, end of its process group',
      state: 'available',
      promises: PROMISES.process,
      not: 'it may read, write, connect to and end whatever you may',
    }),
    run,
  }
}

async function run(spec: SandboxSpec): Promise<SandboxResult> {
  const limits = { ...USUAL_LIMITS, ...spec.limits }
  const prlimit = spec.limits === undefined ? undefined : await findOnPath('prlimit')
  if (prlimit !== undefined && (await findOnPath(spec.program)) === undefined)
    return notStarted('process', { error: 'program_missing' })
  // The count of processes is the whole user's here, so it is left out.
  const before = prlimit === undefined ? [] : limitWords(prlimit, limits, spec.program).filter(isNoCount)
  const [program = spec.program, ...args] = [...before, spec.program, ...spec.args]
  const done = await runProcess({
    program,
    args,
    cwd: spec.cwd ?? process.cwd(),
    env: cleanEnvironment(spec.env),
    output_limit: limits.output_bytes,
    signal: spec.signal,
    ...(spec.limits?.time_ms === undefined ? {} : { timeout_ms: limits.time_ms }),
    ...(spec.input === undefined ? {} : { input: spec.input }),
    ...(spec.onOutput ? { onOutput: (stream, text) => spec.onOutput?.(stream, text) } : {}),
  })
  return { ...done, tier: 'process', egress: [] }
}

function isNoCount(word: string): boolean {
  return !word.startsWith('--nproc=')
}

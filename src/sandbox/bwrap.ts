import { type FileHandle, open } from 'node:fs/promises'
import { bwrapWords, EGRESS_SOCKET, HOME, MADE_UP } from './bwrap-words.ts'
import { Cell } from './cell.ts'
import type { EgressPorts } from './egress.ts'
import { type EgressDecision, type HostRule, readHostRule } from './egress-rules.ts'
import type { Environment } from './environment.ts'
import { becomeWords, chooseIdentity, type Identity } from './identity.ts'
import { coverInherited } from './inherited.ts'
import { limitWords } from './limits.ts'
import { describeMissing } from './missing.ts'
import { runProcess } from './process.ts'
import { type FoundProgram, findForSandbox, findOnPath, SYSTEM_PATH } from './programs.ts'
import { PROMISES } from './promises.ts'
import { notStarted, type Sandbox, type SandboxResult, type SandboxSpec, USUAL_LIMITS } from './sandbox.ts'
import { buildFilter, filterArch } from './seccomp.ts'
import type { FilterArch } from './seccomp-calls.ts'
import { SHADOW_LAUNCHER } from './shadow-launcher.ts'
import { planView, type View } from './view.ts'

export interface BwrapOptions {
  /** Where our own programs are looked up; default: PATH. */
  readonly path?: string
  /** How hosts are found and dialled; default: as the system does. */
  readonly egress?: Pick<EgressPorts, 'resolve' | 'dial'>
}

/**
 * Namespaces of its own, a root with nothing but the system's programs and what was asked for, our own filter of system calls, limits,
 * and the kernel ends everything inside with us. Programs share the kernel with the host: a bug of the kernel is a way out.
 */
export function createBwrapSandbox(options: BwrapOptions = {}): Sandbox {
  return {
    async describe() {
      const tools = await findTools(options, false)
      return {
        tier: 'bwrap',
        made_of:
          'bubblewrap: all namespaces, minimal root, seccomp filter, limits; no network, or listed hosts by a proxy',
        ...('missing' in tools
          ? { state: 'missing', missing: tools.missing }
          : { state: 'available', version: await readVersion(tools.bwrap) }),
        promises: PROMISES.bwrap,
        not: 'bugs of the shared kernel; memory of several processes together; what a listed host does with what it is sent',
      }
    },
    run: (spec) => run(spec, options),
  }
}

interface Tools {
  readonly bwrap: string
  readonly prlimit: string
  readonly setpriv: string
  readonly socat: string
}

/** The programs it is made of, or the names of those that are not there. */
async function findTools(
  { path }: BwrapOptions,
  network: boolean,
): Promise<Tools | { readonly missing: readonly string[] }> {
  const root = process.getuid?.() === 0
  const wanted = ['bwrap', 'prlimit', ...(root ? ['setpriv'] : []), ...(network ? ['socat'] : [])]
  const found = await Promise.all(wanted.map(async (name) => [name, await findOnPath(name, path)] as const))
  const missing = found.filter(([, place]) => place === undefined).map(([name]) => name)
  if (process.platform !== 'linux') missing.push('Linux')
  if (!filterArch()) missing.push(`a system call filter for ${process.arch}`)
  return missing.length > 0 ? { missing } : (Object.fromEntries(found) as unknown as Tools)
}

async function readVersion(bwrap: string): Promise<string> {
  const signal = AbortSignal.timeout(5000)
  const { stdout } = await runProcess({ program: bwrap, args: ['--version'], cwd: '/', env: {}, signal })
  return stdout.trim()
}

async function run(spec: SandboxSpec, options: BwrapOptions): Promise<SandboxResult> {
  const rules: HostRule[] = []
  for (const text of spec.hosts ?? []) {
    const rule = readHostRule(text)
    if (!rule) return refuse(`${text} is no host name`)
    rules.push(rule)
  }
  const tools = await findTools(options, rules.length > 0)
  if ('missing' in tools)
    return notStarted('bwrap', {
      refusal: describeMissing({ tier: 'bwrap', state: 'missing', missing: tools.missing }),
    })
  const who = await chooseIdentity(spec.write ?? [])
  const shadowing = who ? (await findForSandbox('python3', who))?.path : undefined
  const program = await findForSandbox(spec.program, who, { closed: shadowing !== undefined })
  if (!program) return notStarted('bwrap', { error: 'program_missing' })
  const cell = await Cell.make(who)
  try {
    const asked = { read: spec.read ?? [], write: spec.write ?? [] }
    const view = await planView(asked, {
      who,
      ...(shadowing === undefined ? {} : { shadows: await cell.makePlace('shadows') }),
    })
    if (typeof view === 'string') return refuse(view)
    try {
      return await runInCell(spec, { cell, tools, who, program, view, rules, options, shadowing })
    } finally {
      await view.release()
    }
  } finally {
    await cell.remove()
  }
}

interface Prepared {
  readonly cell: Cell
  readonly tools: Tools
  readonly who: Identity | undefined
  readonly program: FoundProgram
  readonly view: View
  readonly rules: readonly HostRule[]
  readonly options: BwrapOptions
  /** The Python that shows root's folders as somebody else's. */
  readonly shadowing: string | undefined
}

async function runInCell(spec: SandboxSpec, prepared: Prepared): Promise<SandboxResult> {
  const { cell, tools, who, program, view, rules, options, shadowing } = prepared
  const limits = { ...USUAL_LIMITS, ...spec.limits }
  const egress: EgressDecision[] = []
  const files: { [inside: string]: string } = {}
  for (const [inside, content] of Object.entries(MADE_UP))
    files[inside] = await cell.write(inside.slice(1).replaceAll('/', '-'), content)
  const filter = await cell.write('filter', buildFilter(filterArch() as FilterArch, { network: rules.length > 0 }))
  const status = await cell.write('status', '')
  const empty = await cell.makeFolder('empty')
  const nothing = await cell.write('nothing', '')
  const proxy =
    rules.length > 0
      ? await (await import('./egress.ts')).openEgress(cell.path('egress'), { ...options.egress, rules, onDecision })
      : undefined
  if (proxy) await cell.give('egress')
  const shadow = program.closed ? { path: program.path, target: await cell.write('program', '') } : undefined
  const shadows = shadow ? [...view.shadows, shadow] : view.shadows
  const handles: FileHandle[] = []
  try {
    handles.push(await open(filter, 'r'), await open(status, 'r+'), await open('/dev/null', 'r'))
    const [filterAt, statusAt, devNull] = handles.map(({ fd }) => fd) as [number, number, number]
    const furniture = {
      files,
      empty,
      nothing,
      ...(program.extra === undefined
        ? {}
        : { program: { path: program.extra, source: shadow?.target ?? program.extra } }),
      ...(proxy ? { egress: cell.path('egress') } : {}),
    }
    const command = [
      ...becomeWords(who, tools.setpriv),
      tools.bwrap,
      ...bwrapWords(view, furniture, { limits, cwd: spec.cwd ?? HOME }),
      '--seccomp',
      '3',
      '--json-status-fd',
      '4',
      '--',
      ...(proxy ? relayWords(tools) : []),
      ...limitWords(tools.prlimit, limits, program.path),
      program.path,
      ...spec.args,
    ]
    const words =
      shadows.length > 0 && who && shadowing !== undefined
        ? [shadowing, '-I', '-S', '-c', SHADOW_LAUNCHER, JSON.stringify({ ...who, shadows, words: command })]
        : command
    const done = await runProcess({
      program: words[0] as string,
      args: words.slice(1),
      cwd: '/',
      env: environmentOf(spec, proxy !== undefined),
      descriptors: await coverInherited([filterAt, statusAt], devNull),
      output_limit: limits.output_bytes,
      timeout_ms: limits.time_ms,
      signal: spec.signal,
      ...(spec.input === undefined ? {} : { input: spec.input }),
      ...(spec.onOutput ? { onOutput: (stream, text) => spec.onOutput?.(stream, text) } : {}),
    })
    const began = /"exit-code"/.test(await readAll(handles[1] as FileHandle))
    if (began || !done.started || done.timed_out || done.aborted || done.flooded)
      return { ...done, tier: 'bwrap', egress }
    return refuse(done.stderr.trim() || `bubblewrap ended with ${done.exit ?? done.signal}`)
  } finally {
    for (const handle of handles) await handle.close()
    await proxy?.close()
  }

  function onDecision(decision: EgressDecision): void {
    egress.push(decision)
    spec.onEgress?.(decision)
  }
}

/** Opens the way to the proxy on a port of the sandbox's own loopback, waits until it is open, then becomes the command. */
function relayWords({ socat }: Tools): readonly string[] {
  const listen = `TCP-LISTEN:${RELAY_PORT},bind=127.0.0.1,fork,max-children=32,backlog=64`
  const port = RELAY_PORT.toString(16).toUpperCase().padStart(4, '0')
  const script = `"$1" ${listen} UNIX-CONNECT:${EGRESS_SOCKET} </dev/null >/dev/null 2>&1 &
tries=0
until grep -q '0100007F:${port} .* 0A ' /proc/net/tcp; do
  tries=$((tries + 1)); [ $tries -lt 500 ] || { echo 'the relay did not start' >&2; exit 125; }
  sleep 0.01
done
shift; exec "$@"`
  return ['/bin/sh', '-c', script, 'relay', socat]
}

const RELAY_PORT = 3128

function environmentOf(spec: SandboxSpec, network: boolean): Environment {
  const proxy = `http://127.0.0.1:${RELAY_PORT}`
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']
  return {
    PATH: SYSTEM_PATH,
    LANG: 'C.UTF-8',
    HOME,
    TMPDIR: '/tmp',
    ...(network
      ? {
          ...Object.fromEntries(names.flatMap((name) => [name, name.toLowerCase()].map((key) => [key, proxy]))),
          NODE_USE_ENV_PROXY: '1',
        }
      : {}),
    ...spec.env,
  }
}

async function readAll(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0)
  return buffer.toString('utf8', 0, bytesRead)
}

function refuse(why: string): SandboxResult {
  return notStarted('bwrap', {
    refusal: { code: 'sandbox_refused', message: `the program was not started: ${why}` },
  })
}

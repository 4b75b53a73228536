import { readFile } from 'node:fs/promises'
import { extname, relative } from 'node:path'
import type { WalledResult } from '../effects/script.ts'
import type { SandboxAsk } from '../events/script-call.ts'
import type { ToolPermissions } from '../events/tool-call.ts'
import { chooseSandbox, createTiers, type Tiers } from '../sandbox/choose.ts'
import { cleanEnvironment } from '../sandbox/environment.ts'
import { resolvePermissions } from '../sandbox/permitted-paths.ts'
import { type ProcessSpec, runProcess } from '../sandbox/process.ts'
import { notStarted } from '../sandbox/sandbox.ts'
import { TIERS } from '../sandbox/tier-name.ts'
import { findWanted, type SandboxWish } from '../sandbox/wish.ts'
import type { RunCommand } from '../tools/command.ts'
import type { App } from './app.ts'
import { listGoverned } from './governed.ts'
import { demandedBy, isTier, wishOf } from './wall-wish.ts'

type WallApp = Pick<App, 'config' | 'paths'>

let tiers: Tiers | undefined

/** One set in a process, for its proofs are kept. */
function findTiers(): Tiers {
  tiers ??= createTiers()
  return tiers
}

/** Runs the programs of tools: behind a wall, unless settings name a weaker one where that is missing. */
export function createWalledCommands(app: WallApp): RunCommand {
  return ({ permissions, own, env, ...command }) =>
    runWalled(app, { foreign: true, permissions }, { spec: { ...command, env }, env, own, permissions })
}

/** Runs scripts: as ordinary children, unless the script asks for a wall or settings demand one. */
export function createWalledScripts(
  app: WallApp,
): (ask: SandboxAsk | undefined, spec: ProcessSpec, own: readonly string[]) => Promise<WalledResult> {
  return async (ask, spec, own) => {
    const { tier, rules } = ask ?? {}
    if (tier !== undefined && !isTier(tier))
      return notStarted('process', {
        refusal: {
          code: 'sandbox_missing',
          message: `there is no sandbox ${tier}`,
          hint: `There are: ${TIERS.join(', ')}`,
        },
      })
    const broken = rules ? await tryRules(spec, own) : undefined
    if (broken !== undefined) return notStarted('process', { refusal: { code: 'code_refused', message: broken } })
    const wish = wishOf(ask)
    if (findWanted({ ...wish, ...demandedBy(app) }) === 'process') return runProcess(spec)
    const given = { read: ['**'], ...wish.permissions }
    return runWalled(app, wish, { spec, env: withoutOurs(spec.env), own, permissions: given })
  }
}

/** Of a file, or of the text that is handed to a shell. */
async function tryRules({ args }: ProcessSpec, [file]: readonly string[]): Promise<string | undefined> {
  const { refuseCode } = await import('../sandbox/code-rules.ts')
  if (file === undefined) return refuseCode(args.at(-1) ?? '', '.sh')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? 'the script cannot be read' : refuseCode(text, extname(file).toLowerCase())
}

interface Walled {
  readonly spec: ProcessSpec
  /** What it is given beside what every program has. */
  readonly env: { readonly [name: string]: string }
  readonly own: readonly string[]
  readonly permissions: ToolPermissions
}

async function runWalled(
  app: WallApp,
  wish: SandboxWish,
  { spec, env, own, permissions }: Walled,
): Promise<WalledResult> {
  const chosen = await chooseSandbox({ ...wish, ...demandedBy(app) }, findTiers())
  if ('code' in chosen) return notStarted(findWanted(wish), { refusal: chosen })
  if (chosen.granted === 'process') return runProcess({ ...spec, env: cleanEnvironment(env) })
  const paths = await resolvePermissions(permissions, app.paths.project ?? app.paths.cwd)
  if (typeof paths === 'string')
    return notStarted(chosen.granted, { refusal: { code: 'sandbox_refused', message: paths } })
  const open = findGoverned(app, wish.foreign ? paths : { ...paths, read: [] })
  if (open !== undefined)
    return notStarted(chosen.granted, { refusal: { code: 'sandbox_refused', message: open, hint: NARROWER } })
  const seen = [...paths.read, ...paths.write]
  const read = [...paths.read, ...own.filter((path) => !seen.some((folder) => isInside(path, folder)))]
  const { program, args, input, signal, cwd } = spec
  return chosen.sandbox.run({
    program,
    args,
    env,
    read,
    write: paths.write,
    signal,
    hosts: permissions.hosts ?? [],
    limits: {
      ...(spec.timeout_ms === undefined ? {} : { time_ms: spec.timeout_ms }),
      ...(spec.output_limit === undefined ? {} : { output_bytes: spec.output_limit }),
    },
    ...(input === undefined ? {} : { input }),
    ...(seen.some((folder) => isInside(cwd, folder)) ? { cwd } : {}),
    ...(spec.onOutput ? { onOutput: (stream, text) => spec.onOutput?.(stream, text) } : {}),
  })
}

const NARROWER = 'Work in a folder below it, which makes a project of its own: llm-orc init'

/** Policy, approvals and journals of the user: whoever may write them, or move what they lie in, may do everything. */
function findGoverned({ paths }: WallApp, { read, write }: Opened): string | undefined {
  for (const ours of listGoverned(paths).read) {
    const folder = write.find((each) => isInside(ours, each) || isInside(each, ours))
    if (folder !== undefined) return `${folder} cannot be opened for writing: what governs tools lies in ${ours}`
    const seen = read.find((each) => isInside(ours, each) || isInside(each, ours))
    if (seen !== undefined) return `${seen} cannot be shown: what governs tools lies in ${ours}`
  }
  return undefined
}

interface Opened {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

/** A script's environment without what every program gets: the sandbox has its own of these. */
function withoutOurs(env: { readonly [name: string]: string }): { readonly [name: string]: string } {
  const usual = cleanEnvironment()
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => usual[name] !== value))
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way === '' || !(way === '..' || way.startsWith('../') || way.startsWith('/'))
}

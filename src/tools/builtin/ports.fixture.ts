import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { JsonObject } from '../../events/values.ts'
import { findMismatches } from '../../graph/json-schema.ts'
import { compileRegex } from '../../graph/linear-regex.ts'
import { cleanEnvironment } from '../../sandbox/environment.ts'
import { runProcess } from '../../sandbox/process.ts'
import type { RunCommand } from '../command.ts'
import type { ToolMeans, ToolOutcome } from '../tool.ts'
import { type Builtin, type BuiltinPorts, createBuiltinTool } from './builtin.ts'

export const runBare: RunCommand = ({ permissions: _permissions, own: _own, env, ...command }) =>
  runProcess({ ...command, env: cleanEnvironment(env) })

export function makePorts(more: Partial<BuiltinPorts> = {}): BuiltinPorts {
  return {
    run: runBare,
    regex: compileRegex,
    check: findMismatches,
    open: { read: [], write: [] },
    closed: { read: [], write: [] },
    private_hosts: [],
    ...more,
  }
}

/** A folder to work in and a secret beside it, both removed after the test. */
export interface Yard {
  readonly cwd: string
  readonly outside: string
  call(
    builtin: Builtin,
    args: JsonObject,
    how?: Partial<ToolMeans> & { ports?: Partial<BuiltinPorts> },
  ): Promise<ToolOutcome>
}

export const SECRET = 'canary-4711'

export async function makeYard(files: { readonly [path: string]: string | Uint8Array } = {}): Promise<Yard> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'llm-orc-yard-')))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const [cwd, outside] = [join(root, 'work'), join(root, 'outside')]
  for (const folder of [cwd, outside]) await mkdir(folder)
  await writeFile(join(outside, 'secret.txt'), SECRET)
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(cwd, path)), { recursive: true })
    await writeFile(join(cwd, path), content)
  }
  return {
    cwd,
    outside,
    call: (builtin, args, { ports, ...means } = {}) =>
      createBuiltinTool(builtin, makePorts(ports)).run(args, {
        signal: new AbortController().signal,
        idempotency_key: 'key',
        cwd,
        progress: () => {},
        ...means,
      }),
  }
}

import { createHash, hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { CacheAsk } from '../events/cache-ask.ts'
import { canonicalJson } from '../events/canonical.ts'
import type { ModelRequest } from '../events/messages.ts'
import type { ScriptRequest } from '../events/script-call.ts'
import { cleanEnvironment } from '../sandbox/environment.ts'

/** What a question depends on beside its own words. */
export interface KeyPorts {
  /** Digest of the rules in force: trust and sandbox. */
  readonly policy: string
  /** Whose cache it is: nobody is given what was answered to another. */
  readonly principal: string
  /** The project's folder: where scripts run and what globs are relative to. */
  readonly cwd: string
  /** Where the provider of a request really is: an address, or the digest of what it answers from. */
  origin(request: Pick<ModelRequest, 'provider' | 'base_url'>): Promise<string>
}

/** Raised when an executor makes something else of the same request: older answers then no longer serve. */
const EXECUTOR_VERSION = { model: 1, script: 1 }

/** More than this is no input of one step any more. */
const MOST_FILES = 20_000

/**
 * The unsalted digest of everything an answer depends on; undefined when that cannot be told, and then the answer is not cached. It says
 * nothing of how long a call may take, nor of how much output was paid for.
 */
export async function digestModelQuestion(request: ModelRequest, ports: KeyPorts): Promise<string> {
  const { idle_ms: _, timeout_ms: __, ...asked } = request as ModelRequest & { idle_ms?: number; timeout_ms?: number }
  return digest(ports, { kind: 'model', version: EXECUTOR_VERSION.model, asked, origin: await ports.origin(request) })
}

/** The same for a script: its digest and place, input, environment, and what stands in its files. */
export async function digestScriptQuestion(
  request: ScriptRequest,
  { files = [] }: CacheAsk,
  ports: KeyPorts,
): Promise<string | undefined> {
  const { timeout_ms: _, ...asked } = request
  // What a person answers is no part of the question, so there is no telling whether it would be the same.
  if (asked.interactive || files.length === 0) return undefined
  const contents = await digestFiles(files, ports.cwd)
  if (!contents) return undefined
  const { cwd } = ports
  const environment = cleanEnvironment(request.environment)
  return digest(ports, { kind: 'script', version: EXECUTOR_VERSION.script, asked, cwd, environment, files, contents })
}

function digest({ policy, principal }: KeyPorts, question: object): string {
  return hash('sha256', canonicalJson({ ...question, policy, principal }), 'hex')
}

/**
 * Path and digest of every file that the globs match. Undefined when one cannot be read, when there are far too many, or when a glob matches
 * nothing: then it is more likely mistyped than meant, and the question would leave out what it is to depend on.
 */
async function digestFiles(globs: readonly string[], cwd: string): Promise<readonly (readonly string[])[] | undefined> {
  const found = new Map<string, string>()
  for (const pattern of globs) {
    let matched = 0
    for await (const entry of glob(pattern, { cwd, withFileTypes: true })) {
      if (entry.isDirectory()) continue
      const path = join(entry.parentPath, entry.name)
      matched += 1
      if (found.has(path)) continue
      const sha256 = await digestFile(path)
      if (sha256 === undefined || found.size >= MOST_FILES) return undefined
      found.set(path, sha256)
    }
    if (matched === 0) return undefined
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1))
}

async function digestFile(path: string): Promise<string | undefined> {
  const sum = createHash('sha256')
  return pipeline(createReadStream(path), sum).then(
    () => sum.digest('hex'),
    () => undefined,
  )
}

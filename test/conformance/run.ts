/**
 * The official conformance suite for clients and servers, both revisions, one scenario after another:
 * `npm run test:conformance [client|server] [SCENARIO...]`.
 * Prints what passed, failed and was skipped by name; the exit code is 1 when a scenario that a revision requires has failed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '..', '..')
const suite = join(root, 'node_modules', '@modelcontextprotocol', 'conformance')
const client = join(import.meta.dirname, 'client.ts')
const server = join(import.meta.dirname, 'server.ts')
const LEGS = ['client', 'server'] as const
type Leg = (typeof LEGS)[number]
const words = process.argv.slice(2)
const legs = LEGS.filter((leg) => words.includes(leg))
const wanted = words.filter((word) => !(LEGS as readonly string[]).includes(word))

/** Scenarios that no revision requires, with the reason why they are not run. */
const SKIPPED: { readonly [scenario: string]: string } = {
  'auth/client-credentials-jwt': 'extension: signed assertions as credentials',
  'auth/enterprise-managed-authorization': 'extension: enterprise-managed authorization',
  'auth/dpop': 'extension: sender-constrained tokens',
  'auth/dpop-nonce': 'extension: sender-constrained tokens',
  'auth/wif-jwt-bearer': 'extension: workload identity federation',
  'json-schema-2020-12': 'pending: the suite cannot pass it itself',
  'server-sse-polling': 'pending: the suite cannot pass it itself',
  'http-custom-header-server-validation': 'no tool here takes an argument from a header',
  'json-schema-2020-12-preservation': 'wants the schema back as it came; this client hands on only what it has tamed',
}

interface Requirements {
  readonly client: readonly string[]
  readonly server: readonly string[]
  readonly not_scored: readonly { readonly scenario: string; readonly leg: string; readonly reason: string }[]
}

interface Result {
  readonly leg: Leg
  readonly name: string
  readonly revision: string
  readonly scored: boolean
  readonly verdict: 'passed' | 'failed' | 'skipped'
  readonly words: string
}

async function runScenario(leg: Leg, name: string, revision: string): Promise<Pick<Result, 'verdict' | 'words'>> {
  const folder = mkdtempSync(join(tmpdir(), 'llm-orc-conformance-'))
  const of = leg === 'client' ? ['--command', `${process.execPath} ${client}`] : ['--url', await serverUrl()]
  const args = [leg, ...of, '--scenario', name, '--spec-version', revision, '-o', folder]
  const child = spawn(process.execPath, [join(suite, 'dist', 'index.js'), ...args], { cwd: folder })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const faults = readFaults(folder)
  rmSync(folder, { recursive: true, force: true })
  if (code === 0 && faults.length === 0) return { verdict: 'passed', words: '' }
  if (wanted.length > 0) console.log(said)
  return { verdict: code === 0 ? 'passed' : 'failed', words: faults.join('; ') || said.trim().slice(-300) }
}

let started: { readonly child: ChildProcess; readonly url: string } | undefined

/** One server for all scenarios: what one leaves behind is there for the next, as it would be. */
async function serverUrl(): Promise<string> {
  if (started) return started.url
  const child = spawn(process.execPath, [server], { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>((resolve) => child.stdout.setEncoding('utf8').once('data', resolve))
  started = { child, url: url.trim() }
  return started.url
}

/** Checks that did not succeed; warnings are named but fail nothing. */
function readFaults(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('checks.json'),
  )
  return files
    .flatMap(
      (file) =>
        JSON.parse(readFileSync(join(folder, file), 'utf8')) as { id: string; status: string; errorMessage?: string }[],
    )
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(
      ({ id, status, errorMessage }) =>
        `${status === 'WARNING' ? 'warning ' : ''}${id}${errorMessage ? `: ${errorMessage}` : ''}`,
    )
}

const results: Result[] = []
for (const leg of legs.length > 0 ? legs : LEGS)
  for (const revision of ['2025-11-25', '2026-07-28']) {
    const needs = parse(readFileSync(join(suite, 'requirements', `${revision}.yaml`), 'utf8')) as Requirements
    const extra = needs.not_scored.filter((each) => each.leg === leg).map(({ scenario, reason }) => [scenario, reason])
    for (const [name = '', reason] of [...needs[leg].map((scenario) => [scenario]), ...extra]) {
      if (wanted.length > 0 && !wanted.includes(name)) continue
      const skip = SKIPPED[name] ?? (leg === 'server' && reason === 'extension' ? 'an extension' : undefined)
      const done =
        skip === undefined ? await runScenario(leg, name, revision) : { verdict: 'skipped' as const, words: skip }
      const result: Result = { leg, name, revision, scored: reason === undefined, ...done }
      results.push(result)
      console.log(
        `${leg} ${revision} ${result.verdict.padEnd(7)} ${name}${result.scored ? '' : ' (not scored)'}${result.words ? ` - ${result.words}` : ''}`,
      )
    }
  }
started?.child.kill()

for (const part of new Set(results.map(({ leg, revision }) => `${leg} ${revision}`))) {
  const scored = results.filter(({ leg, revision, scored: needed }) => `${leg} ${revision}` === part && needed)
  const passed = scored.filter(({ verdict }) => verdict === 'passed').length
  console.log(`${part}: ${passed}/${scored.length} required scenarios`)
}
const count = (verdict: Result['verdict']) => results.filter((result) => result.verdict === verdict).length
console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
process.exitCode = results.some(({ scored, verdict }) => scored && verdict === 'failed') ? 1 : 0

/**
 * The official conformance suite for clients, both revisions, one scenario after another: `npm run test:conformance [SCENARIO...]`.
 * Prints what passed, failed and was skipped by name; the exit code is 1 when a scenario that a revision requires has failed.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '..', '..')
const suite = join(root, 'node_modules', '@modelcontextprotocol', 'conformance')
const client = join(import.meta.dirname, 'client.ts')
const wanted = process.argv.slice(2)

/** Scenarios that no revision requires, with the reason why they are not run. */
const SKIPPED: { readonly [scenario: string]: string } = {
  'auth/client-credentials-jwt': 'extension: signed assertions as credentials',
  'auth/enterprise-managed-authorization': 'extension: enterprise-managed authorization',
  'auth/dpop': 'extension: sender-constrained tokens',
  'auth/dpop-nonce': 'extension: sender-constrained tokens',
  'auth/wif-jwt-bearer': 'extension: workload identity federation',
  'json-schema-2020-12-preservation': 'wants the schema back as it came; this client hands on only what it has tamed',
}

interface Requirements {
  readonly client: readonly string[]
  readonly not_scored: readonly { readonly scenario: string; readonly leg: string }[]
}

interface Result {
  readonly name: string
  readonly revision: string
  readonly scored: boolean
  readonly verdict: 'passed' | 'failed' | 'skipped'
  readonly words: string
}

async function runScenario(name: string, revision: string): Promise<Pick<Result, 'verdict' | 'words'>> {
  const folder = mkdtempSync(join(tmpdir(), 'llm-orc-conformance-'))
  const command = `${process.execPath} ${client}`
  const args = ['client', '--command', command, '--scenario', name, '--spec-version', revision, '-o', folder]
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
for (const revision of ['2025-11-25', '2026-07-28']) {
  const needs = parse(readFileSync(join(suite, 'requirements', `${revision}.yaml`), 'utf8')) as Requirements
  const extra = needs.not_scored.filter(({ leg }) => leg === 'client').map(({ scenario }) => scenario)
  for (const name of [...needs.client, ...extra]) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const skip = SKIPPED[name]
    const done = skip === undefined ? await runScenario(name, revision) : { verdict: 'skipped' as const, words: skip }
    const result: Result = { name, revision, scored: needs.client.includes(name), ...done }
    results.push(result)
    console.log(
      `${revision} ${result.verdict.padEnd(7)} ${name}${result.scored ? '' : ' (not scored)'}${result.words ? ` - ${result.words}` : ''}`,
    )
  }
}

for (const revision of new Set(results.map((result) => result.revision))) {
  const scored = results.filter((result) => result.revision === revision && result.scored)
  const passed = scored.filter(({ verdict }) => verdict === 'passed').length
  console.log(`${revision}: ${passed}/${scored.length} required scenarios`)
}
const count = (verdict: Result['verdict']) => results.filter((result) => result.verdict === verdict).length
console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
process.exitCode = results.some(({ scored, verdict }) => scored && verdict === 'failed') ? 1 : 0

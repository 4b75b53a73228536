/** Imports of fixtures into projects of their own, and runs of what came of them on the scripted provider. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../../src/app/create-app.ts'
import { type ImportOrder, type ImportReport, importFiles } from '../../src/app/import-files.ts'
import { type RunResult, runTarget } from '../../src/app/runs.ts'
import { findTarget, makePromptTarget } from '../../src/app/target.ts'
import { makeHome } from '../processes.ts'

export const fixtures = import.meta.dirname

/** Imported Python runs on the user's own; without one there is nothing to run here. */
export const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) console.warn('SKIPPED: there is no python3 here; imported Python is converted, but not run')

export interface Workshop {
  readonly folder: string
  readonly project: string
  readonly env: Record<string, string>
}

/** A project without anything in it. */
export function makeWorkshop(): Workshop {
  const project = mkdtempSync(join(tmpdir(), 'llm-orc-import-'))
  const folder = join(project, '.llm-orc')
  mkdirSync(folder)
  return { folder, project, env: { ...makeHome().env, LLM_ORC_SCRIPT: join(fixtures, 'answers.yaml') } }
}

export async function importInto(
  shop: Workshop,
  source: string,
  more: Partial<ImportOrder> = {},
): Promise<ImportReport> {
  const app = await createApp({ cwd: shop.project, env: shop.env })
  try {
    return await importFiles(app, { source: join(fixtures, source), dry_run: false, force: false, ...more })
  } finally {
    await app.close()
  }
}

/** Every profile that was imported, and the default one, answered by the scripted provider; their fallbacks stay. */
function makeScriptedLayer(shop: Workshop): string {
  const folder = mkdtempSync(join(tmpdir(), 'llm-orc-layer-'))
  const files = listYaml(join(shop.folder, 'profiles'))
  const profiles = files.map((text) => {
    const name = /^name: (.*)$/m.exec(text)?.[1] ?? ''
    const fallback = /^fallback_model_profile: (.*)$/m.exec(text)?.[1]
    return `  ${name}: { provider: scripted, model: ${name}${fallback === undefined ? '' : `, fallback: ${fallback}`} }`
  })
  writeFileSync(
    join(folder, 'config.yaml'),
    `model_profiles:\n  default: { provider: scripted, model: default }\n${profiles.join('\n')}\n`,
  )
  return folder
}

export function listYaml(folder: string): string[] {
  try {
    return readdirSync(folder)
      .toSorted()
      .map((name) => readFileSync(join(folder, name), 'utf8'))
  } catch {
    return []
  }
}

export async function runImported(shop: Workshop, path: string, input: string): Promise<RunResult> {
  return withLayer(shop, async (app) => {
    const target = await findTarget(app, join(shop.folder, path))
    return runTarget(app, { target, input: input === '' ? (target.default_input ?? 'Hello.') : input }, {})
  })
}

/** One prompt to each of these profiles. */
export async function askProfiles(shop: Workshop, names: readonly string[]): Promise<RunResult> {
  return withLayer(shop, async (app) =>
    runTarget(app, { target: await makePromptTarget(app, names), input: 'Hello.' }, {}),
  )
}

async function withLayer<T>(
  shop: Workshop,
  work: (app: Awaited<ReturnType<typeof createApp>>) => Promise<T>,
): Promise<T> {
  const app = await createApp({ cwd: shop.project, env: shop.env, configDir: makeScriptedLayer(shop) })
  try {
    return await work(app)
  } finally {
    await app.close()
  }
}

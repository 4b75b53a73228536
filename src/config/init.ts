import { mkdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { OrcError } from '../events/errors.ts'

export interface InitOptions {
  /** Default: the name of the folder. */
  readonly name?: string
  /** Write an example script too (default true). */
  readonly scripts?: boolean
}

export interface InitReport {
  /** The `.llm-orc` folder. */
  readonly folder: string
  readonly written: readonly string[]
  /** What was there already, and was left alone. */
  readonly kept: readonly string[]
}

/**
 * Makes a folder a project. Nothing that exists is changed, so a second call writes only what was removed since the first.
 * Throws OrcError `file_unreadable` when `.llm-orc` cannot be a folder there.
 */
export async function initProject(directory: string, options: InitOptions = {}): Promise<InitReport> {
  const root = resolve(directory)
  const folder = join(root, '.llm-orc')
  const written: string[] = []
  const kept: string[] = []
  try {
    for (const name of ['ensembles', 'profiles', 'scripts']) await mkdir(join(folder, name), { recursive: true })
    for (const [name, text] of Object.entries(listFiles(options.name ?? basename(root), options.scripts !== false))) {
      const file = join(folder, name)
      await mkdir(dirname(file), { recursive: true })
      ;((await writeNew(file, text)) ? written : kept).push(file)
    }
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    const { code, path = folder } = error as NodeJS.ErrnoException
    throw new OrcError({
      code: 'file_unreadable',
      message: `${path} cannot be written (${code})`,
      hint: (await stat(folder).then(
        (info) => info.isDirectory(),
        () => false,
      ))
        ? 'Check the owner and the rights of the folder, and the space left on the disk.'
        : `${folder} has to be a folder.`,
      file: path,
    })
  }
  return { folder, written, kept }
}

async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function listFiles(name: string, scripts: boolean): { readonly [name: string]: string } {
  return {
    'config.yaml': CONFIG.replace('NAME', () => JSON.stringify(name)),
    'ensembles/example.yaml': ENSEMBLE,
    ...(scripts ? { 'scripts/count_words.mjs': SCRIPT } : {}),
    '.env.example': ENV_EXAMPLE,
    '.gitignore': IGNORED,
  }
}

const CONFIG = `project:
  name: NAME

# Used by agents that name no profile.
# default_profile: local

model_profiles:
  local:
    provider: ollama
    model: llama3.2
    timeout_seconds: 120
    # fallback_model_profile: another-profile
`

const ENSEMBLE = `name: example
description: Picks fields from JSON and counts what it found; needs no model.
default_task: Show what an ensemble does.
agents:
  - name: pick
    script: primitives/data-transform/json_extract.py
    parameters:
      json_data: '{"title": "Example", "pages": 3, "draft": true}'
      fields: [title, pages]
  - name: repeat
    script: primitives/control-flow/replicate_n_times.py
    depends_on: [pick]
    parameters:
      replications: 2
      seed: 7
`

const SCRIPT = `// Input: {"input": "any text"} on standard input
// Output: {"success": true, "words": number}
// Safety: pure
let text = ''
for await (const chunk of process.stdin) text += chunk
const { input = '' } = JSON.parse(text || '{}')
const words = (typeof input === 'string' ? input : JSON.stringify(input)).split(/\\s+/).filter(Boolean).length
console.log(JSON.stringify({ success: true, words }))
`

const ENV_EXAMPLE = `# Copy to .env and fill in what you use. Variables that are really set win over this file.
# ANTHROPIC_API_KEY=
# OPENAI_API_KEY=
# GEMINI_API_KEY=
`

const IGNORED = `.env
artifacts/
cache/
`

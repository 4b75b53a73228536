/** Small projects on disk, and a second config layer that puts named profiles onto the fake server. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { makeHome } from '../processes.ts'

export interface Project {
  readonly cwd: string
  readonly env: Record<string, string>
}

/** A project folder with these files below `.llm-orc/`, and a home of its own. */
export function makeProject(files: Record<string, string>): Project {
  const cwd = mkdtempSync(join(tmpdir(), 'llm-orc-project-'))
  mkdirSync(join(cwd, '.llm-orc'))
  for (const [name, text] of Object.entries(files)) {
    const file = join(cwd, '.llm-orc', name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return { cwd, env: makeHome().env }
}

/** A config layer in which each of the profiles speaks to one server, and those of `more` each to another. */
export function makeLayer(profiles: readonly string[], url: string, more: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'llm-orc-layer-'))
  const all = [...profiles.map((name) => [name, url]), ...Object.entries(more)]
  const lines = all.map(([name, at]) => `  ${name}: {provider: openai-compatible, model: fake, base_url: "${at}"}`)
  writeFileSync(join(folder, 'config.yaml'), `model_profiles:\n${lines.join('\n')}\n`)
  return folder
}

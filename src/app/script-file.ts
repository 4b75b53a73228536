import { readFile } from 'node:fs/promises'
import { OrcError } from '../events/errors.ts'
import { parseYaml } from '../graph/yaml.ts'
import type { Script } from '../providers/scripted-schema.ts'

/** The script of the `scripted` provider, from the file that LLM_ORC_SCRIPT names; without one it answers by itself. */
export async function readScript(file: string | undefined): Promise<Script | undefined> {
  if (!file) return undefined
  const text = await readFile(file, 'utf8').catch(() => {
    throw new OrcError({
      code: 'not_found',
      message: `the script ${file} named by LLM_ORC_SCRIPT cannot be read`,
      file,
    })
  })
  const parsed = parseYaml(text, file)
  if (parsed.problems.length > 0) throw new OrcError(parsed.problems)
  const { parseScript } = await import('../providers/scripted-schema.ts')
  return parseScript(parsed.data, file)
}

/**
 * The program's words performed in this process: read, checked, performed and shown by the same code, without the half second that a
 * process of its own takes to start. For what stands in results; signals, pipes, terminals and exits want the real one (processes.ts).
 */
import { createApp } from '../src/app/create-app.ts'
import { findOperation } from '../src/app/operations.ts'
import { ERROR_CODES, OrcError } from '../src/events/errors.ts'
import { stringifyClean } from '../src/events/views/clean.ts'
import { exitCodeFor } from '../src/surfaces/cli/exits.ts'
import { parseArguments } from '../src/surfaces/cli/parse.ts'
import { TREE } from '../src/surfaces/cli/quick.ts'
import { renderProblems } from '../src/surfaces/cli/render/problem.ts'
import { createStyle } from '../src/surfaces/cli/render/style.ts'
import { chooseOutput } from '../src/surfaces/cli/settings.ts'
import { showResult } from '../src/surfaces/cli/show/shows.ts'

interface Shown {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const style = createStyle({ color: false, unicode: true })

export async function runInside(
  words: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<Shown> {
  let stderr = ''
  try {
    const { command, input, settings } = await parseArguments(TREE, words)
    const operation = await findOperation(command.name)
    if (!operation) throw new Error(`there is no operation ${command.name}`)
    const mode = chooseOutput(settings, { isTTY: false, streams: false })
    const app = await createApp({ cwd, env, configDir: settings.config_dir })
    try {
      const { signal } = new AbortController()
      const say = (text: string) => {
        stderr += `${text}\n`
      }
      const result = await operation.run(operation.input.parse(input), { app, signal, say })
      const page = { style, rich: false, terminal: false }
      const { text, aside } =
        mode === 'json' ? { text: stringifyClean(result, 2) } : await showResult(command.name, result, page)
      if (aside) stderr += `${app.redact(aside)}\n`
      return { code: exitCodeFor(command.name, result), stdout: text && `${app.redact(text)}\n`, stderr }
    } finally {
      await app.close()
    }
  } catch (error) {
    if (!(error instanceof OrcError)) throw error
    return { code: ERROR_CODES[error.code].exit, stdout: '', stderr: `${stderr}${renderProblems(error, style)}\n` }
  }
}

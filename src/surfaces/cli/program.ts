import { ERROR_CODES, OrcError } from '../../events/errors.ts'
import { cleanLine, cleanText, stringifyClean } from '../../events/views/clean.ts'
import { performCall, styleFor } from './call.ts'
import { type Outlet, openOutlet } from './outlet.ts'
import { parseArguments } from './parse.ts'
import { TREE } from './quick.ts'
import { renderProblems } from './render/problem.ts'
import type { Settings } from './settings.ts'

/** How long something may still hold the program when all is done, ms. */
const GRACE_MS = 1000

/** The program from the command line's words to its exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  const outlet = openOutlet(process.stdout)
  // Who closes stderr does not want to hear; that is no reason to fail.
  process.stderr.on('error', () => {})
  let settings: Settings = {}
  let code: number
  // What goes wrong where nobody waits for it is told like everything else.
  process.on('uncaughtException', (error) => {
    void reportFailure(error, settings, outlet).then((exit) => process.exit(exit))
  })
  try {
    const parsed = await parseArguments(TREE, args)
    settings = parsed.settings
    code = await performCall(parsed, outlet)
  } catch (error) {
    code = outlet.closed.aborted && !(error instanceof OrcError) ? 0 : await reportFailure(error, settings, outlet)
  }
  setTimeout(() => process.exit(), GRACE_MS).unref()
  return code
}

/** Expected failures as problems, anything else in one line without its stack. */
async function reportFailure(error: unknown, settings: Settings, outlet: Outlet): Promise<number> {
  const style = styleFor(settings, process.stderr)
  const known = error instanceof OrcError ? error : describeSurprise(error)
  process.stderr.write(`${renderProblems(known, style)}\n`)
  if (!(error instanceof OrcError) && process.env.LLM_ORC_DEBUG === '1') {
    process.stderr.write(`${cleanText((error instanceof Error && error.stack) || String(error))}\n`)
  }
  if (settings.output === 'json' || settings.output_format === 'json') {
    await outlet.write(`${stringifyClean({ problems: known.problems }, 2)}\n`).catch(() => {})
  }
  return ERROR_CODES[known.code].exit
}

function describeSurprise(error: unknown): OrcError {
  const message = cleanLine(error instanceof Error ? error.message : String(error))
  const hint = 'This is a fault of the program; please report it. To see where: LLM_ORC_DEBUG=1'
  return new OrcError({ code: 'internal', message, hint })
}

import type { Call } from '../../app/operation.ts'
import { findOperation } from '../../app/operations.ts'
import { OrcError } from '../../events/errors.ts'
import { stringifyClean } from '../../events/views/clean.ts'
import { toExecution } from '../../events/views/execution.ts'
import type { RunReport } from '../../events/views/run-report.ts'
import { describeEvent } from './event-line.ts'
import { exitCodeFor } from './exits.ts'
import { createFaces } from './faces.ts'
import { listenForInterrupts } from './interrupt.ts'
import type { Outlet } from './outlet.ts'
import { nameField, type Parsed } from './parse.ts'
import type { Live } from './render/live.ts'
import { createStyle, type Style, wantsColor, wantsUnicode } from './render/style.ts'
import { takeSeat } from './seat.ts'
import { chooseOutput, type OutputMode, type Settings } from './settings.ts'
import { showResult } from './show/shows.ts'
import { readPipedInput } from './stdin.ts'

/** Performs what a command line asks for and prints its result; answers with the exit code. Throws OrcError for expected failures. */
export async function performCall(parsed: Parsed, outlet: Outlet): Promise<number> {
  const { command, settings } = parsed
  const mode = chooseOutput(settings, {
    isTTY: outlet.isTTY,
    streams: command.options.some(({ field }) => field === 'streaming'),
  })
  const input = await fillFromStandardInput(parsed)
  const operation = await findOperation(command.name)
  if (!operation) throw new Error(`the generated tree has ${command.name}, the table of operations has not`)
  const checked = operation.input.safeParse(input)
  if (!checked.success) {
    throw new OrcError(
      checked.error.issues.map(({ path, message }) => ({
        code: 'bad_input' as const,
        message: path[0] === undefined ? message : `${nameField(command, String(path[0]))}: ${message}`,
        hint: `Help: llm-orc ${command.name} --help`,
      })),
    )
  }
  const { createApp } = await import('../../app/create-app.ts')
  const seat = takeSeat(mode, settings)
  const app = await createApp({
    cwd: process.cwd(),
    env: process.env,
    configDir: settings.config_dir,
    company: seat?.company,
  })
  const sink: Outlet = { ...outlet, write: (text) => outlet.write(app.redact(text)) }
  const place = { mode, settings, outlet: sink, redact: app.redact }
  const watch = await createWatch(command.name, place)
  const { stdin, stderr } = process
  const page = { style: styleFor(settings, stderr), width: stderr.columns || 80, rich: true, terminal: true }
  const { hold, say } = watch
  seat?.furnish({ input: stdin, output: stderr, page, redact: app.redact, hold, say: (text) => say(app.redact(text)) })
  const interrupts = listenForInterrupts(() => {
    if (!settings.quiet) watch.say('Stopping; press Ctrl-C again to end at once.\n')
  })
  let result: unknown
  try {
    const signal = AbortSignal.any([interrupts.signal, outlet.closed])
    const person = await seat?.person()
    const faces = createFaces(say)
    result = await operation.run(checked.data, {
      app,
      signal,
      watcher: watch.watcher,
      faces,
      ...(settings.quiet ? {} : { say: (text: string) => say(`${app.redact(text)}\n`) }),
      ...(person ? { person } : {}),
    })
  } catch (error) {
    if (interrupts.signal.aborted && !(error instanceof OrcError)) return 130
    throw error
  } finally {
    watch.stop()
    await app.close()
    interrupts.release()
  }
  if (mode === 'lines' && hasReport(result)) watch.finish(result.report)
  else await printResult(command.name, result, place)
  if (outlet.closed.aborted) return 0
  // A server ends by being told to.
  return interrupts.signal.aborted && !hasReport(result) && command.name !== 'serve' && command.name !== 'mcp serve'
    ? 130
    : exitCodeFor(command.name, result)
}

/** A field that may come from standard input gets it when `-` asks for it or nothing else is given. */
async function fillFromStandardInput({ command, input, settings }: Parsed): Promise<Parsed['input']> {
  const field = command.stdin
  const hasWork =
    input['prompt'] !== undefined ||
    input['step'] !== undefined ||
    command.arguments.some((argument) => argument.field !== field && input[argument.field] !== undefined)
  if (field === undefined || !hasWork) return input
  const given = Object.keys(input).filter((name) => name === field || name === `${field}_file`)
  const asked = given.find((name) => input[name] === '-')
  if (asked === undefined && given.length > 0) return input
  const isEnough = input['prompt'] !== undefined || input['param'] !== undefined
  const need = asked !== undefined ? 'asked' : isEnough ? 'extra' : 'missing'
  const text = await readPipedInput(need, () => {
    if (settings.quiet) return
    const next =
      need === 'extra'
        ? 'going on without it (--input - waits for it)'
        : 'waiting for its end; give an input, or </dev/null, to do without it'
    process.stderr.write(`Nothing has come from standard input yet: ${next}.\n`)
  })
  const { [asked ?? '']: _, ...rest } = input
  return text === undefined ? rest : { ...rest, [field]: text }
}

interface Setting {
  readonly mode: OutputMode
  readonly settings: Settings
  readonly outlet: Outlet
  /** What stderr is written through. */
  redact(text: string): string
}

/** What looks on while an operation works: progress on stderr, event lines on stdout. */
async function createWatch(operation: string, { mode, settings, outlet }: Setting) {
  const say = (line: string) => {
    // Whoever reads may leave; then the call is ended through `outlet.closed`.
    outlet.write(line).catch(() => {})
  }
  const lines = mode === 'lines' ? (await import('./older-lines.ts')).createOlderLines(say) : undefined
  const live = operation === 'runs tail' ? undefined : await createProgress(settings)
  const style = styleFor(settings, outlet)
  const watcher: NonNullable<Call['watcher']> = {
    events: (events) => {
      for (const event of events) {
        live?.event(event)
        lines?.event(event)
        if (operation === 'runs tail') say(`${mode === 'json' ? stringifyClean(event) : describeEvent(event, style)}\n`)
      }
    },
    delta: (step, _attempt, { text }) => live?.delta(step, text),
  }
  return {
    watcher,
    /** A word to the person, beside the progress. */
    hold: () => live?.hold() ?? (() => {}),
    say: (text: string) => (live ? live.say(text) : void process.stderr.write(text)),
    finish: (report: RunReport) => lines?.finish(report),
    stop: () => {
      lines?.stop()
      live?.stop()
    },
  }
}

async function createProgress(settings: Settings): Promise<Live | undefined> {
  const { stderr } = process
  const mode = settings.progress ?? (stderr.isTTY ? 'inline' : undefined)
  if (mode === undefined || (settings.quiet && settings.progress === undefined)) return undefined
  const { createLive } = await import('./render/live.ts')
  return createLive({ stream: stderr, mode, style: styleFor(settings, stderr), clock: Date.now })
}

export function styleFor(settings: Settings, stream: { readonly isTTY?: boolean | undefined }): Style {
  const color = settings.color !== false && wantsColor(process.env, stream.isTTY === true)
  return createStyle({ color, unicode: wantsUnicode(process.env) })
}

async function printResult(
  operation: string,
  result: unknown,
  { mode, settings, outlet, redact }: Setting,
): Promise<void> {
  // What a face over standard output had to say is said.
  if (result === undefined) return
  if (mode === 'execution' && hasReport(result)) {
    await outlet.write(`${stringifyClean({ ...toExecution(result.report), run: result.report.run }, 2)}\n`)
    return
  }
  if (mode !== 'rich' && mode !== 'text') {
    if (operation !== 'runs tail') await outlet.write(`${stringifyClean(result, 2)}\n`)
    return
  }
  const rich = mode === 'rich'
  const page = {
    style: rich ? styleFor(settings, outlet) : createStyle({ color: false, unicode: wantsUnicode(process.env) }),
    ...(rich ? { width: outlet.columns } : {}),
    rich,
    terminal: outlet.isTTY,
  }
  const { text, aside } = await showResult(operation, result, page)
  if (text !== '') await outlet.write(`${text}\n`)
  if (aside && !settings.quiet) process.stderr.write(`${redact(aside)}\n`)
}

function hasReport(result: unknown): result is { readonly report: RunReport } {
  return typeof result === 'object' && result !== null && 'report' in result
}

/** Kills a worker at random times until its run is over, and checks what must hold after each kill. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readEvents } from '../../src/engine/engine.ts'
import type { Event } from '../../src/events/event.ts'
import { openSqliteJournal } from '../../src/journal/sqlite.ts'

export interface KillReport {
  readonly kills: number
  readonly runs: number
  /** Events that had been shown and were gone. */
  readonly lost: number
  /** Calls made again although their answer had been recorded. */
  readonly repeated: number
  /** Unsafe effects performed more than once. */
  readonly doubled: number
  readonly unknown: number
  /** Runs without exactly one end (or, with an unsafe effect, a rest). */
  readonly endless: number
}

export async function killUntil(
  kills: number,
  how: { readonly unsafe: boolean; readonly random: () => number; readonly worker?: string },
): Promise<KillReport> {
  const report = { kills: 0, runs: 0, lost: 0, repeated: 0, doubled: 0, unknown: 0, endless: 0 }
  while (report.kills < kills) {
    const folder = mkdtempSync(join(tmpdir(), 'llm-orc-crash-'))
    try {
      await killOneRun(folder, report, { ...how, most: kills })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return report
}

async function killOneRun(
  folder: string,
  report: { -readonly [K in keyof KillReport]: number },
  how: { unsafe: boolean; random: () => number; most: number; worker?: string },
): Promise<void> {
  const path = join(folder, 'journal.db')
  const log = join(folder, 'touched.log')
  const shown = new Map<number, string>()
  report.runs += 1
  for (let round = 0; round < 60; round++) {
    const mayKill = report.kills < how.most
    const ended = await runWorker([path, log, how.unsafe ? 'unsafe' : ''], {
      killAfter: mayKill ? how.random() : undefined,
      shown,
      worker: how.worker,
    })
    const answered = await answeredKeys(path)
    const touchedBefore = readLog(log).length
    if (ended === 'killed') report.kills += 1
    const events = await eventsIn(path)
    for (const [seq, hash] of shown) if (events[seq - 1]?.hash !== hash) report.lost += 1
    if (ended !== 'killed') break
    repeatedChecks.push({ log, answered, touchedBefore })
  }
  const lines = readLog(log)
  for (const check of repeatedChecks.splice(0)) {
    for (const line of lines.slice(check.touchedBefore))
      if (check.answered.has(line.split(' ')[1] ?? '')) report.repeated += 1
  }
  const deeds = lines.filter((line) => line.startsWith('unsafe ')).length
  if (deeds > 1) report.doubled += 1
  const events = await eventsIn(path)
  if (events.some((event) => event.type === 'effect-unknown')) report.unknown += 1
  const ends = events.filter((event) => event.type === 'run-finished').length
  const rests = how.unsafe && events.at(-1)?.type === 'run-paused'
  if (ends !== 1 && !rests) report.endless += 1
}

const repeatedChecks: { log: string; answered: Set<string>; touchedBefore: number }[] = []

function runWorker(
  args: string[],
  how: { killAfter: number | undefined; shown: Map<number, string>; worker?: string | undefined },
): Promise<'killed' | 'ended'> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [how.worker ?? join(import.meta.dirname, 'worker.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let killed = false
    let rest = ''
    let timer: NodeJS.Timeout | undefined
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      // The clock of the kill starts with the first event shown: start-up is not what is tested.
      if (how.killAfter !== undefined) timer ??= setTimeout(() => (killed = child.kill('SIGKILL')), how.killAfter * 120)
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const [seq, hash] = line.split(' ')
        if (seq !== 'end' && hash) how.shown.set(Number(seq), hash)
      }
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      if (killed) resolve('killed')
      else if (code === 0) resolve('ended')
      else reject(new Error(`the worker ended with ${code}`))
    })
  })
}

async function eventsIn(path: string): Promise<Event[]> {
  const { journal, close } = await openSqliteJournal({ path })
  const events: Event[] = []
  for await (const event of readEvents({ journal }, 'run-1')) events.push(event)
  await close()
  return events
}

async function answeredKeys(path: string): Promise<Set<string>> {
  const keys = new Set<string>()
  for (const event of await eventsIn(path)) if (event.type === 'effect-done') keys.add(event.data.key)
  return keys
}

function readLog(log: string): string[] {
  return existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : []
}

/** Starts victims, ends them, and keeps what they had shown. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import type { Victim } from './worker.ts'

/** One line of a victim about one event. */
export interface Shown {
  readonly seq: number
  readonly hash: string
  /** ms of the victim's monotonic clock. */
  readonly mono: number
  readonly type: string
  /** The effect's key or the step's id. */
  readonly of: string
}

export interface Ended {
  /** How the run ended in this process, or the code it failed with. */
  readonly end: 'killed' | 'finished' | 'resting' | 'held' | (string & {})
  readonly code: number | null
  readonly shown: readonly Shown[]
}

export interface Violence {
  /** ms from the first event shown, for start-up is not what is tested. */
  readonly killAfter?: number
  /** Arguments of a tracer that makes system calls fail or kill. */
  readonly strace?: readonly string[]
}

export interface Victims {
  /** A folder that goes with them. */
  newFolder(): string
  run(victim: Victim, violence?: Violence): Promise<Ended>
  remove(): void
}

/** Bundles the worker once, so that a kill costs little more than the start of Node. */
export async function prepareVictims(): Promise<Victims> {
  const root = mkdtempSync(join(tmpdir(), 'llm-orc-crash-'))
  const file = join(root, 'worker.mjs')
  const bundle = await rolldown({ input: join(import.meta.dirname, 'worker.ts'), platform: 'node' })
  await bundle.write({ file, format: 'esm', codeSplitting: false })
  await bundle.close()
  return {
    newFolder: () => mkdtempSync(join(root, 'run-')),
    run: (victim, violence = {}) => runVictim(file, victim, violence),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

function runVictim(file: string, victim: Victim, { killAfter, strace }: Violence): Promise<Ended> {
  const words = [process.execPath, file, JSON.stringify(victim)]
  if (strace) words.unshift('strace', '-f', '-qq', '-o', '/dev/null', ...strace)
  const child: ChildProcess = spawn(words[0] as string, words.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve) => {
    const shown: Shown[] = []
    let end = 'broken'
    let rest = ''
    let timer: NodeJS.Timeout | undefined
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (killAfter !== undefined) timer ??= setTimeout(() => child.kill('SIGKILL'), killAfter)
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const [seq = '', hash = '', mono = '', type = '', of = ''] = line.split(' ')
        if (seq === 'end') end = line.slice(4)
        else shown.push({ seq: Number(seq), hash, mono: Number(mono), type, of })
      }
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ end: signal === 'SIGKILL' ? 'killed' : end, code, shown })
    })
  })
}

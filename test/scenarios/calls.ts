/** Operations called in this process, as a face calls them, in a project on disk. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { App } from '../../src/app/app.ts'
import type { Ask } from '../../src/app/asks.ts'
import { createApp } from '../../src/app/create-app.ts'
import { findOperation } from '../../src/app/operations.ts'
import type { Person, Word } from '../../src/app/person.ts'
import { type RunResult, requireRun } from '../../src/app/runs.ts'
import { OrcError } from '../../src/events/errors.ts'
import { exitCodeFor } from '../../src/surfaces/cli/exits.ts'
import type { Project } from './project.ts'

export function writeUserPolicy({ env }: Project, text: string): void {
  const file = join(env.XDG_CONFIG_HOME ?? '', 'llm-orchestrator', 'policy.yaml')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

export async function call(
  { cwd, env }: Project,
  name: string,
  input: Record<string, unknown>,
  person?: Person,
): Promise<RunResult & { readonly code: number }> {
  const app: App = await createApp({ cwd, env })
  const operation = await findOperation(name)
  if (!operation) throw new Error(`there is no operation ${name}`)
  try {
    const { signal } = new AbortController()
    const result = await operation.run(operation.input.parse(input), { app, signal, ...(person ? { person } : {}) })
    return { ...(result as RunResult), code: exitCodeFor(name, result) }
  } finally {
    await app.close()
  }
}

export async function eventTypes({ cwd, env }: Project, run: string): Promise<string[]> {
  const app = await createApp({ cwd, env })
  try {
    return (await requireRun(app, run)).map(({ type }) => type)
  } finally {
    await app.close()
  }
}

export async function codesOf(work: Promise<unknown>): Promise<readonly string[]> {
  return work.then(
    () => [],
    (error: unknown) => {
      if (error instanceof OrcError) return error.problems.map(({ code }) => code)
      throw error
    },
  )
}

/** Answers as told, and keeps what it was asked. */
export function seat(
  answer: (ask: Ask) => Omit<Word & { readonly say: 'yes' }, 'key'> | Omit<Word, 'key'> | undefined,
) {
  const rounds: (readonly Ask[])[] = []
  const person: Person = {
    answer: async (asks) => {
      rounds.push(asks)
      return asks.flatMap((ask): Word[] => {
        const said = answer(ask)
        return said ? [{ key: ask.key, ...said } as Word] : []
      })
    },
  }
  return { person, rounds }
}

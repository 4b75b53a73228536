import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import { detachProcess } from '../detach.ts'
import { defineOperation } from '../operation.ts'
import { prepareRun, type RunOrder, runTarget } from '../runs.ts'
import { findTarget, makePromptTarget } from '../target.ts'

/** What is said when an ensemble is run without any input. */
const NO_INPUT = 'Please analyse what you are given, from your own point of view.'

export const runOperation = defineOperation({
  name: 'run',
  summary: 'Run an ensemble, or put a prompt to one or several models.',
  input: z.object({
    target: z.string().optional().describe('An ensemble, by name or path.'),
    input: z.string().optional().describe('What it is to work on; also read from a pipe.'),
    input_file: z.string().optional().describe('A file that holds the input.'),
    prompt: z.string().optional().describe('A prompt for models, instead of an ensemble.'),
    model: z
      .array(z.string())
      .default([])
      .describe('A model profile, PROVIDER/MODEL or a model name; may be repeated.'),
    parallel: z.boolean().default(false).describe('Ask several models side by side (the default).'),
    sequential: z.boolean().default(false).describe('Ask several models one after another.'),
    max_concurrent: z.int().min(1).optional().describe('Steps that may run at once.'),
    timeout_seconds: z.number().positive().optional().describe('The run ends when this time is over.'),
    seed: z.string().optional().describe('Makes every choice by chance repeatable.'),
    detach: z.boolean().default(false).describe('Start it in the background and print its id.'),
  }),
  run: async (input, { app, signal, watcher }) => {
    if (input.target === undefined && input.prompt === undefined) {
      const hint = 'For example: llm-orc run document-brief < notes.md, or: llm-orc run -p "Why is the sky blue?"'
      throw new OrcError({
        code: 'bad_input',
        message: 'there is nothing to run: name an ensemble or give a prompt',
        hint,
      })
    }
    if (input.target !== undefined && input.prompt !== undefined) {
      const hint = `Give the ensemble its input instead: llm-orc run ${input.target} "…"`
      throw new OrcError({ code: 'bad_input', message: 'a run has an ensemble or a prompt, not both', hint })
    }
    const target =
      input.target === undefined ? await makePromptTarget(app, input.model) : await findTarget(app, input.target)
    const given = input.input ?? (await readInput(input.input_file))
    // A prompt speaks about what is given with it: `git diff | llm-orc run -p "Review this"`.
    const asked = input.prompt === undefined ? given : [input.prompt, given].filter(Boolean).join('\n\n')
    const text = asked ?? target.default_input ?? NO_INPUT
    const order: RunOrder = {
      target,
      input: text,
      ...(input.seed === undefined ? {} : { seed: input.seed }),
      limits: {
        ...(input.sequential ? { max_concurrent: 1 } : {}),
        ...(input.max_concurrent === undefined ? {} : { max_concurrent: input.max_concurrent }),
        ...(input.timeout_seconds === undefined ? {} : { timeout_ms: Math.round(input.timeout_seconds * 1000) }),
      },
    }
    if (!input.detach) return runTarget(app, order, { signal, ...(watcher ? { watcher } : {}) })
    const run = await prepareRun(app, order)
    await detachProcess(app, ['runs', 'resume', run])
    return { run, status: 'detached' as const, provider_notes: target.notes }
  },
})

async function readInput(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(file, 'utf8')
  } catch {
    throw new OrcError({ code: 'not_found', message: `the input file ${file} cannot be read`, file })
  }
}

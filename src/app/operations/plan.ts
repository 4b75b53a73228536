import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import { levelsOf, type Plan } from '../../graph/plan.ts'
import type { App } from '../app.ts'
import { defineOperation, steeringOf } from '../operation.ts'
import { runTarget } from '../runs.ts'
import { makePlanTarget } from '../target-plan.ts'
import { joinPrompt, readInput } from './run.ts'

export const planOperation = defineOperation({
  name: 'plan',
  summary: 'Let a planner model split a request into tasks, and show them without doing any.',
  input: z.object({
    request: z.string().optional().describe('What is to be done; also read from a pipe.'),
    input: z.string().optional().describe('The material it is about.'),
    input_file: z.string().optional().describe('A file that holds the material.'),
    model: z
      .array(z.string())
      .default([])
      .describe('A profile or model that tasks may be done by; may be repeated, the first is the usual one.'),
    planner_model: z.string().optional().describe('The profile or model that plans.'),
    save: z.string().optional().describe('A file to write the plan to, for `run --plan-file`.'),
    timeout_seconds: z.number().positive().optional().describe('The planning ends when this time is over.'),
    seed: z.string().optional().describe('Makes every choice by chance repeatable.'),
  }),
  run: async (input, call) => {
    const { app } = call
    const given = input.input ?? (await readInput(input.input_file))
    const request = joinPrompt(input.request, given)
    if (request === undefined || request.trim() === '') {
      const hint = 'Say what is to be done: llm-orc plan "…"'
      throw new OrcError({ code: 'bad_input', message: 'there is nothing to plan', hint })
    }
    const target = await makePlanTarget(app, { models: input.model, planner: input.planner_model, only_plan: true })
    const { timeout_seconds, seed } = input
    const order = {
      target,
      input: request,
      ...(seed === undefined ? {} : { seed }),
      ...(timeout_seconds === undefined ? {} : { limits: { timeout_ms: Math.round(timeout_seconds * 1000) } }),
    }
    const result = await runTarget(app, order, steeringOf(call))
    const made = result.report.agents.find(({ name }) => name === 'plan')
    if (result.status !== 'succeeded' || made?.output === undefined) return result
    const plan = arrangePlan(request, made.output as unknown as Plan)
    const saved = input.save === undefined ? undefined : await savePlan(app, input.save, plan)
    return {
      run: result.run,
      ...plan,
      levels: levelsOf(plan),
      ...(saved === undefined ? {} : { saved }),
      provider_notes: result.provider_notes,
    }
  },
})

/** Journals keep keys in the order of the alphabet; people read a task from its id on. */
function arrangePlan(request: string, { tasks, edges }: Plan): Plan {
  return {
    request,
    tasks: tasks.map(({ id, type, description, requirements, quality_criteria }) => {
      const { capability, min_quality, ...models } = requirements
      return { id, type, description, requirements: { capability, min_quality, ...models }, quality_criteria }
    }),
    edges: edges.map(({ from, to, join }) => ({ from, to, join })),
  }
}

async function savePlan(app: App, file: string, plan: Plan): Promise<string> {
  const path = resolve(app.paths.cwd, file)
  try {
    await writeFile(path, `${JSON.stringify(plan, null, 2)}\n`)
  } catch {
    throw new OrcError({ code: 'output_failed', message: `the plan cannot be written to ${file}`, file })
  }
  return file
}

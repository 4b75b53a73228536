import * as z from 'zod'
import { checkSections, type FoundChain, readChains, readWorkflows } from '../../config/chains.ts'
import { editConfig, findOwnConfig } from '../../config/edit-config.ts'
import { isError, OrcError } from '../../events/errors.ts'
import type { AgentSpec } from '../../graph/agent-spec.ts'
import { checkName } from '../../graph/name.ts'
import type { App } from '../app.ts'
import { listConversation } from '../conversation.ts'
import { defineOperation } from '../operation.ts'
import { backUp, needConfirmation } from '../own-files.ts'
import { compileSteps, findChainTarget, findWorkflowTarget, requireChain } from '../target-chain.ts'
import { readParamWords } from '../target-named.ts'
import { joinPrompt, readInput, requirePrompt, startFields, startRun } from './run.ts'

const chain = z.string().min(1).describe('The name of the chain.')
const workflow = z.string().min(1).describe('The name of the workflow.')

const inputFields = {
  input: z.string().optional().describe('What it is to work on; also read from a pipe.'),
  input_file: z.string().optional().describe('A file that holds the input.'),
  prompt: z.string().optional().describe('The prompt; what comes from a pipe or file stands below it.'),
}

export const listChains = defineOperation({
  name: 'chain list',
  summary: 'List the saved chains and their steps.',
  input: z.object({}),
  run: async (_, { app }) => {
    const chains = [...readChains(app.config).values()].map(({ name, level, file, steps, problems }) => ({
      name,
      source: level,
      ...(file === undefined ? {} : { file }),
      steps,
      ...(problems[0] ? { problem: problems[0].message } : {}),
    }))
    return { chains, problems: checkSections(app.config) }
  },
})

export const showChain = defineOperation({
  name: 'chain show',
  summary: 'Show a chain: who does what with which model, and what each step is told.',
  input: z.object({ name: chain }),
  run: async ({ name }, { app }) => {
    const { file, level } = requireChain(app, name)
    const target = await findChainTarget(app, name)
    const steps = target.graph.steps.map(({ id, spec }) => {
      const { title, system, candidates } = spec as unknown as AgentSpec
      return { name: id, title, models: candidates.map(({ provider, model }) => `${provider}/${model}`), system }
    })
    return { name, source: level, ...(file === undefined ? {} : { file }), steps, warnings: target.warnings }
  },
})

export const runChain = defineOperation({
  name: 'chain run',
  summary: 'Run a saved chain: each step works on the answer of the one before it.',
  input: z.object({ name: chain, ...inputFields, ...startFields }),
  run: async (input, call) => {
    const target = await findChainTarget(call.app, input.name)
    const given = input.input ?? (await readInput(input.input_file))
    const text = requirePrompt(joinPrompt(input.prompt, given))
    const result = await startRun(call, { target, input: text }, input)
    return 'report' in result
      ? { ...result, conversation: listConversation(target.graph, result.report, text) }
      : result
  },
})

export const saveChain = defineOperation({
  name: 'chain save',
  summary: 'Save a chain under a name, in the config file of the project or, outside of one, of the user.',
  input: z.object({
    name: chain,
    step: z.array(z.string()).min(1).describe('A step, as Role>/Persona)-Model; repeat it for each.'),
    force: z.boolean().default(false).describe('Replace a chain of this name.'),
  }),
  run: async ({ name, step, force }, { app }) => {
    const unfit = checkName(name)
    if (unfit) throw new OrcError(unfit)
    const { problems } = await compileSteps(app, step, { name })
    // A model may be missing on this machine and there on another; a step that cannot be read is a mistake everywhere.
    const broken = problems.filter((problem) => problem.code === 'chain_invalid' && isError(problem))
    if (broken.length > 0) throw new OrcError(broken)
    const file = await findOwnConfig(app.paths)
    const known = readChains(app.config).get(name)
    if (known?.file === file && !force) {
      const hint = `It has ${describeSteps(known)}. Add --force to replace it.`
      throw new OrcError({ code: 'confirmation_needed', message: `there is a chain "${name}" in ${file}`, hint })
    }
    const steps = step.map((text) => text.trim())
    const backup = known?.file === file ? await backUp(file) : undefined
    await editConfig(file, ['chains', name], steps)
    return {
      name,
      file,
      steps,
      replaced: known?.file === file,
      ...(backup === undefined ? {} : { backup }),
      warnings: problems.map((one) => ({ ...one, severity: 'warning' as const })),
    }
  },
})

export const deleteChain = defineOperation({
  name: 'chain delete',
  summary: 'Remove a saved chain from its config file.',
  input: z.object({ name: chain, confirm: z.boolean().default(false).describe('Really remove it.') }),
  run: async ({ name, confirm }, { app }) => {
    const found = requireChain(app, name)
    const file = requireOwnFile(app, found)
    if (!confirm) throw needConfirmation(`this removes the chain "${name}" (${describeSteps(found)}) from ${file}`)
    const backup = await backUp(file)
    await editConfig(file, ['chains', name], undefined)
    return { name, file, deleted: true, backup }
  },
})

export const listWorkflows = defineOperation({
  name: 'workflow list',
  summary: 'List the workflows, their parameters and what is wrong with them.',
  input: z.object({}),
  run: async (_, { app }) => {
    const workflows = [...readWorkflows(app.config).values()].map((found) => ({
      name: found.name,
      source: found.level,
      ...(found.file === undefined ? {} : { file: found.file }),
      description: found.workflow?.description ?? '',
      params: (found.workflow?.params ?? []).map((param) => ({ ...param })),
      steps: (found.workflow?.steps ?? []).map(({ name, tool, gate }) => ({
        name,
        tool: tool ?? 'gate',
        gated: gate !== undefined,
      })),
      problems: found.problems,
    }))
    return { workflows, problems: checkSections(app.config) }
  },
})

export const runWorkflow = defineOperation({
  name: 'workflow run',
  summary: 'Run a workflow with parameters.',
  input: z.object({
    name: workflow,
    param: z.array(z.string()).default([]).describe('A parameter, as NAME=VALUE; may be repeated.'),
    ...inputFields,
    ...startFields,
  }),
  run: async (input, call) => {
    const prompt = joinPrompt(input.prompt, input.input ?? (await readInput(input.input_file)))
    const given = { params: readParamWords(input.param), prompt }
    const { target, params } = await findWorkflowTarget(call.app, input.name, given)
    return startRun(call, { target, input: params }, input)
  },
})

function describeSteps({ steps }: FoundChain): string {
  return `${steps.length} ${steps.length === 1 ? 'step' : 'steps'}`
}

/** Only files that are this user's to edit are edited: not variables, nor the homes of earlier programs, nor the system's. */
function requireOwnFile({ paths }: App, { name, level, file }: FoundChain): string {
  if (file !== undefined && ['project', 'user', 'extra'].includes(level)) return file
  const message = `the chain "${name}" stands in ${file ?? `the ${level}`}, which is not edited from here`
  const hint = `A chain of the same name in ${paths.project_dir ?? paths.config} hides it.`
  throw new OrcError({ code: 'file_unreadable', message, hint })
}

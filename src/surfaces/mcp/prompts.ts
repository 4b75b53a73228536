import type { GetPromptResult, Prompt } from '@modelcontextprotocol/server'
import { cleanText } from '../../events/views/clean.ts'
import { listEnsembles } from './ensemble-tools.ts'
import { type McpMeans, perform } from './means.ts'
import type { CompletionWish } from './offer.ts'

const input = { name: 'input', description: 'What it is to work on.' }

const OWN: readonly Prompt[] = [
  {
    name: 'run-ensemble',
    description: 'Run an ensemble and tell what came of it.',
    arguments: [{ name: 'ensemble', description: 'The name of the ensemble.', required: true }, input],
  },
  {
    name: 'design-ensemble',
    description: 'Plan an ensemble for a task, make it, check it.',
    arguments: [
      { name: 'task', description: 'What the ensemble is for.', required: true },
      { name: 'profile', description: 'The model profile its agents should use.' },
    ],
  },
]

interface Role {
  readonly name: string
  readonly summary: string
}

/** Our own, and each role of the user and the library. */
export async function listPrompts(means: McpMeans): Promise<readonly Prompt[]> {
  const own = new Set(OWN.map(({ name }) => name))
  const roles = (await readRoles(means)).filter(({ name }) => !own.has(name))
  return [...OWN, ...roles.map(({ name, summary }) => ({ name, description: cleanText(summary), arguments: [input] }))]
}

/** Undefined when there is no such prompt. */
export async function getPrompt(
  means: McpMeans,
  name: string,
  given: Readonly<Record<string, string>>,
): Promise<GetPromptResult | undefined> {
  const about = OWN.find((prompt) => prompt.name === name)
  if (about)
    return {
      description: about.description as string,
      messages: [say(name === 'run-ensemble' ? askRun(given) : askDesign(given))],
    }
  if (!(await readRoles(means)).some((role) => role.name === name)) return undefined
  const { prompt, context } = await perform<{ prompt: string; context?: string }>(means, 'roles show', {
    input: { name },
  })
  const text = [prompt, context, given['input']].filter((part) => part !== undefined && part !== '').join('\n\n')
  return { messages: [say(means.app.redact(text))] }
}

function askRun({ ensemble = '', input: work }: Readonly<Record<string, string>>): string {
  const material = work === undefined || work === '' ? 'without an input of its own' : `on this input:\n\n${work}`
  return `Run the ensemble "${ensemble}" with the tool invoke ${material}\n\nThen say what each agent answered, and what follows from it. If one failed, say why.`
}

function askDesign({ task = '', profile }: Readonly<Record<string, string>>): string {
  const model = profile === undefined || profile === '' ? '' : ` Its agents use the model profile "${profile}".`
  return `Design an ensemble for this task: ${task}\n\nLook first whether the library has one (library_search).${model} Make it with create_ensemble, check it with validate_ensemble and check_ensemble_runnable, and show me the agents and what each waits for before it is run.`
}

function say(text: string) {
  return { role: 'user' as const, content: { type: 'text' as const, text } }
}

async function readRoles(means: McpMeans): Promise<readonly Role[]> {
  return (await perform<{ readonly roles: readonly Role[] }>(means, 'roles list', {})).roles
}

/** Names that begin with what is typed, then those that hold it. */
export async function completeArgument(means: McpMeans, wish: CompletionWish): Promise<readonly string[]> {
  const known = await listKnown(means, wish)
  const typed = wish.typed.toLowerCase()
  const begins = known.filter((each) => each.toLowerCase().startsWith(typed))
  return [...begins, ...known.filter((each) => !begins.includes(each) && each.toLowerCase().includes(typed))]
}

async function listKnown(means: McpMeans, { of, argument, others }: CompletionWish): Promise<readonly string[]> {
  if (argument === 'profile') {
    const { profiles } = await perform<{ readonly profiles: readonly { name: string }[] }>(means, 'profiles list', {})
    return profiles.map(({ name }) => name)
  }
  const isEnsemble = argument === 'ensemble' || ('template' in of && of.template === 'llm-orc://ensemble/{name}')
  if (isEnsemble) return (await listEnsembles(means)).map(({ name }) => name)
  if (argument !== 'id' || others['ensemble'] === undefined) return []
  type Listed = { readonly artifacts: readonly { readonly id: string }[] }
  const { artifacts } = await perform<Listed>(means, 'artifacts list', { input: { ensemble: others['ensemble'] } })
  return artifacts.map(({ id }) => id)
}

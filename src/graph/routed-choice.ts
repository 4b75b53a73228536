import * as z from 'zod'
import type { ModelCard } from '../events/model-card.ts'
import { type Requirements, ROUTE_METHODS, type RoutePlan } from '../events/routing.ts'

const name = z.string().min(1).max(200)
const share = z.number().min(0).max(1)
const size = z.number().int().positive()
const weight = z.number().nonnegative().optional()

export const candidatesBlock = z
  .array(name)
  .min(1)
  .describe('Profiles and PROVIDER/MODEL, one of which is chosen for each call instead of one model for all.')

export const requirementsBlock = z
  .strictObject({
    capability: name
      .optional()
      .describe('What it has to be good at, as in the `skills` of models, for example `coding`.'),
    min_quality: share.optional().describe('The least skill in it.'),
    context_window: size.optional().describe('Tokens of input and output together, at least.'),
    tools: z.literal(true).optional().describe('It can call tools.'),
    vision: z.literal(true).optional().describe('It reads images.'),
    json: z.literal(true).optional().describe('It can be held to a JSON Schema.'),
    reasoning: z.literal(true).optional().describe('It thinks before it answers.'),
    max_cost_per_call: z
      .number()
      .positive()
      .max(1_000_000)
      .optional()
      .describe('US dollars that a call may be expected to cost.'),
    max_latency_ms: z.number().positive().optional().describe('Slower models come after the others.'),
    providers: z.array(name).min(1).optional().describe('Only models of these providers.'),
  })
  .describe('What a model has to be; one of the known profiles that are so is chosen for each call.')

export const routingBlock = z
  .strictObject({
    method: z.enum(ROUTE_METHODS).optional().describe('How models are compared; usually `weighted`.'),
    weights: z
      .strictObject({ skill: weight, success: weight, latency: weight, cost: weight, context: weight })
      .optional()
      .describe('What counts how much; brought to 1 in all.'),
    exploration: share.optional().describe('How often a model is tried that is known less well; usually 0.05.'),
  })
  .describe('How one of `candidates`, or of those that fit `requirements`, is chosen.')

/** One of several models, as users write it. */
export type RoutedChoice = {
  readonly candidates?: readonly string[]
  readonly requirements?: z.infer<typeof requirementsBlock>
  readonly routing?: z.infer<typeof routingBlock>
}

/** How a profile that chooses stands among those that are a model: it has no provider of its own. */
export function makeChooser(name: string, { candidates, requirements, routing }: RoutedChoice) {
  const choice: RoutedChoice = present({ candidates, requirements, routing })
  return { name, provider: ROUTER, model: name, choice }
}

/** Stands for the provider of profiles that choose. */
const ROUTER = 'router'

export function isRouted({ candidates, requirements }: RoutedChoice): boolean {
  return candidates !== undefined || requirements !== undefined
}

/** The choice in the units of the engine. `among`: how many candidates it has. */
export function readRoutePlan({ requirements, routing }: RoutedChoice, among: number): RoutePlan {
  const { weights, method, exploration } = routing ?? {}
  return {
    among,
    ...(requirements === undefined ? {} : { requirements: readRequirements(requirements) }),
    ...(weights === undefined ? {} : { weights: present(weights) }),
    ...(method === undefined ? {} : { method }),
    ...(exploration === undefined ? {} : { exploration }),
  }
}

function readRequirements({ max_cost_per_call: dollars, ...others }: z.infer<typeof requirementsBlock>): Requirements {
  return { ...present(others), ...(dollars === undefined ? {} : { max_cost_per_call: Math.round(dollars * 1e9) }) }
}

type Present<Source> = { [Key in keyof Source]: Exclude<Source[Key], undefined> }

function present<Source extends object>(source: Source): Present<Source> {
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined)) as Present<Source>
}

/** Facts of a model that settle whether it fits; what is measured later is no matter of these. */
const ABLE = ['tools', 'vision', 'json', 'reasoning'] as const

/**
 * What keeps a model from fitting, in words; empty when it fits. `vouched`: somebody named the model for it, so what is not known of it
 * is no obstacle.
 */
export function listObstacles(
  model: { readonly provider: string; readonly card?: ModelCard | undefined },
  { requirements = {}, routing }: RoutedChoice,
  vouched: boolean,
): readonly string[] {
  const { card } = model
  const missing: string[] = []
  const { providers, context_window, min_quality, capability } = requirements
  if (providers && !providers.includes(model.provider)) missing.push(`is of ${model.provider}`)
  for (const able of ABLE) {
    if (!requirements[able] || card?.[able]) continue
    if (card?.[able] === false || !vouched) missing.push(`has no ${able}`)
  }
  if (context_window !== undefined && !((card?.context_window ?? (vouched ? context_window : 0)) >= context_window))
    missing.push(`context_window ${card?.context_window ?? 'unknown'}`)
  // The older formulas weigh quality instead of asking for it; among models that were named it is looked at with each call.
  if (min_quality === undefined || vouched || (routing?.method ?? 'weighted') !== 'weighted') return missing
  const skill = card?.skills?.[capability ?? 'text-generation']
  if (skill === undefined || skill < min_quality) missing.push(`quality ${skill ?? 'unknown'}`)
  return missing
}

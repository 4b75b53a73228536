import * as z from 'zod'
import type { Json, JsonObject } from '../events/values.ts'
import { assembleBlock } from './assemble.ts'
import { budgetBlock, stepBudgetBlock } from './budget.ts'
import { agentCacheBlock, cacheBlock } from './cache-policy.ts'
import { contextBlock } from './context-block.ts'
import { candidatesBlock, requirementsBlock, routingBlock } from './routed-choice.ts'
import { verifyBlock } from './verify.ts'

// setTimeout counts in 31 bits of milliseconds.
const MAX_SECONDS = 2_147_483

const text = z.string()
const name = z.string().min(1).max(200)
const seconds = z.number().positive().max(MAX_SECONDS)
const map = z.record(z.string(), z.unknown())
const count = z.number().int().positive()

const dependency = z.union([
  name,
  z.strictObject({
    step: name.optional().describe('The step to wait for.'),
    agent_name: name.optional().describe('Older word for `step`.'),
    on: z
      .enum(['always', 'success', 'failure'])
      .optional()
      .describe('Which end of the other step lets this one start.'),
    condition: text.optional().describe('Older word for `on`.'),
    max_executions: count.optional(),
    requires_all: z.boolean().optional(),
  }),
])

const retry = z.union([
  count.describe('Attempts in all, the first included.'),
  z.strictObject({
    attempts: count.describe('Attempts in all, the first included.'),
    delay_seconds: z.number().nonnegative().max(MAX_SECONDS).optional(),
  }),
])

const modelSource = {
  model_profile: name.optional().describe('A name in `model_profiles:`.'),
  model: name.optional(),
  provider: name.optional(),
}

const tier = z.enum(['process', 'landlock', 'bwrap', 'srt', 'container', 'gvisor'])
const sandbox = z.union([
  tier.describe('The sandbox that a script runs in; settings may demand a stronger one.'),
  z.strictObject({
    tier: tier.optional(),
    read: z.array(name).optional().describe('Folders (`src/**`) and files it sees; without it the whole project.'),
    write: z.array(name).optional().describe('Folders and files it may change; without it none.'),
    hosts: z.array(name).optional().describe('Hosts it may reach; without it no network.'),
    rules: z.boolean().optional().describe('Its code has to follow the rules for code.'),
  }),
])

/** Read and checked, and refused when the ensemble is run. */
export const LATER_AGENT_KEYS = {
  approval: z.unknown().optional(),
  prompt: text.optional(),
  mode: text.optional(),
  mcp_servers: z.unknown().optional(),
  conversation: z
    .strictObject({
      max_turns: count.optional(),
      state_key: text.optional(),
      triggers_conversation: z.unknown().optional(),
    })
    .optional(),
  ollama_format: z.unknown().optional(),
}

const tools = z
  .union([
    z.array(name),
    z.strictObject({
      use: z.array(name),
      max_turns: count.max(1000).optional().describe('Answers of the model in all, those with calls included.'),
    }),
  ])
  .describe(
    'Tools the model may call: NAME, NAME@RANGE or mcp:SERVER:*. Of an agent that runs others: all they may use.',
  )

const items = z.union([text, z.array(z.unknown())])

/** When, how often and with what an agent works. */
const flow = {
  when: text.optional().describe('CEL, or the older `${agent.field}`: the agent runs only if it holds.'),
  fan_out: z.boolean().optional().describe('Once per item of the list that the first dependency gives.'),
  for_each: z
    .union([items, z.strictObject({ in: items, width: count.optional().describe('How many items at once.') })])
    .optional()
    .describe('Once per item: a list, or CEL that gives one.'),
  max_parallel: count.optional().describe('How many items of `fan_out` or `for_each` at once; without it all.'),
  ensemble: name.optional().describe('The name of another ensemble that does the work.'),
  dispatch: text.optional().describe('CEL, or the older `${agent.field}`, that gives the name of the ensemble to run.'),
  input_key: name.optional().describe('One key of the first dependency’s JSON object becomes the input.'),
  input_scope: z.enum(['dependencies', 'all']).optional().describe('`dependencies`: the original input is left out.'),
  template: z
    .union([text, z.strictObject({ prompt: text.optional(), system: text.optional() })])
    .optional()
    .describe('Liquid over `input` and `steps`: the whole prompt.'),
  output_schema: map.optional().describe('A JSON Schema of the answer, which then is data and no text.'),
  verify: verifyBlock.optional().describe('What the answer must fulfil before the agent has succeeded.'),
  assemble: assembleBlock.optional().describe('How the answers of the dependencies become one.'),
}

const agent = z
  .strictObject({
    name: name.describe('Unique in the file; the key of the result.'),
    type: z.enum(['llm', 'script']).optional(),
    ...modelSource,
    candidates: candidatesBlock.optional(),
    requirements: requirementsBlock.optional(),
    routing: routingBlock.optional(),
    base_url: text.optional(),
    temperature: z.number().min(0).max(2).optional(),
    max_tokens: count.optional(),
    options: map.optional().describe('Passed to the provider untouched.'),
    fallback: name.optional().describe('The model profile to take when this one fails.'),
    fallback_model_profile: name.optional().describe('Older word for `fallback`.'),
    system_prompt: text.optional(),
    role: text.optional(),
    script: name.max(100_000).optional().describe('A path, the name of a script, or the text of a shell script.'),
    command: name.max(100_000).optional(),
    parameters: map.optional(),
    environment: z.record(z.string(), z.string()).optional(),
    sandbox: sandbox.optional(),
    budget: stepBudgetBlock.optional(),
    safety: z.enum(['pure', 'idempotent', 'unsafe']).optional().describe('May the script run twice for one intent?'),
    depends_on: z.union([name, z.array(dependency)]).optional(),
    dependencies: z.array(dependency).optional().describe('Older word for `depends_on`.'),
    timeout_seconds: seconds.optional(),
    synthesis_timeout_seconds: z.unknown().optional(),
    retry: retry.optional(),
    on_unknown: z.enum(['ask', 'retry', 'fail']).optional(),
    output_format: text.optional(),
    ...flow,
    get loop() {
      return loop.optional()
    },
    tools: tools.optional(),
    cache: agentCacheBlock.optional(),
    context: contextBlock.optional(),
    ...LATER_AGENT_KEYS,
  })
  .meta({ id: 'agent' })

const loop = z.strictObject({
  get body() {
    const agents = z.array(agent).min(1)
    return z
      .union([name, agents, z.strictObject({ agents })])
      .describe('What a round does: agents, or the name of an ensemble.')
  },
  until: text.optional().describe('CEL over the round’s steps, `round` and `input`: the loop ends when it holds.'),
  max_iterations: count.max(10_000).describe('A loop without a bound is refused.'),
  carry: text.optional().describe('CEL over the round’s steps: the input of the next round.'),
})

const coordinator = z.strictObject({
  ...modelSource,
  system_prompt: text.optional(),
  synthesis_prompt: text.optional(),
  output_format: text.optional(),
  timeout_seconds: seconds.optional(),
  synthesis_timeout_seconds: seconds.optional(),
})

const schemaCheck = z.strictObject({
  agent: name,
  required_fields: z.array(text).optional(),
  output_schema: z.union([text, map]).optional().describe('A JSON Schema of the agent’s output.'),
})

const validation = z.strictObject({
  structural: z
    .strictObject({
      required_agents: z.array(name).optional(),
      max_execution_time: z.number().nonnegative().optional(),
      min_execution_time: z.number().nonnegative().optional(),
    })
    .optional(),
  schema: z.array(schemaCheck).optional(),
  schema_validations: z.array(schemaCheck).optional(),
  behavioral: z.array(z.strictObject({ name, description: text.optional(), assertion: text })).optional(),
  quantitative: z
    .array(
      z.strictObject({
        metric: z.enum(['execution_time', 'agent_count']),
        threshold: text.describe('For example `< 30`.'),
        description: text.optional(),
        record: z.boolean().optional(),
      }),
    )
    .optional(),
  semantic: z
    .strictObject({
      enabled: z.boolean().optional(),
      validator_model: text.optional(),
      criteria: z.unknown().optional(),
    })
    .optional(),
})

const testMode = z.strictObject({
  enabled: z.boolean().optional(),
  llm_simulation: z
    .array(
      z.strictObject({
        agent: name,
        model: name.optional(),
        persona: z.enum(['helpful_user', 'critical_reviewer', 'domain_expert']).optional(),
        cached_responses: map.optional(),
      }),
    )
    .optional(),
})

/** Top-level keys of later versions; those marked harmless only describe. */
export const LATER_KEYS: { readonly [key: string]: 'refused' | 'harmless' } = {
  conversation_limits: 'refused',
  approval: 'refused',
  mode: 'refused',
  sandbox: 'refused',
  verify: 'refused',
  output_schema: 'harmless',
  topaz_skill: 'harmless',
  serves: 'harmless',
  output_substrate: 'harmless',
  output_retention: 'harmless',
  calibration_substrate_access: 'harmless',
  seat_contract: 'harmless',
}

/** The file as written, before the generations are brought to one form. */
export const ensembleFile = z.strictObject({
  name: name.describe('What the ensemble is called; need not equal the file name.'),
  description: text.optional().describe('One line for lists.'),
  agents: z.array(agent).min(1),
  budget: budgetBlock.optional(),
  default_task: text.optional().describe('The input when none is given.'),
  task: text.optional().describe('Older word for `default_task`.'),
  coordinator: coordinator.optional().describe('Older way to say: one last agent that sees all answers.'),
  assemble: assembleBlock.optional().describe('How the last answers become one.'),
  tools: z.array(name).optional().describe('Tools of every agent that names none of its own.'),
  cache: cacheBlock.optional(),
  validation: validation.optional(),
  test_mode: testMode.optional(),
  raw_output: z.boolean().optional().describe('The result is the last answer alone, without a report around it.'),
  strict: z.boolean().optional().describe('Unknown keys and a missing description are errors.'),
  ...Object.fromEntries(Object.keys(LATER_KEYS).map((key) => [key, z.unknown().optional()])),
})

export type AgentFile = z.infer<typeof agent>
export type EnsembleFile = z.infer<typeof ensembleFile>

/** The keys that the format knows at a place of the file. */
export function knownKeysAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = ensembleFile
  for (const step of path) {
    const at = unwrap(schema, step)
    if (at instanceof z.ZodArray) schema = at.element
    else if (at instanceof z.ZodObject) schema = at.shape[String(step)]
    else return []
  }
  const at = unwrap(schema)
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

/** Of several forms the list or map that the next step of the path can go into. */
function unwrap(schema: unknown, next?: PropertyKey): unknown {
  let at = schema
  while (at instanceof z.ZodOptional) at = at.unwrap()
  if (!(at instanceof z.ZodUnion)) return at
  const wantsList = typeof next === 'number'
  return at.options.find((option) => option instanceof (wantsList ? z.ZodArray : z.ZodObject))
}

/** The published JSON Schema (draft 2020-12) of an ensemble file, for editors. */
export function ensembleJsonSchema(): JsonObject {
  const { $schema, ...schema } = z.toJSONSchema(ensembleFile, { io: 'input' }) as { [key: string]: Json }
  return { $schema: $schema ?? null, title: 'Ensemble', description: 'Agents and who waits for whom.', ...schema }
}

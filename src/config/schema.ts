import * as z from 'zod'
import { budgetBlock, stepBudgetBlock } from '../graph/budget.ts'
import { contextBlock } from '../graph/context-block.ts'
import { candidatesBlock, requirementsBlock, routingBlock } from '../graph/routed-choice.ts'
import { mcpServerSchema } from './mcp-schema.ts'

const text = z.string().min(1)
const flag = z.boolean()
const count = z.number().int().nonnegative()
const size = z.number().int().positive()
// setTimeout counts in 31 bits of milliseconds.
const seconds = z.number().positive().max(2_147_483)
const origin = z.string().regex(/^https?:\/\/[a-z0-9.-]+(:\d{1,5})?$/i, 'an origin like https://app.example.org')
const hostName = z.string().regex(/^([a-z0-9.-]+|\[[\da-f:.]+\])(:(\d{1,5}|\*))?$/i, 'a name like orc.example.org')
/** Read by others, who know its form. */
const foreign = z.unknown()

const outerBudget = stepBudgetBlock.omit({ max_seconds: true })

/** One `config.yaml`. Nothing is required and nothing has a default here: a setting that nobody made stays absent. */
export const settingsSchema = z.strictObject({
  project: z
    .strictObject({
      name: text.describe('What the project is called.').optional(),
      default_models: z.record(z.string(), text).describe('Purpose to profile, for example `test`.').optional(),
    })
    .optional(),
  default_profile: text.describe('The model profile of agents that name none.').optional(),
  model_profiles: foreign.optional(),
  providers: z
    .record(
      z.string(),
      z.strictObject({
        type: text
          .describe('The kind of provider behind a name of your own, for example `openai-compatible`.')
          .optional(),
        base_url: text.optional(),
        connections: size.describe('Calls to it at once.').optional(),
        stream: flag.describe('Whether answers are streamed; usually true.').optional(),
        timeout_seconds: seconds.optional(),
        api_key_env: text.describe('The environment variable that holds the key.').optional(),
        limits: z
          .strictObject({
            requests_per_minute: size.describe('Calls per minute under one key, of all processes.').optional(),
            tokens_per_minute: size.describe('Tokens per minute under one key, in and out together.').optional(),
            window_seconds: seconds.describe('Another window than a minute for both.').optional(),
          })
          .optional(),
        breaker: z
          .union([
            z.literal('off'),
            z.strictObject({
              failures: size.describe('Failures in a row after which a model is not asked; usually 5.').optional(),
              seconds: seconds.describe('Between two tries whether it is back; usually 30.').optional(),
            }),
          ])
          .optional(),
      }),
    )
    .optional(),
  library: z
    .strictObject({ path: text.describe('A library of your own, before the shipped one.').optional() })
    .optional(),
  performance: z
    .strictObject({
      concurrency: z
        .strictObject({
          max_concurrent_agents: count.describe('Steps at once; 0 = no limit.').optional(),
          max_per_provider: size
            .describe('Calls to one provider at once, unless it has its own `connections`.')
            .optional(),
          adaptive_enabled: flag.optional(),
          base_limit: count.optional(),
          min_limit: count.optional(),
          max_limit: count.optional(),
        })
        .optional(),
      execution: z
        .strictObject({
          default_timeout: seconds.describe('Seconds one agent may take.').optional(),
          monitoring_enabled: flag.optional(),
          streaming_enabled: flag.optional(),
        })
        .optional(),
      connection_pool: z
        .strictObject({
          max_connections: size.optional(),
          max_keepalive_connections: count.optional(),
          keepalive_expiry: seconds.optional(),
        })
        .optional(),
      memory: z.strictObject({ efficient_mode: flag.optional(), max_memory_mb: count.optional() }).optional(),
      streaming_enabled: flag.describe('Older place of `execution.streaming_enabled`.').optional(),
      timeout_seconds: seconds.describe('Older place of `execution.default_timeout`.').optional(),
    })
    .optional(),
  plan: z
    .strictObject({
      model: text.describe('The profile or model that plans; without it the one that does the tasks.').optional(),
      max_tokens: size.describe('For the planner.').optional(),
      temperature: z.number().nonnegative().describe('For the planner.').optional(),
      repair_limit: count
        .max(10)
        .describe('How often a planner is asked again when its plan cannot be used; usually 2.')
        .optional(),
      max_tasks: size.max(1000).describe('Tasks of a plan; usually 20.').optional(),
      max_depth: size.max(1000).describe('Tasks that wait for each other in a row; usually 8.').optional(),
      max_concurrent: count.describe('Tasks at once; usually 5, 0 = no limit.').optional(),
      approve: flag.describe('A person is shown every plan before it is carried out.').optional(),
      assemble: z
        .enum(['concatenate', 'merge', 'best', 'synthesize'])
        .describe('How the last results become one answer; usually `concatenate`.')
        .optional(),
      profiles: z.record(z.string(), text).describe('Capability to profile, for example `coding`.').optional(),
    })
    .optional(),
  context: contextBlock.optional(),
  verify: z
    .strictObject({
      enabled: flag.describe('Whether answers are checked; usually true.').optional(),
      repair_limit: count
        .max(100)
        .describe('How often the first model is asked again when a check fails; usually 2.')
        .optional(),
      output_attempts: size
        .max(20)
        .describe('How often each model is asked for an answer that follows its `output_schema`; usually 3.')
        .optional(),
    })
    .optional(),
  sandbox: z
    .strictObject({
      tier: z
        .enum(['process', 'landlock', 'bwrap'])
        .describe('Programs run in a sandbox at least as strong as this one.')
        .optional(),
      fallback: z
        .enum(['process', 'landlock'])
        .describe('The weaker sandbox that may be taken where a stronger one is missing; usually none.')
        .optional(),
    })
    .optional(),
  budgets: z
    .strictObject({
      run: budgetBlock.describe('Every run, unless it says less.').optional(),
      day: outerBudget.describe('All runs of a day (UTC) together.').optional(),
      month: outerBudget.describe('All runs of a month (UTC) together.').optional(),
      profiles: z
        .record(z.string(), outerBudget.extend({ per: z.enum(['day', 'month']).optional() }))
        .describe('Profile to what it may spend a day, or a month.')
        .optional(),
      keys: z
        .record(z.string(), outerBudget.extend({ per: z.enum(['day', 'month']).optional() }))
        .describe('Access key to what its runs may spend a day, or a month.')
        .optional(),
    })
    .optional(),
  serve: z
    .strictObject({
      host: text.describe('The address the server listens at; usually 127.0.0.1.').optional(),
      port: count.max(65_535).describe('The port it listens at; usually 8765.').optional(),
      public_url: z
        .url({ protocol: /^https?$/ })
        .describe('How others reach it, where that is not its own address: behind a proxy.')
        .optional(),
      cors: z.array(origin).describe('Origins of pages that may ask, beside its own.').optional(),
      allowed_hosts: z.array(hostName).describe('Names it answers to, beside its own addresses.').optional(),
      oidc: z
        .strictObject({
          issuer: z.url({ protocol: /^https?$/ }).describe('Whose tokens are taken.'),
          audience: text.describe('What a token has to be made for.'),
          jwks_url: z
            .url({ protocol: /^https?$/ })
            .describe('Where its keys are; usually it says so itself.')
            .optional(),
          algorithms: z
            .array(z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']))
            .min(1)
            .describe('Ways of signing that are taken; usually all of these.')
            .optional(),
          clock_skew_seconds: count.max(300).describe('How far clocks may differ; usually 30.').optional(),
          scopes: z
            .record(z.string(), z.array(z.enum(['read', 'run', 'write', 'approve', 'admin'])))
            .describe('A scope of tokens to rights here; usually `llm-orc:read` is `read`, and so on.')
            .optional(),
          requests_per_minute: size.describe('For each owner of tokens.').optional(),
          concurrent: size.describe('Runs under way, for each owner of tokens.').optional(),
        })
        .optional(),
    })
    .optional(),
  telemetry: z
    .strictObject({
      otlp_endpoint: z
        .url({ protocol: /^https?$/ })
        .describe('Where traces go, for example http://127.0.0.1:4318; usually nowhere.')
        .optional(),
      content: flag.describe('Whether traces hold what was asked and answered; usually false.').optional(),
    })
    .optional(),
  cache: z
    .strictObject({
      enabled: flag.describe('Whether answers may come from the cache, and be kept in it; usually true.').optional(),
      default: z
        .enum(['off', 'exact'])
        .describe('For agents that ask a model and name no `cache`; usually `off`.')
        .optional(),
      ttl_seconds: z
        .number()
        .positive()
        .describe('For `default: exact`: an answer older than this does not serve.')
        .optional(),
      max_mb: size.describe('How large the cache may grow; usually 256.').optional(),
    })
    .optional(),
  script_cache: z
    .strictObject({
      enabled: flag.describe('Whether scripts may be answered from the cache; usually true.').optional(),
      ttl_seconds: seconds.describe('For scripts whose `cache` names no time.').optional(),
      max_size: count.optional(),
      persist_to_artifacts: flag.optional(),
    })
    .optional(),
  mcp_servers: z.record(z.string(), mcpServerSchema).describe('MCP servers whose tools agents may use.').optional(),
  mcp: z
    .strictObject({
      tool_budget_tokens: size
        .describe('Tokens that the tools of a step may take; above it the model searches for them. Usually 4000.')
        .optional(),
    })
    .optional(),
  main_llm: z.strictObject({ provider: text, model: text.optional() }).optional(),
  chains: foreign.optional(),
  workflows: foreign.optional(),
})

export type Settings = z.infer<typeof settingsSchema>

/** One model profile as files write it. */
export const profileSchema = z.strictObject({
  name: text.optional(),
  model: text,
  provider: text,
  description: z.string().optional(),
  cost_per_token: z
    .number()
    .nonnegative()
    .describe('Dollars, the same for input and output; used where nobody says better.')
    .optional(),
  system_prompt: z.string().optional(),
  timeout_seconds: seconds.optional(),
  fallback_model_profile: text.describe('The profile to take when this one fails.').optional(),
  fallback: text.describe('Short for `fallback_model_profile`.').optional(),
  temperature: z.number().nonnegative().optional(),
  max_tokens: size.optional(),
  options: z.record(z.string(), z.json()).describe('Given to the provider untouched.').optional(),
  base_url: text.optional(),
})

/** A profile that chooses between models instead of being one. */
export const chooserSchema = profileSchema
  .omit({ model: true, provider: true, cost_per_token: true, options: true, base_url: true })
  .extend({
    candidates: candidatesBlock.optional(),
    requirements: requirementsBlock.optional(),
    routing: routingBlock.optional(),
  })

/** The keys a schema knows at a place; none inside maps of the user's own names. */
export function knownKeysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = unwrap(schema)
  for (const step of path) {
    if (at instanceof z.ZodObject) at = unwrap(at.shape[String(step)])
    else if (at instanceof z.ZodRecord) at = unwrap(at.valueType)
    else return []
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

/** The keys whose values another reader understands. */
export function foreignKeys(schema: z.ZodType): readonly string[] {
  const at = unwrap(schema)
  if (!(at instanceof z.ZodObject)) return []
  return Object.entries(at.shape).flatMap(([key, below]) => (unwrap(below) instanceof z.ZodUnknown ? [key] : []))
}

/** Every single setting, as its path and the type of its value; maps of the user's own names are left out. */
export function listSettings(schema: unknown = settingsSchema, above: readonly string[] = []): SettingPlace[] {
  const at = unwrap(schema)
  if (at instanceof z.ZodObject)
    return Object.entries(at.shape).flatMap(([key, below]) => listSettings(below, [...above, key]))
  if (at instanceof z.ZodString || at instanceof z.ZodStringFormat || at instanceof z.ZodEnum)
    return [{ path: above, type: 'text' }]
  if (at instanceof z.ZodNumber) return [{ path: above, type: 'number' }]
  if (at instanceof z.ZodBoolean) return [{ path: above, type: 'boolean' }]
  return []
}

export interface SettingPlace {
  readonly path: readonly string[]
  readonly type: 'text' | 'number' | 'boolean'
}

function unwrap(schema: unknown): unknown {
  let at = schema
  while (at instanceof z.ZodOptional) at = at.unwrap()
  return at
}

import { type ErrorCode, OrcError } from '../events/errors.ts'
import type { CompatibleOptions } from './openai-compatible.ts'
import type { ModelInfo, Provider } from './provider.ts'
import type { ScriptedOptions } from './scripted.ts'
import type { Script } from './scripted-schema.ts'

/** A kind of provider a user can name. */
export interface Vendor {
  readonly name: string
  /** Other names that mean the same, older ones among them. */
  readonly aliases: readonly string[]
  readonly title: string
  /** Runs on this machine: no key, no bill. */
  readonly local: boolean
  /** Environment variables a key is looked for in, in this order; none when it takes no key. */
  readonly key_names: readonly string[]
  readonly key_required: boolean
  /** Environment variables that may hold another address. */
  readonly url_names: readonly string[]
  readonly base_url?: string
  /** The model when nobody names one; without it, the first the server lists. */
  readonly model?: string
}

export interface VendorOptions extends CompatibleOptions {
  /** For `scripted` only. */
  readonly script?: Script
  readonly sleep?: NonNullable<ScriptedOptions['sleep']>
}

interface Row extends Partial<Vendor> {
  readonly name: string
  readonly title: string
  readonly create: (options: VendorOptions) => Promise<Provider>
}

const compatible =
  (more: CompatibleOptions = {}) =>
  async (options: VendorOptions): Promise<Provider> =>
    (await import('./openai-compatible.ts')).createOpenAICompatible({ ...more, ...options })

const ROWS: readonly Row[] = [
  {
    name: 'anthropic',
    aliases: ['anthropic-api', 'claude', 'anthropic-claude-pro-max', 'claude-pro-max'],
    title: 'Anthropic',
    key_names: ['ANTHROPIC_API_KEY'],
    url_names: ['ANTHROPIC_BASE_URL'],
    base_url: 'https://api.anthropic.com/v1',
    model: 'claude-sonnet-5',
    create: async (options) => (await import('./anthropic.ts')).createAnthropic(options),
  },
  {
    name: 'openai',
    aliases: ['openai-api', 'gpt'],
    title: 'OpenAI',
    key_names: ['OPENAI_API_KEY'],
    url_names: ['OPENAI_BASE_URL'],
    base_url: 'https://api.openai.com/v1',
    model: 'gpt-5.6',
    create: async (options) => (await import('./openai.ts')).createOpenAI(options),
  },
  {
    name: 'google',
    aliases: ['google-gemini', 'gemini'],
    title: 'Google Gemini',
    key_names: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    base_url: 'https://generativelanguage.googleapis.com/v1beta',
    model: 'gemini-3.8-flash',
    create: async (options) => (await import('./google.ts')).createGoogle(options),
  },
  {
    name: 'xai',
    aliases: ['grok', 'x-ai'],
    title: 'xAI',
    key_names: ['XAI_API_KEY', 'GROK_API_KEY'],
    base_url: 'https://api.x.ai/v1',
    model: 'grok-latest',
    create: async (options) => (await import('./xai.ts')).createXai(options),
  },
  {
    name: 'mistral',
    title: 'Mistral',
    key_names: ['MISTRAL_API_KEY'],
    base_url: 'https://api.mistral.ai/v1',
    model: 'mistral-large-latest',
    // Refuses fields it does not know, and counts tokens without being asked.
    create: compatible({ defaults: { stream_options: null } }),
  },
  {
    name: 'deepseek',
    title: 'DeepSeek',
    key_names: ['DEEPSEEK_API_KEY'],
    base_url: 'https://api.deepseek.com/v1',
    model: 'deepseek-chat',
    create: compatible(),
  },
  {
    name: 'groq',
    title: 'Groq',
    key_names: ['GROQ_API_KEY'],
    base_url: 'https://api.groq.com/openai/v1',
    create: compatible(),
  },
  {
    name: 'openrouter',
    aliases: ['open-router'],
    title: 'OpenRouter',
    key_names: ['OPENROUTER_API_KEY'],
    base_url: 'https://openrouter.ai/api/v1',
    create: compatible(),
  },
  {
    name: 'ollama',
    title: 'Ollama',
    local: true,
    key_names: ['OLLAMA_API_KEY'],
    key_required: false,
    url_names: ['OLLAMA_HOST'],
    base_url: 'http://127.0.0.1:11434',
    create: async (options) => (await import('./ollama.ts')).createOllama(options),
  },
  {
    name: 'lmstudio',
    aliases: ['lm-studio', 'lm_studio'],
    title: 'LM Studio',
    local: true,
    base_url: 'http://127.0.0.1:1234/v1',
    create: compatible(),
  },
  {
    name: 'llama-server',
    aliases: ['llamacpp', 'llama-cpp', 'llama.cpp'],
    title: 'llama.cpp server',
    local: true,
    base_url: 'http://127.0.0.1:8080/v1',
    create: compatible(),
  },
  {
    name: 'vllm',
    title: 'vLLM',
    local: true,
    base_url: 'http://127.0.0.1:8000/v1',
    create: compatible(),
  },
  {
    name: 'openai-compatible',
    aliases: ['openai_compatible', 'compatible'],
    title: 'Any server with the chat-completions dialect',
    key_names: ['OPENAI_COMPATIBLE_API_KEY'],
    key_required: false,
    url_names: ['OPENAI_COMPATIBLE_BASE_URL'],
    create: compatible(),
  },
  {
    name: 'scripted',
    aliases: ['mock', 'fake'],
    title: 'Answers from a script, for tests and demonstrations',
    local: true,
    model: 'scripted',
    create: async ({ script, ...options }) => (await import('./scripted.ts')).createScripted(script, options),
  },
  {
    name: 'embedded',
    aliases: ['offline', 'builtin'],
    title: 'Quotes from the given text, without a model',
    local: true,
    model: 'extractive',
    create: async () => (await import('./embedded.ts')).createEmbedded(),
  },
]

/** Everything a user can name as a provider, in the order to show it. */
export const VENDORS: readonly Vendor[] = ROWS.map(toVendor)

function toVendor(row: Row): Vendor {
  const key_required = (row.key_names ?? []).length > 0
  const { create: _create, ...vendor } = {
    aliases: [],
    local: false,
    key_names: [],
    key_required,
    url_names: [],
    ...row,
  }
  return vendor
}

/**
 * The vendor of a name or alias, in any case. `openai-compatible/NAME` is a server of one's own: it keeps that name and looks for
 * its key in `NAME_API_KEY` first.
 */
export function findVendor(name: string): Vendor | undefined {
  const wanted = name.trim().toLowerCase()
  const found = VENDORS.find((vendor) => vendor.name === wanted || vendor.aliases.includes(wanted))
  if (found) return found
  const own = /^openai[-_]compatible\/([a-z0-9][a-z0-9._-]{0,63})$/.exec(wanted)?.[1]
  const kind = own && findVendor('openai-compatible')
  if (!kind) return undefined
  const stem = own.toUpperCase().replace(/[^A-Z0-9]/g, '_')
  return {
    ...kind,
    name: `openai-compatible/${own}`,
    aliases: [],
    key_names: [`${stem}_API_KEY`, ...kind.key_names],
    url_names: [`${stem}_BASE_URL`, ...kind.url_names],
  }
}

/** Loads what the vendor needs and makes a provider. Keep it: it owns a pool of connections. */
export async function createProvider(vendor: Vendor, options: VendorOptions = {}): Promise<Provider> {
  const row = ROWS.find(({ name }) => name === vendor.name || vendor.name.startsWith(`${name}/`))
  if (!row) throw new Error(`no such vendor: ${vendor.name}`)
  const key_name = vendor.key_names[0]
  return row.create({
    name: vendor.name,
    key_required: vendor.key_required,
    ...(vendor.base_url && { base_url: vendor.base_url }),
    ...(key_name && { key_name }),
    ...options,
  })
}

export type Probe =
  | { readonly up: true; readonly models: readonly ModelInfo[] }
  /** `code` is one of our error codes. */
  | { readonly up: false; readonly code: ErrorCode; readonly message: string }

/** Asks once for the list of models. 300 ms suffice on this machine; give more for a server far away. */
export async function probeProvider(provider: Provider, timeout_ms = 300): Promise<Probe> {
  try {
    return { up: true, models: await provider.models(AbortSignal.timeout(timeout_ms)) }
  } catch (error) {
    if (!(error instanceof OrcError)) throw error
    return error.code === 'aborted'
      ? { up: false, code: 'provider_timeout', message: `${provider.id} did not answer within ${timeout_ms} ms.` }
      : { up: false, code: error.code, message: error.message }
  }
}

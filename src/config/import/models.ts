import type { Json, JsonObject } from '../../events/values.ts'
import { printYaml } from './draft.ts'
import type { ImportedFile } from './imported.ts'
import { makeSlug, makeUnique } from './names.ts'

/** A model by our names. `doubt`: what was guessed, for the report. */
export interface PlacedModel {
  readonly provider: string
  readonly model: string
  readonly base_url?: string
  readonly doubt?: string
}

const PROVIDERS: { readonly [foreign: string]: string } = {
  openai: 'openai',
  anthropic: 'anthropic',
  google: 'google',
  gemini: 'google',
  google_ai_studio: 'google',
  xai: 'xai',
  'x-ai': 'xai',
  grok: 'xai',
  mistral: 'mistral',
  mistralai: 'mistral',
  mistral_ai: 'mistral',
  deepseek: 'deepseek',
  groq: 'groq',
  openrouter: 'openrouter',
  ollama: 'ollama',
  ollama_chat: 'ollama',
  lm_studio: 'lmstudio',
  lmstudio: 'lmstudio',
  vllm: 'vllm',
  hosted_vllm: 'vllm',
  llamafile: 'llama-server',
  'openai-compatible': 'openai-compatible',
  openai_like: 'openai-compatible',
  openai_api_compatible: 'openai-compatible',
  custom_openai: 'openai-compatible',
  scripted: 'scripted',
  embedded: 'embedded',
}

const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^(gpt|chatgpt|o[1345](-|$)|text-davinci|davinci)/, 'openai'],
  [/^claude/, 'anthropic'],
  [/^gemini/, 'google'],
  [/^grok/, 'xai'],
  [/^(mistral|mixtral|codestral|magistral|ministral)/, 'mistral'],
  [/^deepseek/, 'deepseek'],
  [/^(llama|qwen|gemma|phi|smollm)/, 'ollama'],
]

/** The environment variable in which the key of a provider is looked for when nothing else is said. */
export const KEY_VARIABLES: { readonly [provider: string]: string } = {
  anthropic: 'ANTHROPIC_API_KEY',
  openai: 'OPENAI_API_KEY',
  google: 'GEMINI_API_KEY',
  xai: 'XAI_API_KEY',
  mistral: 'MISTRAL_API_KEY',
  deepseek: 'DEEPSEEK_API_KEY',
  groq: 'GROQ_API_KEY',
  openrouter: 'OPENROUTER_API_KEY',
  ollama: 'OLLAMA_API_KEY',
  'openai-compatible': 'OPENAI_COMPATIBLE_API_KEY',
}

/** `provider/model`, or a bare name whose family is known. Undefined when nothing can be made of it. */
export function placeModel(reference: string, given?: string): PlacedModel | undefined {
  const text = reference.trim()
  if (text === '' || /[*\s]/.test(text)) return undefined
  if (given !== undefined && given.trim() !== '') return placeAt(given.trim(), text)
  const slash = text.indexOf('/')
  if (slash > 0 && slash < text.length - 1) return placeAt(text.slice(0, slash), text.slice(slash + 1))
  const family = FAMILIES.find(([pattern]) => pattern.test(text.toLowerCase()))?.[1]
  if (family) return { provider: family, model: text, doubt: `taken for a model of ${family}, by its name` }
  return undefined
}

function placeAt(provider: string, model: string): PlacedModel {
  // Dify names a plug-in: `langgenius/openai/openai`
  const name = (provider.split('/').at(-1) ?? provider).toLowerCase()
  const ours = PROVIDERS[name]
  if (ours !== undefined && Object.hasOwn(PROVIDERS, name)) return { provider: ours, model }
  if (name === 'dmr')
    return {
      provider: 'openai-compatible/dmr',
      model,
      base_url: 'http://127.0.0.1:12434/engines/v1',
      doubt: 'Docker Model Runner is taken to listen at its usual port',
    }
  const own = makeSlug(name, 'server')
  return {
    provider: `openai-compatible/${own}`,
    model,
    doubt: `there is no provider ${own} here: it is taken for a server that speaks the chat-completions dialect; give the profile its base_url`,
  }
}

/** The profiles that an import needs, one file each. Equal models share one. */
export class ProfileDrafts {
  readonly #profiles = new Map<string, JsonObject>()
  readonly #from: string

  constructor(from: string) {
    this.#from = from
  }

  /** The name of a profile with exactly this content. */
  use(content: { readonly [key: string]: Json | undefined }, wanted?: string): string {
    const plain = JSON.parse(JSON.stringify(content)) as JsonObject
    const same = [...this.#profiles].find(([, known]) => JSON.stringify(known) === JSON.stringify(plain))
    if (same) return same[0]
    const { provider, model } = content
    const family = String(provider).split('/').at(-1)
    const stem =
      wanted ?? makeSlug(`${String(model).startsWith(String(family)) ? '' : `${family}-`}${String(model)}`, 'model')
    const name = makeUnique(stem, new Set(this.#profiles.keys()))
    this.#profiles.set(name, plain)
    return name
  }

  /** A profile under a name of its own; the name must be free. */
  add(name: string, content: { readonly [key: string]: Json | undefined }): void {
    this.#profiles.set(name, JSON.parse(JSON.stringify(content)) as JsonObject)
  }

  get files(): ImportedFile[] {
    const stems = new Set<string>()
    return [...this.#profiles].map(([name, content]) => {
      const stem = makeUnique(makeSlug(name, 'model'), stems)
      stems.add(stem)
      return { path: `profiles/${stem}.yaml`, content: printYaml({ name, ...content }, this.#from) }
    })
  }
}

/** Settings of a call that an agent or a profile takes by itself, and those that go to the provider untouched. */
export function placeParameters(given: { readonly [key: string]: Json | undefined }): {
  readonly temperature?: number
  readonly max_tokens?: number
  readonly options?: JsonObject
} {
  const { temperature, max_tokens, ...others } = given
  const options = Object.fromEntries(
    Object.entries(others).filter(([, value]) => value !== undefined && value !== null),
  )
  return {
    ...(typeof temperature === 'number' ? { temperature } : {}),
    ...(typeof max_tokens === 'number' ? { max_tokens } : {}),
    ...(Object.keys(options).length > 0 ? { options: options as JsonObject } : {}),
  }
}

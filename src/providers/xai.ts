import type { ProviderOptions } from './endpoint.ts'
import { createOpenAICompatible } from './openai-compatible.ts'
import type { Provider } from './provider.ts'

/** xAI, over its chat-completions door. `base_url` includes `/v1`. */
export function createXai(options: ProviderOptions = {}): Provider {
  return createOpenAICompatible({
    name: 'xai',
    base_url: 'https://api.x.ai/v1',
    key_name: 'XAI_API_KEY',
    ...options,
    key_required: true,
  })
}

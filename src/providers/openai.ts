import type { ProviderOptions } from './endpoint.ts'
import { pickData } from './model-list.ts'
import type { Provider } from './provider.ts'
import { createSdkProvider } from './sdk.ts'

/** OpenAI's Responses API, which alone carries reasoning from call to call. Nothing is stored at OpenAI unless a request says so. */
export function createOpenAI(options: ProviderOptions = {}): Provider {
  return createSdkProvider(
    {
      vendor: 'openai',
      fallback_url: 'https://api.openai.com/v1',
      key_name: 'OPENAI_API_KEY',
      options_name: 'openai',
      // Strict schemas are refused unless they name every property as required; a request may ask for them.
      defaults: { store: false, strictJsonSchema: false },
      load: async (settings) => {
        const vendor = await import('@ai-sdk/openai')
        const open = vendor.createOpenAI(settings)
        return (model) => open.responses(model)
      },
      list: (base_url, key) => ({
        url: `${base_url}/models`,
        headers: { authorization: `Bearer ${key}` },
        pick: pickData,
      }),
    },
    options,
  )
}

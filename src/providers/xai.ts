import type { ProviderOptions } from './endpoint.ts'
import { pickData } from './model-list.ts'
import type { Provider } from './provider.ts'
import { createSdkProvider } from './sdk.ts'

/** xAI's Responses API. Nothing is stored at xAI unless a request says so. */
export function createXai(options: ProviderOptions = {}): Provider {
  return createSdkProvider(
    {
      vendor: 'xai',
      fallback_url: 'https://api.x.ai/v1',
      key_name: 'XAI_API_KEY',
      options_name: 'xai',
      defaults: { store: false },
      load: async (settings) => {
        const vendor = await import('@ai-sdk/xai')
        const open = vendor.createXai(settings)
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

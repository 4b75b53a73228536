import type { ProviderOptions } from './endpoint.ts'
import { pickData } from './model-list.ts'
import type { Provider } from './provider.ts'
import { createSdkProvider } from './sdk.ts'

/** Anthropic's Messages API. `base_url` includes `/v1`. */
export function createAnthropic(options: ProviderOptions = {}): Provider {
  return createSdkProvider(
    {
      vendor: 'anthropic',
      fallback_url: 'https://api.anthropic.com/v1',
      key_name: 'ANTHROPIC_API_KEY',
      options_name: 'anthropic',
      load: async (settings) => {
        const vendor = await import('@ai-sdk/anthropic')
        const open = vendor.createAnthropic(settings)
        return (model) => open(model)
      },
      list: (base_url, key) => ({
        url: `${base_url}/models?limit=1000`,
        headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01' },
        pick: pickData,
      }),
    },
    options,
  )
}

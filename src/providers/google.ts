import type { ProviderOptions } from './endpoint.ts'
import { pickList, toInfo } from './model-list.ts'
import type { Provider } from './provider.ts'
import { createSdkProvider } from './sdk.ts'

/** Google's Gemini API. `base_url` includes `/v1beta`. */
export function createGoogle(options: ProviderOptions = {}): Provider {
  return createSdkProvider(
    {
      vendor: 'google',
      fallback_url: 'https://generativelanguage.googleapis.com/v1beta',
      key_name: 'GEMINI_API_KEY',
      options_name: 'google',
      signs_calls: true,
      load: async (settings) => {
        const vendor = await import('@ai-sdk/google')
        const open = vendor.createGoogle(settings)
        return (model) => open(model)
      },
      list: (base_url, key) => ({
        url: `${base_url}/models?pageSize=1000`,
        headers: { 'x-goog-api-key': key },
        pick: (answer) =>
          pickList(answer, 'models', ({ name, displayName }) =>
            typeof name === 'string' ? toInfo(name.replace(/^models\//, ''), displayName) : undefined,
          ),
      }),
    },
    options,
  )
}

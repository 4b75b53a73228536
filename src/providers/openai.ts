import { createEmbedder } from './embed.ts'
import type { ProviderOptions } from './endpoint.ts'
import { openHttp } from './http.ts'
import { pickData } from './model-list.ts'
import type { Provider } from './provider.ts'
import { createSdkProvider } from './sdk.ts'

/** OpenAI's Responses API, which alone carries reasoning from call to call. Nothing is stored at OpenAI unless a request says so. */
export function createOpenAI(options: ProviderOptions = {}): Provider {
  const settings = { fallback_url: 'https://api.openai.com/v1', key_name: 'OPENAI_API_KEY' }
  const embed = createEmbedder(openHttp(options), { ...settings, ...options, vendor: 'openai', key_required: true })
  const sdk = createSdkProvider(
    {
      vendor: 'openai',
      ...settings,
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
  return {
    ...sdk,
    embeds: true,
    stream: (request, signal) => (request.embed ? embed(request, signal) : sdk.stream(request, signal)),
  }
}

import { describe, expect, test } from 'vitest'
import { openContractServer } from './contract-server.fixture.ts'
import { CONTRACT_KEY, describeProvider } from './provider.contract.ts'
import { createProvider, findVendor, probeProvider, VENDORS } from './vendors.ts'

const PATHS: Readonly<Record<string, string>> = {
  anthropic: '/v1',
  openai: '/v1',
  google: '/v1beta',
  xai: '/v1',
  ollama: '',
  'openai-compatible': '/v1',
}

for (const [name, path] of Object.entries(PATHS)) {
  describeProvider(name, async () => {
    const server = await openContractServer()
    const vendor = findVendor(name)
    if (!vendor) throw new Error(name)
    const provider = await createProvider(vendor, { base_url: server.url + path, key: () => CONTRACT_KEY })
    return { provider, busy: server.busy, requests: server.requests, close: server.close }
  })
}

describe('names of vendors', () => {
  test.for([
    ['anthropic-api', 'anthropic'],
    ['anthropic-claude-pro-max', 'anthropic'],
    ['google-gemini', 'google'],
    ['gemini', 'google'],
    ['Grok', 'xai'],
    ['lm-studio', 'lmstudio'],
    ['llamacpp', 'llama-server'],
  ])('%s means %s', ([alias, name]) => expect(findVendor(alias as string)?.name).toBe(name))

  test('an own server keeps its name and has a key variable of its own', () => {
    expect(findVendor('openai-compatible/my-box')).toMatchObject({
      name: 'openai-compatible/my-box',
      key_names: ['MY_BOX_API_KEY', 'OPENAI_COMPATIBLE_API_KEY'],
      key_required: false,
    })
    expect(findVendor('openai-compatible/')).toBeUndefined()
    expect(findVendor('nobody')).toBeUndefined()
  })

  test('no name or alias is taken twice', () => {
    const all = VENDORS.flatMap(({ name, aliases }) => [name, ...aliases])
    expect(new Set(all).size).toBe(all.length)
  })

  test('every vendor can be created without touching the network', async () => {
    for (const vendor of VENDORS) expect((await createProvider(vendor)).id).toBe(vendor.name)
  })
})

describe('a missing key', () => {
  test.for(['anthropic', 'openai', 'google', 'xai', 'mistral'])(
    '%s says which variable to set and sends nothing',
    async (name) => {
      const vendor = findVendor(name)
      if (!vendor) throw new Error(name)
      const provider = await createProvider(vendor, { base_url: 'http://127.0.0.1:9/v1' })
      const parts = []
      const request = { provider: name, model: 'm', messages: [] }
      for await (const part of provider.stream(request, new AbortController().signal)) parts.push(part)
      expect(parts).toMatchObject([{ type: 'failed', failure: { code: 'provider_auth', touched: 'no', retry: false } }])
      expect(JSON.stringify(parts)).toContain(vendor.key_names[0])
      await expect(provider.models()).rejects.toMatchObject({ code: 'provider_auth' })
    },
  )
})

describe('probing', () => {
  test('lists the models of a server that answers, and says why one does not', async () => {
    const server = await openContractServer()
    try {
      for (const [name, path] of Object.entries(PATHS)) {
        const vendor = findVendor(name)
        // The mock has no list in Gemini's form.
        if (!vendor || name === 'google') continue
        const provider = await createProvider(vendor, { base_url: server.url + path, key: () => CONTRACT_KEY })
        expect(await probeProvider(provider, 5000)).toMatchObject({ up: true })
      }
    } finally {
      await server.close()
    }
    const vendor = findVendor('ollama')
    if (!vendor) throw new Error('ollama')
    const provider = await createProvider(vendor, { base_url: server.url })
    expect(await probeProvider(provider)).toMatchObject({ up: false, code: 'provider_unreachable' })
  })
})

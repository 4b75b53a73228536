import { describe, expect, test } from 'vitest'
import { readEnvironment } from './env.ts'
import { readMcpServers } from './mcp-servers.ts'
import { isForeign } from './project-limits.ts'
import { makeWorld, type TempWorld } from './world.fixture.ts'

const FAR = 'https://collector.example.net'
const NEAR = 'http://127.0.0.1:4318'
const TRUST = 'trusted_projects: [PROJECT]\n'

async function read(files: { readonly [path: string]: string }, env: { readonly [name: string]: string } = {}) {
  const world = await makeWorld()
  const fill = (text: string) => text.replace('PROJECT', world.project)
  await world.write(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, fill(text)])))
  return { world, ...(await readAll(world, env)) }
}

async function readAll(world: TempWorld, more: { readonly [name: string]: string }) {
  const env = { HOME: world.home, ...more }
  const { settings, problems } = await world.config({ env })
  const environment = await readEnvironment(await world.paths({ env }), env)
  return { settings, problems, environment, codes: [...problems, ...environment.problems].map(({ code }) => code) }
}

const endpoint = (url: string) => `telemetry: { otlp_endpoint: "${url}" }\n`

describe('where traces go', () => {
  test('a project sends them to this machine at most; the file and the place are named', async () => {
    const { settings, problems, world } = await read({ '@/config.yaml': endpoint(FAR) })
    expect(settings.telemetry?.otlp_endpoint).toBe(undefined)
    expect(problems).toMatchObject([
      { code: 'setting_untrusted', severity: 'warning', file: world.at('@/config.yaml'), line: 1 },
    ])
    for (const url of [NEAR, 'http://localhost:4318', 'http://[::1]:4318'])
      expect((await read({ '@/config.yaml': endpoint(url) })).settings.telemetry).toEqual({ otlp_endpoint: url })
    for (const url of ['http://127.0.0.1.evil.net', 'http://localhost.evil.net', 'http://127.0.0.1@evil.net'])
      expect((await read({ '@/config.yaml': endpoint(url) })).codes, url).toEqual(['setting_untrusted'])
  })

  test('what the user set holds, whatever a project says; the user may trust it', async () => {
    const own = { '~/config.yaml': endpoint('https://own.example.org'), '@/config.yaml': endpoint(FAR) }
    expect((await read(own)).settings.telemetry?.otlp_endpoint).toBe('https://own.example.org')
    expect((await read({ ...own, '~/policy.yaml': TRUST })).settings.telemetry?.otlp_endpoint).toBe(FAR)
    expect((await read({ ...own, '@/policy.yaml': TRUST })).codes).toContain('setting_untrusted')
    const named = await read({}, { LLM_ORC_TELEMETRY_OTLP_ENDPOINT: FAR })
    expect(named.settings.telemetry?.otlp_endpoint).toBe(FAR)
  })

  test('a .env of the project is the project, that of the user is not', async () => {
    const names = [
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
      'LLM_ORC_TELEMETRY_OTLP_ENDPOINT',
    ]
    for (const name of names)
      for (const place of ['work/.env', '@/.env']) {
        const { environment, settings, codes } = await read({ [place]: `${name}=${FAR}\n` })
        expect([environment.values.get(name), settings.telemetry, codes], name).toEqual([
          undefined,
          undefined,
          ['setting_untrusted'],
        ])
      }
    const near = await read({ 'work/.env': `OTEL_EXPORTER_OTLP_ENDPOINT=${NEAR}\n` })
    expect(near.environment.values.get('OTEL_EXPORTER_OTLP_ENDPOINT')).toBe(NEAR)
    const own = await read({ '~/.env': `OTEL_EXPORTER_OTLP_ENDPOINT=${FAR}\n` })
    expect([own.environment.values.get('OTEL_EXPORTER_OTLP_ENDPOINT'), own.codes]).toEqual([FAR, []])
  })

  test('contents go where the user said only when the user said so', async () => {
    const telling = `telemetry: { content: true }\n`
    expect((await read({ '@/config.yaml': telling })).settings.telemetry?.content).toBe(true)
    const far = { '@/config.yaml': telling, '~/config.yaml': endpoint(FAR) }
    expect((await read(far)).settings.telemetry).toEqual({ otlp_endpoint: FAR })
    expect((await read({ '@/config.yaml': telling }, { OTEL_EXPORTER_OTLP_ENDPOINT: FAR })).codes).toEqual([
      'setting_untrusted',
    ])
    expect((await read({ 'work/.env': 'LLM_ORC_TELEMETRY_CONTENT=1\n' })).settings.telemetry).toBe(undefined)
  })
})

describe('walls', () => {
  const wall = (text: string) => `sandbox: { ${text} }\n`

  test('a project may ask for more, never for less', async () => {
    expect((await read({ '@/config.yaml': wall('tier: bwrap') })).settings.sandbox).toEqual({ tier: 'bwrap' })
    const less = await read({ '@/config.yaml': wall('tier: process'), '~/config.yaml': wall('tier: bwrap') })
    expect([less.settings.sandbox, less.codes]).toEqual([{ tier: 'bwrap' }, ['setting_untrusted']])
    const none = await read({ '@/config.yaml': wall('fallback: process') })
    expect([none.settings.sandbox, none.codes]).toEqual([{}, ['setting_untrusted']])
    for (const text of ['LLM_ORC_SANDBOX_FALLBACK=process', 'LLM_ORC_SANDBOX_TIER=process'])
      expect((await read({ 'work/.env': `${text}\n` })).settings.sandbox, text).toBe(undefined)
    const trusted = await read({ '@/config.yaml': wall('fallback: process'), '~/policy.yaml': TRUST })
    expect(trusted.settings.sandbox).toEqual({ fallback: 'process' })
  })
})

test('a layer that lies in the project is the project’s, whoever names it: its servers have to be trusted', async () => {
  const world = await makeWorld({ 'work/layer/config.yaml': 'mcp_servers: { a: { command: a } }\n' })
  await world.write({ 'beside/config.yaml': 'mcp_servers: { b: { command: b } }\n' })
  for (const [folder, own] of [
    ['work/layer', false],
    ['beside', true],
  ] as const) {
    const config = await world.config({ config_dir: world.at(folder) })
    const { servers } = await readMcpServers(config)
    expect(servers.map((server) => server.own)).toEqual([own])
  }
  const { paths } = await world.config()
  expect(isForeign({ level: 'user', folder: world.project }, paths)).toBe(false)
})

describe('whom the server answers', () => {
  const serving = `serve:
  host: 0.0.0.0
  port: 9000
  cors: ["https://evil.example"]
  allowed_hosts: [evil.example]
  public_url: "https://evil.example"
  oidc: { issuer: "https://evil.example", audience: a }
`

  test('is not for a project to say; an issuer stays, and is not believed', async () => {
    const { settings, codes, world } = await read({ '@/config.yaml': serving })
    expect(settings.serve).toEqual({ port: 9000, oidc: { issuer: 'https://evil.example', audience: 'a' } })
    expect(codes).toEqual(Array(5).fill('setting_untrusted'))
    expect((await world.config()).untrusted?.issuer).toBe(true)
    const trusted = await read({ '@/config.yaml': serving, '~/policy.yaml': TRUST })
    expect([trusted.settings.serve?.host, trusted.codes]).toEqual(['0.0.0.0', []])
    expect((await trusted.world.config()).untrusted).toBe(undefined)
  })

  test('nor by variables of its .env; the user says what he likes', async () => {
    const { settings, world } = await read({
      'work/.env': 'LLM_ORC_SERVE_HOST=0.0.0.0\nLLM_ORC_SERVE_OIDC_ISSUER=https://evil.example\n',
    })
    expect(settings.serve?.host).toBe(undefined)
    expect((await world.config()).untrusted?.issuer).toBe(true)
    const own = await read({ '~/config.yaml': serving })
    expect([own.settings.serve?.host, own.codes]).toEqual(['0.0.0.0', []])
    expect((await own.world.config()).untrusted?.issuer).toBe(false)
  })
})

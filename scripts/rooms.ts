/** The table `check-rooms` enforces. Paths are relative to src/; one that ends in `/` stands for everything below it. */
export interface House {
  readonly rooms: { readonly [name: string]: Room }
  /** Files directly in src/: they may import any room, and nobody imports them. */
  readonly doors: readonly string[]
  /** Where a third-party package may be imported; `lazy`: only by `await import()` (types are free). */
  readonly packages: { readonly [name: string]: { readonly in: readonly string[]; readonly lazy?: true } }
  /** Node's own modules that have one owner; the others are free wherever Node is. */
  readonly builtins: { readonly [name: string]: readonly string[] }
  /** Files that may be longer than 400 lines, each with the reason. */
  readonly long: { readonly [file: string]: string }
}

export interface Room {
  readonly may: readonly Permission[]
  /** No Node here, and no clock or chance that is not handed in: these rooms also run in a browser, and replay. */
  readonly pure?: true
}

/** A whole room; or one file, from which types may be taken, and by name the values listed. */
export type Permission = string | { readonly file: string; readonly values?: readonly string[] }

const step: Permission = { file: 'engine/step.ts', values: ['StepFailure'] }
const provider: Permission = { file: 'providers/provider.ts' }

export const HOUSE: House = {
  rooms: {
    surfaces: { may: ['app', 'events'] },
    app: {
      may: [
        'config',
        'context',
        'effects',
        'engine',
        'events',
        'graph',
        'journal',
        'providers',
        'router',
        'sandbox',
        'steps',
        'tools',
        'trust',
        'vault',
      ],
    },
    effects: { may: ['events', 'providers', 'tools', 'sandbox', 'trust', { file: 'engine/effect.ts' }] },
    steps: { may: ['events', 'graph', 'router', 'context', step, { file: 'engine/effect.ts' }, provider], pure: true },
    engine: { may: ['events', 'graph', { file: 'journal/journal.ts' }], pure: true },
    config: { may: ['events', 'graph'] },
    tools: { may: ['events', 'sandbox', 'trust'] },
    sandbox: { may: ['events'] },
    journal: { may: ['events'] },
    router: { may: ['events', provider], pure: true },
    context: { may: ['events'], pure: true },
    graph: { may: ['events'], pure: true },
    providers: { may: ['events'] },
    trust: { may: ['events'] },
    vault: { may: ['events'] },
    events: { may: [], pure: true },
  },
  doors: ['index.ts', 'main.ts', 'testing.ts'],
  packages: {
    '@ai-sdk/anthropic': { in: ['providers/anthropic.ts'], lazy: true },
    '@ai-sdk/google': { in: ['providers/google.ts'], lazy: true },
    '@ai-sdk/openai': { in: ['providers/openai.ts'], lazy: true },
    '@ai-sdk/provider': { in: ['providers/'] },
    '@ast-grep/lang-bash': { in: ['sandbox/syntax.ts'], lazy: true },
    '@ast-grep/lang-python': { in: ['sandbox/syntax.ts'], lazy: true },
    '@ast-grep/napi': { in: ['sandbox/syntax.ts'], lazy: true },
    '@cfworker/json-schema': { in: ['graph/json-schema.ts'] },
    '@noble/hashes': { in: ['events/', 'engine/'] },
    '@hono/node-server': { in: ['surfaces/http/'] },
    '@marcbachmann/cel-js': { in: ['graph/cel.ts'] },
    '@modelcontextprotocol/client': { in: ['tools/mcp-client.ts'], lazy: true },
    '@modelcontextprotocol/server': { in: ['surfaces/mcp/'] },
    '@opentelemetry/api': { in: ['app/otlp.ts'], lazy: true },
    '@opentelemetry/exporter-trace-otlp-http': { in: ['app/otlp.ts'], lazy: true },
    '@opentelemetry/resources': { in: ['app/otlp.ts'], lazy: true },
    '@opentelemetry/sdk-trace': { in: ['app/otlp.ts'], lazy: true },
    '@pydantic/genai-prices': { in: ['router/catalogue.ts'], lazy: true },
    cockatiel: { in: ['effects/breaker.ts'], lazy: true },
    commander: { in: ['surfaces/cli/'] },
    hono: { in: ['surfaces/http/'] },
    'gpt-tokenizer': { in: ['effects/count.ts'], lazy: true },
    jose: { in: ['trust/bearer.ts'], lazy: true },
    jsonrepair: { in: ['graph/json-repair.ts'] },
    liquidjs: { in: ['graph/liquid.ts'] },
    'oxc-parser': { in: ['sandbox/syntax.ts'], lazy: true },
    picomatch: { in: ['trust/policy.ts'] },
    re2js: { in: ['graph/linear-regex.ts'] },
    semver: { in: ['tools/version.ts', 'trust/tool-pattern.ts'] },
    undici: { in: ['providers/http.ts', 'providers/http-exchange.ts'], lazy: true },
    ws: { in: ['surfaces/http/listen.ts'] },
    yaml: { in: ['graph/', 'config/'] },
    zod: { in: ['app/', 'config/', 'graph/', 'providers/scripted-schema.ts'] },
  },
  builtins: {
    'node:child_process': ['sandbox/process.ts', 'sandbox/detached.ts'],
    'node:sqlite': ['journal/'],
  },
  long: {},
}

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { makeServedProject, openServer } from '../../src/surfaces/http/serve.fixture.ts'
import { runProgram } from '../processes.ts'
import { type Collector, startCollector } from './collector.ts'
import { makeProject, type Project } from './project.ts'

const ANSWERS = `
rules:
  - { contains: bad, answer: { error: { code: provider_auth } } }
default: { text: "the answer", usage: { input: 4000, output: 5 } }
`
const PAIR = `name: pair
description: d
agents:
- { name: first, provider: scripted, model: m }
- { name: second, provider: scripted, model: m, depends_on: [first] }
`
const LONG = 'secret words '.repeat(1_000)
const collectors: Collector[] = []

afterEach(() => {
  for (const collector of collectors.splice(0)) collector.close()
})

async function openCollector(how?: { readonly silent: boolean }): Promise<Collector> {
  const collector = await startCollector(how)
  collectors.push(collector)
  return collector
}

function makeDesk(env: Record<string, string>, config = ''): Project {
  const files = { 'ensembles/pair.yaml': PAIR, 'answers.yaml': ANSWERS, ...(config ? { 'config.yaml': config } : {}) }
  const desk = makeProject(files)
  return { ...desk, env: { ...desk.env, LLM_ORC_SCRIPT: join(desk.cwd, '.llm-orc', 'answers.yaml'), ...env } }
}

const byName = ({ spans }: Collector, name: string) => spans.filter((span) => span.name === name)

describe('traces from the command line', { timeout: 120_000 }, () => {
  test('a run is one trace: workflow, agents, chats; without their contents', async () => {
    const collector = await openCollector()
    const desk = makeDesk({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=one%20two',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    })
    const { code, stdout, stderr } = await runProgram(['run', 'pair', LONG, '--output', 'json'], desk)
    expect([code, stderr.includes('Warning')]).toEqual([0, false])
    const { run } = JSON.parse(stdout)
    const { spans, requests, resources } = collector
    expect(requests[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-tenant': 'one two' } })
    expect(resources[0]).toMatchObject({
      'service.name': 'llm-orchestrator',
      'deployment.environment.name': 'test',
    })
    expect(spans.map(({ name }) => name)).toEqual([
      'chat m',
      'invoke_agent first',
      'chat m',
      'invoke_agent second',
      'invoke_workflow pair',
    ])
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
    const [chat, agent, , , workflow] = spans
    expect([chat?.parentSpanId, agent?.parentSpanId, workflow?.parentSpanId]).toEqual([
      agent?.spanId,
      workflow?.spanId,
      undefined,
    ])
    expect(chat).toMatchObject({
      kind: 3,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'scripted',
        'gen_ai.request.model': 'm',
        'gen_ai.usage.input_tokens': 4000,
        'gen_ai.usage.output_tokens': 5,
        'llm_orc.run.id': run,
      },
    })
    expect(JSON.stringify(spans)).not.toMatch(/secret words|the answer/)
  })

  test('a setting does the same, and tells contents where it is asked to, long ones too', async () => {
    const collector = await openCollector()
    const desk = makeDesk({}, `telemetry: { otlp_endpoint: "${collector.url}", content: true }\n`)
    await runProgram(['run', 'pair', LONG], desk)
    const [chat] = byName(collector, 'chat m')
    expect(String(chat?.attributes['gen_ai.input.messages'])).toContain(LONG)
    expect(String(chat?.attributes['gen_ai.output.messages'])).toContain('the answer')
  })

  test('failures carry their code', async () => {
    const collector = await openCollector()
    const desk = makeDesk({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/own/path` })
    expect((await runProgram(['run', 'pair', 'bad'], desk)).code).toBe(1)
    expect(collector.requests[0]?.path).toBe('/own/path')
    expect(byName(collector, 'chat m')[0]).toMatchObject({
      status: { code: 2 },
      attributes: { 'error.type': 'provider_auth' },
    })
    expect(byName(collector, 'invoke_workflow pair')[0]).toMatchObject({
      status: { code: 2 },
      attributes: { 'llm_orc.run.status': 'failed' },
    })
  })

  test('a collector that is away or does not answer is no failure, and is said once', async () => {
    const silent = await openCollector({ silent: true })
    const gone = await startCollector()
    gone.close()
    const ends = await Promise.all(
      [silent, gone].map(({ url }) => runProgram(['run', 'pair', 'x'], makeDesk({ OTEL_EXPORTER_OTLP_ENDPOINT: url }))),
    )
    for (const { code, stderr, ms } of ends) {
      expect(code).toBe(0)
      expect(stderr.match(/TelemetryWarning: Traces cannot be delivered to http:\/\/127/g)).toHaveLength(1)
      expect(ms).toBeLessThan(60_000)
    }
  })

  test('a project that somebody else wrote sends them nowhere, and that is said', async () => {
    const far = 'http://collector.test:4318'
    const desk = makeDesk({}, `telemetry: { otlp_endpoint: "${far}" }\n`)
    writeFileSync(join(desk.cwd, '.env'), `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${far}/v1/traces\n`)
    const { code, stderr } = await runProgram(['run', 'pair', 'x'], desk)
    expect(code, stderr).toBe(0)
    expect(
      stderr.match(/TrustWarning: .*\.env: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT of a project is not used/g),
    ).toHaveLength(1)
    expect(
      stderr.match(/TrustWarning: .*config\.yaml: telemetry\.otlp_endpoint of a project is not used/g),
    ).toHaveLength(1)
    expect(stderr).not.toContain('cannot be delivered')
  })

  test('a run that is taken up goes on in its trace, and nothing is told twice', async () => {
    const collector = await openCollector()
    const desk = makeDesk({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    writeFileSync(
      join(desk.cwd, '.llm-orc', 'ensembles', 'asks.yaml'),
      `name: asks
description: d
agents:
- { name: first, provider: scripted, model: m }
- { name: deploy, script: 'echo gone', depends_on: [first] }
`,
    )
    writeFileSync(join(desk.cwd, '.llm-orc', 'policy.yaml'), "rules:\n- { tool: 'script(echo gone)', decision: ask }\n")
    const { code, stdout } = await runProgram(['run', 'asks', 'x', '--output', 'json'], desk)
    expect(code).toBe(4)
    expect(collector.spans.map(({ name }) => name)).toEqual(['chat m', 'invoke_agent first'])
    const approved = await runProgram(['approvals', 'give', JSON.parse(stdout).run, 'deploy'], desk)
    expect(approved.code, approved.stderr).toBe(0)
    const names = collector.spans.map(({ name }) => name)
    expect(names.slice(2)).toEqual(['invoke_agent deploy', 'invoke_workflow asks'])
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1)
    expect(collector.spans[1]?.parentSpanId).toBe(collector.spans[3]?.spanId)
  })

  test('without an endpoint nothing of OpenTelemetry is loaded; where it is not installed, that is said', async () => {
    const collector = await openCollector()
    const desk = makeDesk({})
    const plain = await runProgram(['run', 'pair', 'x'], withHook(desk, 'count'))
    expect(plain.stderr).toMatch(/^loaded 0$/m)
    const env = { ...desk.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
    const sent = await runProgram(['run', 'pair', 'x'], withHook({ ...desk, env }, 'count'))
    expect(sent.stderr).toMatch(/^loaded [1-9]\d*$/m)
    const off = await runProgram(
      ['run', 'pair', 'x'],
      withHook({ ...desk, env: { ...env, OTEL_SDK_DISABLED: 'true' } }, 'count'),
    )
    expect(off.stderr).toMatch(/^loaded 0$/m)
    const missing = await runProgram(['run', 'pair', 'x'], withHook({ ...desk, env }, 'miss'))
    expect(missing.code).toBe(0)
    expect(missing.stderr.match(/TelemetryWarning: .* not installed.*npm install/g)).toHaveLength(1)
  })
})

test('a server tells of its runs too, and delivers the last of them when it stops', async () => {
  const collector = await openCollector()
  const desk = makeServedProject({
    'ensembles/pair.yaml': PAIR,
    'config.yaml': `telemetry: { otlp_endpoint: "${collector.url}" }\n`,
  })
  const server = await openServer(desk)
  const runs = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const answer = await server.post('/v1/runs?wait=true', { target: 'pair', input: 'x' })
      return ((await answer.json()) as { run: string }).run
    }),
  )
  await server.close()
  const workflows = byName(collector, 'invoke_workflow pair')
  expect(workflows.map(({ attributes }) => attributes['llm_orc.run.id']).toSorted()).toEqual(runs.toSorted())
  expect(new Set(workflows.map(({ traceId }) => traceId)).size).toBe(5)
  expect(collector.spans).toHaveLength(25)
})

/** Counts the modules of OpenTelemetry that a program loads, or is without them. */
function withHook(desk: Project, what: 'count' | 'miss'): Project {
  const file = join(desk.cwd, `${what}.mjs`)
  const text =
    what === 'count'
      ? `let loaded = 0
registerHooks({ load: (url, context, next) => { if (url.includes('/@opentelemetry/')) loaded += 1; return next(url, context) } })
process.on('exit', () => process.stderr.write('\\nloaded ' + loaded + '\\n'))`
      : `registerHooks({ resolve: (name, context, next) => {
  if (name !== '@opentelemetry/sdk-trace') return next(name, context)
  throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
} })`
  writeFileSync(file, `import { registerHooks } from 'node:module'\n${text}\n`)
  return { ...desk, env: { ...desk.env, NODE_OPTIONS: `--import=${file}` } }
}

import { cpSync, existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeServer, makeHome, root, runProgram, startFakeServer } from '../processes.ts'
import { makeLayer } from './project.ts'

const samples = join(root, '..', 'shared', 'samples')
const present = existsSync(samples)
if (!present)
  console.warn('SKIPPED LOUDLY: the sample ensembles are not beside the project; the tests over them did not run')

interface Result {
  readonly status: string
  readonly report: {
    readonly agents: readonly {
      name: string
      status: string
      output?: unknown
      fallbacks: readonly { because?: string }[]
      code?: string
    }[]
  }
}

describe.skipIf(!present)('real ensembles of users (skipped without the samples)', () => {
  let server: FakeServer
  let cwd: string
  const { env } = makeHome()

  beforeAll(async () => {
    server = await startFakeServer()
    cwd = mkdtempSync(join(tmpdir(), 'llm-orc-samples-'))
    cpSync(join(samples, 'llm-orc'), cwd, { recursive: true })
    cpSync(join(samples, 'llm-orchestra-library'), join(cwd, 'elsewhere'), { recursive: true })
  })
  afterAll(() => server?.stop())

  const names = [
    'validate-fan-out-fan-in',
    'validate-error-handling',
    'validate-file-processing-pipeline',
    'validate-json-extract',
  ]
  test.each(names)('validate run %s: every assertion and required field holds', async (name) => {
    const done = await runProgram(['validate', 'run', name, '--output', 'json'], { cwd, env })
    expect(done.stderr + done.stdout).not.toContain('Error:')
    const result = JSON.parse(done.stdout) as {
      passed: boolean
      ensembles: { results: { passed: boolean | null; name: string }[] }[]
    }
    const results = result.ensembles[0]?.results ?? []
    expect(results.length).toBeGreaterThan(3)
    expect(results.filter((each) => each.passed !== true)).toEqual([])
    expect(done.code).toBe(0)
  })

  test.each(['code-review', 'multi-level-test'])(
    '%s runs with its profiles put onto a server by a second layer',
    async (name) => {
      const layer = makeLayer(
        ['security-auditor', 'performance-engineer', 'senior-reviewer', 'tech-lead', 'quality'],
        server.url,
      )
      const done = await runProgram(['run', name, 'look at this', '--config-dir', layer, '--output', 'json'], {
        cwd,
        env,
      })
      const result = JSON.parse(done.stdout) as Result
      expect(result.status).toBe('succeeded')
      expect(result.report.agents.every((agent) => agent.status === 'succeeded')).toBe(true)
      expect(done.code).toBe(0)
    },
  )

  test('an ensemble by path', async () => {
    const layer = makeLayer(['micro-local', 'default'], server.url)
    const done = await runProgram(
      [
        'run',
        join(cwd, 'elsewhere', 'code-analysis', 'security-review.yaml'),
        'code',
        '--config-dir',
        layer,
        '--output',
        'json',
      ],
      { cwd, env },
    )
    expect((JSON.parse(done.stdout) as Result).status).toBe('succeeded')
  })

  test('an unknown provider fails as provider_unknown, and then the chain of fallbacks is followed', async () => {
    const layer = makeLayer(['local-llama'], server.url)
    const done = await runProgram(['run', 'cascading-fallback-test', '--config-dir', layer, '--output', 'json'], {
      cwd,
      env,
    })
    const result = JSON.parse(done.stdout) as Result
    expect(result.status).toBe('succeeded')
    expect(JSON.stringify(result.report.agents[0]?.fallbacks)).toContain('provider_unknown')
  })
})

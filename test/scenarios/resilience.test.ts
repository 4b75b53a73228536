import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from './calls.ts'
import { makeProject } from './project.ts'

/** What the server does with the next request. */
let behave: (asked: number) => { readonly status: number; readonly retry_after?: string } = () => ({ status: 200 })
let asked = 0
let refused = 0
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    asked += 1
    const { status, retry_after } = behave(asked)
    if (status !== 200) {
      refused += 1
      response.writeHead(status, retry_after === undefined ? {} : { 'retry-after': retry_after })
      return response.end('{"error":{"message":"no"}}')
    }
    response.setHeader('content-type', 'text/event-stream')
    const say = (data: object) => response.write(`data: ${JSON.stringify(data)}\n\n`)
    say({ choices: [{ index: 0, delta: { role: 'assistant', content: 'an answer' }, finish_reason: 'stop' }] })
    return response.end('data: [DONE]\n\n')
  })
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})
afterAll(() => server.close())

function open(agents: number, settings = '', agent = '') {
  asked = 0
  refused = 0
  const listed = Array.from({ length: agents }, (_, n) => `  - {name: a${n}, model_profile: m${agent}}`).join('\n')
  return makeProject({
    'config.yaml': `providers:\n  p: {type: openai-compatible, base_url: "${url}"${settings}}\nmodel_profiles:\n  m: {provider: p, model: m}\n  spare: {provider: embedded, model: extractive}\n`,
    'ensembles/many.yaml': `name: many\ndescription: many\nagents:\n${listed}\n`,
  })
}

test('F18 a provider that is down: its breaker opens, the next model answers, and nobody knocks on', async () => {
  behave = () => ({ status: 503 })
  const project = open(24, ', breaker: {failures: 5, seconds: 600}', ', fallback: spare')
  const { status } = await call(project, 'run', { target: 'many', input: 'One whole sentence.', max_concurrent: 2 })
  expect(status).toBe('succeeded')
  console.log(`    ${asked} requests to a provider that is down, for 24 steps of 3 tries each`)
  // Five make it open; with two at a time one more may be under way.
  expect(asked).toBeLessThanOrEqual(6)
}, 60_000)

test('F15 429 storm: 50 steps at once against 25 a second; no nested retries, everything ends well', async () => {
  const arrivals: number[] = []
  behave = () => {
    const now = performance.now()
    while (arrivals.length > 0 && (arrivals[0] ?? 0) <= now - 1_000) arrivals.shift()
    if (arrivals.length >= 25) return { status: 429, retry_after: '1' }
    arrivals.push(now)
    return { status: 200 }
  }
  const project = open(50, ', limits: {requests_per_minute: 25, window_seconds: 1}')
  const { status } = await call(project, 'run', { target: 'many', input: 'x' })
  console.log(`    ${asked} requests for 50 steps, ${refused} of them refused`)
  expect(status).toBe('succeeded')
  expect(asked).toBeLessThanOrEqual(60)
}, 60_000)

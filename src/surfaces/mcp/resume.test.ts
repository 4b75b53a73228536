/** Streams that are cut in a session of the revision 2025-11-25, and taken up again by `Last-Event-ID`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeServedProject, openServer, readStream, type Served } from '../http/serve.fixture.ts'
import { KeptMessages } from './kept-messages.ts'

const SLOW = 'name: slow\ndescription: d\nagents:\n- {name: one, script: "sleep 1; echo done at last"}\n'
let server: Served

beforeAll(async () => {
  server = await openServer(makeServedProject({ 'ensembles/slow.yaml': SLOW }))
})

afterAll(() => server.close())

const REVISION = '2025-11-25'
const ACCEPT = { accept: 'application/json, text/event-stream' }

function post(message: object, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'mcp-protocol-version': REVISION, ...ACCEPT, ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    ...(signal ? { signal } : {}),
  })
}

async function openSession(): Promise<Record<string, string>> {
  const clientInfo = { name: 'test', version: '1' }
  const params = { protocolVersion: REVISION, capabilities: {}, clientInfo }
  const opened = await post({ id: 1, method: 'initialize', params })
  await opened.text()
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  await post({ method: 'notifications/initialized' }, session)
  return session
}

function resume(session: Record<string, string>, last: string): Promise<Response> {
  const headers = { ...session, accept: 'text/event-stream', 'mcp-protocol-version': REVISION, 'last-event-id': last }
  return fetch(`${server.url}/mcp`, { headers })
}

async function beginAndCut(session: Record<string, string>): Promise<string> {
  const line = new AbortController()
  const params = { name: 'invoke', arguments: { ensemble_name: 'slow', input: 'x' } }
  const answer = await post({ id: 7, method: 'tools/call', params }, session, line.signal)
  const [first] = await readStream(answer, () => true)
  line.abort()
  return first?.id ?? ''
}

describe('streams that are cut', () => {
  test('I21 who comes back by the last id is told the rest, and the run went on', async () => {
    const session = await openSession()
    const last = await beginAndCut(session)
    expect(last).toMatch(/^\d+$/)
    const told = await readStream(await resume(session, last), ({ data }) => data.includes('"id":7'))
    expect(JSON.parse(told.at(-1)?.data ?? '{}')).toMatchObject({
      id: 7,
      result: {
        structuredContent: { status: 'completed', results: { one: { response: expect.stringMatching('at last') } } },
      },
    })
    // Once more from the same place, after the end: the same, and nothing twice.
    const again = await readStream(await resume(session, last), ({ data }) => data.includes('"id":7'))
    expect(again.map(({ id }) => id).filter(Boolean)).toEqual([...new Set(again.map(({ id }) => id).filter(Boolean))])
    expect(again.at(-1)?.data).toBe(told.at(-1)?.data)
  })

  test('another session is told nothing of it, and an unknown id is refused', async () => {
    const session = await openSession()
    const last = await beginAndCut(session)
    const other = await openSession()
    for (const id of [last, '99999', 'x']) {
      const refused = await resume(other, id)
      expect([refused.status, await refused.text()]).toEqual([400, expect.not.stringContaining('at last')])
    }
  })
})

describe('what is kept', () => {
  const message = (text: string) => ({ jsonrpc: '2.0', method: 'notifications/message', params: { text } }) as const
  const replay = async (kept: KeptMessages, last: string) => {
    const told: string[] = []
    await kept.replayEventsAfter(last, { send: async (id) => void told.push(id) })
    return told
  }

  test('messages of one stream after the last, in order, without those of others', async () => {
    const kept = new KeptMessages()
    const ids: string[] = []
    for (const stream of ['a', 'b', 'a', 'b', 'a']) ids.push(await kept.storeEvent(stream, message(stream)))
    expect(await replay(kept, ids[0] ?? '')).toEqual([ids[2], ids[4]])
    expect(await replay(kept, ids[1] ?? '')).toEqual([ids[3]])
  })

  test('it has a bound in number and in size, and what was forgotten is refused', async () => {
    const kept = new KeptMessages()
    for (let n = 1; n <= 600; n += 1) await kept.storeEvent('a', message('m'))
    expect(kept.has('88')).toBe(false)
    expect(kept.has('89')).toBe(true)
    await expect(replay(kept, '1')).rejects.toThrow('not kept')
    const large = await kept.storeEvent('a', message('x'.repeat(2 * 1024 * 1024)))
    expect(kept.has('600')).toBe(false)
    expect(kept.has(large)).toBe(true)
  })
})

/** The server that the official suite tests: our HTTP endpoint with our guards, and the suite's own tools. Prints its address. */
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { OrcError } from '../../src/events/errors.ts'
import { guardRequest, guardsOf } from '../../src/surfaces/http/guards.ts'
import { createMcpHttp } from '../../src/surfaces/mcp/http.ts'
import { FIXTURE_OFFER } from './fixture-offer.ts'

const endpoint = createMcpHttp({
  version: '0.1.0',
  offer: FIXTURE_OFFER,
  redact: (text) => text,
  log: (line) => console.error(line),
})
const server = createAdaptorServer({
  fetch: async (request) => {
    try {
      guardRequest(request, guardsOf({ host: '127.0.0.1', port: address().port }))
    } catch (error) {
      if (!(error instanceof OrcError)) throw error
      return new Response(error.message, { status: 403 })
    }
    return endpoint.fetch(request, { offer: FIXTURE_OFFER, owner: 'suite' })
  },
  overrideGlobalObjects: false,
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${address().port}/mcp`))

function address(): AddressInfo {
  return server.address() as AddressInfo
}

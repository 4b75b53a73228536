import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import type { OpenFace } from '../faces.ts'
import { type Call, defineOperation } from '../operation.ts'

/** As LLM Orchestra has it. */
const USUAL_PORT = 8080

export const serveMcp = defineOperation({
  name: 'mcp serve',
  summary: 'Offer the ensembles to MCP clients: as tools, resources and prompts.',
  input: z.object({
    transport: z
      .enum(['stdio', 'http'])
      .default('stdio')
      .describe('stdio: for a client that starts this program · http: at an address, below /mcp.'),
    host: z.string().min(1).default('127.0.0.1').describe('With http: the address to listen at.'),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .default(USUAL_PORT)
      .describe('With http: the port to listen at, 0 for any that is free.'),
  }),
  run: async ({ transport, host, port }, call) => {
    const face = await open(call, transport, { host, port })
    await face.closed
    // Over standard output the protocol has had the last word.
    return transport === 'stdio' ? undefined : { served: `${face.url}/mcp`, stopped: true }
  },
})

function open(
  { app, faces, signal }: Call,
  transport: 'stdio' | 'http',
  wish: { host: string; port: number },
): Promise<OpenFace> {
  if (transport === 'http' && faces) return faces.openHttp(app, wish, signal)
  if (faces?.openMcp) return faces.openMcp(app, {}, signal)
  throw new OrcError({ code: 'bad_input', message: 'only the program itself can begin to serve' })
}

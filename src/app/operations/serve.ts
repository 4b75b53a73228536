import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import type { OpenFace } from '../faces.ts'
import { type Call, defineOperation } from '../operation.ts'

export const serveOperation = defineOperation({
  name: 'serve',
  summary: 'Serve everything over HTTP, with event streams; with a name, one ensemble over MCP.',
  input: z.object({
    name: z.string().min(1).optional().describe('Only this ensemble, as a tool over MCP on standard input and output.'),
    host: z.string().min(1).optional().describe('The address to listen at; default: `serve.host`, else 127.0.0.1.'),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe('The port to listen at, 0 for any that is free; default: `serve.port`, else 8765.'),
  }),
  run: async ({ name, ...given }, call) => {
    const { serve = {} } = call.app.config.settings
    const { host = serve.host ?? '127.0.0.1', port = serve.port ?? 8765 } = given
    const face = name === undefined ? await openHttp(call, { host, port }) : await openMcp(call, name)
    await face.closed
    // Over standard output the protocol has had the last word.
    return name === undefined ? { served: face.url, stopped: true } : undefined
  },
})

function openHttp({ app, faces, signal }: Call, wish: { readonly host: string; readonly port: number }) {
  if (faces) return faces.openHttp(app, wish, signal)
  throw new OrcError({ code: 'bad_input', message: 'only the program itself can begin to serve' })
}

function openMcp({ app, faces, signal }: Call, ensemble: string): Promise<OpenFace> {
  if (faces?.openMcp) return faces.openMcp(app, { ensemble }, signal)
  const hint = 'Everything over HTTP: llm-orc serve'
  throw new OrcError({ code: 'bad_input', message: 'this program cannot serve an ensemble over MCP', hint })
}

import type { Faces } from '../../app/faces.ts'
import { TREE } from './quick.ts'

/** The faces of this program, each loaded when it is opened; `say` prints a line for the person who opened it. */
export function createFaces(say: (line: string) => void): Faces {
  return {
    openHttp: async (app, wish, signal) => {
      const { listenHttp } = await import('../http/listen.ts')
      return listenHttp(app, wish, { say: (line) => say(`${app.redact(line)}\n`), signal })
    },
    openMcp: async (app, wish, signal) => {
      const { openMcpStdio } = await import('../mcp/stdio.ts')
      return openMcpStdio(app, wish, {
        version: TREE.versions.version,
        say: (line) => say(`${app.redact(line)}\n`),
        signal,
      })
    },
  }
}

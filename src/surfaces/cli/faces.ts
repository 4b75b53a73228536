import type { Faces } from '../../app/faces.ts'
import { cleanText } from '../../events/views/clean.ts'
import { TREE } from './quick.ts'

/** The faces of this program, each loaded when it is opened; `print` is for the person who opened it. */
export function createFaces(print: (text: string) => void): Faces {
  return {
    openHttp: async (app, wish, signal) => {
      // Before the rest is loaded, which alone would make it grow.
      const { keepYoungHeapSmall } = await import('../http/young-heap.ts')
      keepYoungHeapSmall()
      const { listenHttp } = await import('../http/listen.ts')
      return listenHttp(app, wish, { say: (line) => print(writeLine(app.redact(line))), signal })
    },
    openMcp: async (app, wish, signal) => {
      const { openMcpStdio } = await import('../mcp/stdio.ts')
      return openMcpStdio(app, wish, {
        version: TREE.versions.version,
        say: (line) => print(writeLine(app.redact(line))),
        signal,
      })
    },
  }
}

/** What a stranger wrote commands no terminal, and begins no line: further ones are indented. */
export function writeLine(line: string): string {
  return `${cleanText(line).trimEnd().replaceAll('\n', '\n  ')}\n`
}

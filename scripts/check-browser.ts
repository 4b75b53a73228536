import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { rolldown } from 'rolldown'
import { listFiles } from './finding.ts'
import { HOUSE } from './rooms.ts'

const ENTRY = '\0every-pure-file'

/** What a browser gives and the pure rooms may touch while they load. */
const WEB = {
  AbortController,
  AbortSignal,
  console,
  DOMException,
  Error,
  structuredClone,
  TextDecoder,
  TextEncoder,
  URL,
}

/** Bundles every file of the Node-free rooms for a browser. Throws when anything of Node creeps in; answers the code. */
export async function bundleForBrowser(src: string): Promise<string> {
  const rooms = Object.entries(HOUSE.rooms).filter(([, { pure }]) => pure)
  const files = rooms.flatMap(([room]) =>
    listFiles(join(src, room), '.ts')
      .filter((file) => !/\.(test|fixture|contract|d)\.ts$/.test(file))
      .map((file) => join(src, room, file)),
  )
  const bundle = await rolldown({
    input: ENTRY,
    platform: 'browser',
    onLog(_level, log) {
      throw new Error(log.message)
    },
    plugins: [
      {
        name: 'browser-only',
        resolveId(id, importer) {
          if (id === ENTRY) return id
          if (isBuiltin(id)) throw new Error(`${importer} imports ${id}`)
          return null
        },
        load: (id) =>
          id === ENTRY
            ? files.map((file, n) => `import * as m${n} from ${JSON.stringify(file)}\nexport { m${n} }`).join('\n')
            : null,
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'iife', name: 'rooms', minify: true, codeSplitting: false })
  return output[0].code
}

if (import.meta.main) {
  const code = await bundleForBrowser(join(import.meta.dirname, '..', 'src'))
  runInContext(code, createContext({ ...WEB }))
  console.log(`the rooms without Node load in a browser: ${Math.round(code.length / 1024)} KiB minified`)
}

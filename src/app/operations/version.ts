import * as z from 'zod'
import { ENGINE_VERSION } from '../../engine/engine.ts'
import { FORMAT } from '../../events/event.ts'
import { defineOperation } from '../operation.ts'
import { readVersion } from '../package-root.ts'

export const version = defineOperation({
  name: 'version',
  summary: 'Print the versions of the program, its engine, its journal format and Node.',
  input: z.object({}),
  run: async () => ({ version: readVersion(), engine: ENGINE_VERSION, format: FORMAT, node: process.versions.node }),
})

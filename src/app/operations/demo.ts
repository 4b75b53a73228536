import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { defineOperation, steeringOf } from '../operation.ts'
import { runTarget } from '../runs.ts'
import { findTarget } from '../target.ts'

export const demo = defineOperation({
  name: 'demo',
  summary: 'Watch a shipped ensemble work on a shipped document; needs no key and no network.',
  input: z.object({}),
  run: async (_, call) => {
    const { app } = call
    const target = await findTarget(app, join(app.paths.library, 'ensembles', 'document-brief.yaml'))
    const document = await readFile(join(app.paths.library, 'documents', 'payout-incident.md'), 'utf8')
    const result = await runTarget(app, { target, input: document }, steeringOf(call))
    // From a clone the program is started through npm; installed, it has its own name.
    const program = app.env.values.has('npm_lifecycle_event') ? 'npm start --silent --' : 'llm-orc'
    const next = [
      `${program} runs replay ${result.run}`,
      `${program} run document-brief --input-file YOUR-FILE.md`,
      `git diff | ${program} run code-review`,
    ]
    return { ...result, next }
  },
})

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { defineOperation } from '../operation.ts'
import { runTarget } from '../runs.ts'
import { findTarget } from '../target.ts'

export const demo = defineOperation({
  name: 'demo',
  summary: 'Watch a shipped ensemble work on a shipped document; needs no key and no network.',
  input: z.object({}),
  run: async (_, { app, signal, watcher }) => {
    const target = await findTarget(app, join(app.paths.library, 'ensembles', 'document-brief.yaml'))
    const document = await readFile(join(app.paths.library, 'documents', 'payout-incident.md'), 'utf8')
    const result = await runTarget(app, { target, input: document }, { signal, ...(watcher ? { watcher } : {}) })
    const next = [
      `llm-orc runs replay ${result.run}`,
      'llm-orc run document-brief --input-file YOUR-FILE.md',
      'git diff | llm-orc run code-review',
    ]
    return { ...result, next }
  },
})

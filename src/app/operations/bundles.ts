import { resolve } from 'node:path'
import * as z from 'zod'
import { readJournal, writeBundle } from '../../journal/bundle.ts'
import { nodeTools, openBundleFile, writeBundleFile } from '../../journal/bundle-file.ts'
import { importBundle } from '../../journal/bundle-import.ts'
import { parseRedactions, redactBundle } from '../../journal/bundle-redaction.ts'
import { defineOperation } from '../operation.ts'
import { findRunId } from '../run-id.ts'

export const exportRun = defineOperation({
  name: 'runs export',
  summary: 'Write a run into one file that can be verified and imported anywhere.',
  input: z.object({
    run: z.string().min(1).describe('The id of the run, its beginning, or `latest`.'),
    file: z.string().min(1).describe('The file to write.'),
    redact: z
      .array(z.string())
      .default([])
      .describe(
        'Leave contents out: all, input, step:NAME, text:WORDS, an event type or a place in it; may be repeated.',
      ),
  }),
  run: async (input, { app }) => {
    const run = await findRunId(app, input.run)
    const { journal, blobs } = await app.openJournal()
    const record = readJournal({ journal, blobs }, run)
    const file = resolve(app.paths.cwd, input.file)
    if (input.redact.length === 0)
      return { run, file, ...(await writeBundleFile(file, writeBundle(record, nodeTools))), redacted: [] }
    const { lines, places } = await redactBundle(record, parseRedactions(input.redact), nodeTools)
    return { run, file, ...(await writeBundleFile(file, lines)), redacted: places }
  },
})

export const importRun = defineOperation({
  name: 'runs import',
  summary: 'Take a run from a bundle into the journal, once the whole file has been checked.',
  input: z.object({ file: z.string().min(1).describe('The bundle.') }),
  run: async (input, { app }) => {
    const bundle = await openBundleFile(resolve(app.paths.cwd, input.file))
    try {
      const written = await importBundle(bundle, await app.openJournal())
      return { run: bundle.run, events: bundle.manifest.events, written }
    } finally {
      await bundle.close()
    }
  },
})

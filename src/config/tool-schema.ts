import * as z from 'zod'

const text = z.string().min(1)
const names = z.array(text)

/** A path in the folder of the tool, or which of the two kinds of program it is. */
const program = z.union([text, z.strictObject({ script: text }), z.strictObject({ module: text })])

/** One `tool.json`. */
export const toolSchema = z.strictObject({
  name: text.describe('As models call it; the name of its folder.'),
  version: text.describe('A semantic version.'),
  aliases: names.describe('Other names of this version, for example `stable`.').optional(),
  description: text.max(4000).describe('What a model is told of it.'),
  input_schema: z.unknown().optional(),
  output_schema: z.unknown().optional(),
  safety: z.enum(['pure', 'idempotent', 'unsafe']).optional(),
  permissions: z
    .strictObject({
      read: names.optional(),
      write: names.optional(),
      hosts: names.optional(),
      programs: names.optional(),
      environment: names.optional(),
    })
    .optional(),
  implementation: program,
  migrations: z.record(z.string(), program).optional(),
})

export type ToolData = z.infer<typeof toolSchema>

import * as z from 'zod'

const text = z.string().min(1)
const words = z.record(z.string(), z.string())
const safety = z
  .enum(['pure', 'idempotent', 'unsafe'])
  .describe(
    'What may happen when a call is done twice; usually unsafe. What a server says of itself counts for nothing.',
  )

const login = z.strictObject({
  grant: z.enum(['authorization_code', 'client_credentials']).optional(),
  client_id: text.optional(),
  client_secret_env: text.describe('The environment variable that holds the secret of the client.').optional(),
  issuer: text.describe('Where the client is registered; its secret is sent to nobody else.').optional(),
  scope: text.optional(),
  client_metadata_url: text.describe('The address of a document that describes this client.').optional(),
  redirect_port: z.number().int().min(1024).max(65_535).optional(),
  origins: z.array(text).describe('Origins beside the issuer that may be endpoints of the login.').optional(),
})

/** One server whose tools may be used: a program (`command`) or an address (`url`). */
export const mcpServerSchema = z.strictObject({
  type: z.enum(['stdio', 'http', 'streamable-http', 'sse']).describe('Told by `command` or `url`.').optional(),
  command: text.describe('The program to start.').optional(),
  args: z.array(z.string()).optional(),
  env: words.describe('What it is given beside the usual few variables.').optional(),
  cwd: text.describe('The folder to start it in; usually the one of the project.').optional(),
  url: text.describe('The address of a server that runs already.').optional(),
  headers: words.optional(),
  oauth: z
    .union([login, z.literal(false)])
    .describe('How to log in; `false` never does.')
    .optional(),
  enabled: z.boolean().optional(),
  timeout_seconds: z.number().positive().max(86_400).describe('For one answer; usually 60.').optional(),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/)
    .describe('Put before the names of its tools, so that two servers can have tools of one name.')
    .optional(),
  safety: safety.optional(),
  tools: z
    .record(z.string(), z.strictObject({ safety: safety.optional() }))
    .describe('Single tools.')
    .optional(),
})

export type McpServerWords = z.infer<typeof mcpServerSchema>

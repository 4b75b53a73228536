import type { Config } from '../config/config.ts'
import type { Environment } from '../config/env.ts'
import type { Paths } from '../config/paths.ts'
import type { Profiles } from '../config/profiles.ts'
import type { Problem } from '../events/errors.ts'
import type { OpenSqliteJournal } from '../journal/sqlite.ts'
import type { Redact, Redaction } from '../trust/redaction.ts'
import type { McpServersInUse } from './mcp-in-use.ts'
import type { Models } from './models.ts'
import type { Principal } from './principal.ts'

/** What every operation works with. Made once per process by `createApp`; what is expensive is opened when it is asked for. */
export interface App {
  /** For whom it works here: of others' runs there is nothing. Absent: the local user. */
  readonly principal?: Principal
  readonly paths: Paths
  readonly env: Environment
  readonly config: Config
  readonly profiles: Profiles
  readonly models: Models
  /** What is wrong in the user's files and did not keep the program from starting. */
  readonly warnings: readonly Problem[]
  /** What is known to be secret. Everything that comes in from the world passes it before it is kept. */
  readonly redaction: Redaction
  /** The one sink through which text leaves: known secrets are taken out. */
  readonly redact: Redact
  /**
   * Reads the user's files again when they have changed since; asked often, it looks a few times a second. Files that cannot be used change
   * nothing but `warnings`. `at_once`: they have just been changed from here.
   */
  refresh(wish?: { readonly at_once?: boolean }): Promise<void>
  /** The journal of this user, opened on first use. */
  openJournal(): Promise<OpenSqliteJournal>
  /** The MCP servers of this user and project; one is started or connected with when it is first needed. */
  openMcp(): Promise<McpServersInUse>
  close(): Promise<void>
}

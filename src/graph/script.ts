/** How often a script may run for one intent; see the safety of effects. */
export type ScriptSafety = 'pure' | 'idempotent' | 'unsafe'

/** A script as it was found and measured: a file with its digest, or the text of an inline shell script. */
export type PinnedScript =
  | {
      readonly type: 'file'
      /** As the ensemble wrote it. */
      readonly reference: string
      readonly path: string
      readonly sha256: string
      /** The interpreter's words before the path. */
      readonly program: readonly string[]
      /** It asks a person while it runs. */
      readonly interactive?: boolean
      /** The `Key: value` comments of its first lines. */
      readonly header?: { readonly [key: string]: string }
      readonly safety?: ScriptSafety
    }
  | { readonly type: 'inline'; readonly text: string }

/** What a lookup answers when no place holds the script. */
export type MissingScript = { readonly type: 'missing'; readonly searched: readonly string[] }

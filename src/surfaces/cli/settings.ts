/** How the command line itself is to behave; never seen by an operation. Absent: not said. */
export interface Settings {
  readonly output?: 'rich' | 'text' | 'json'
  readonly progress?: 'inline' | 'bar' | 'json'
  readonly config_dir?: string
  readonly quiet?: true
  readonly color?: false
  /** The older way to choose the output. */
  readonly output_format?: string
  readonly streaming?: boolean
  readonly detailed?: true
}

/** `lines` and `execution` are the older JSON: a stream, and one document. */
export type OutputMode = 'rich' | 'text' | 'json' | 'lines' | 'execution'

/** The form of the result: what was asked for, else what fits who listens. */
export function chooseOutput(
  settings: Settings,
  {
    isTTY,
    streams,
  }: { readonly isTTY: boolean /** The command has an older stream form. */; readonly streams: boolean },
): OutputMode {
  const { output, output_format, streaming, detailed } = settings
  if (output !== undefined) return output
  if (output_format === 'json') return !streams ? 'json' : streaming === false ? 'execution' : 'lines'
  if (output_format === 'text' && !detailed) return 'text'
  return isTTY || detailed ? 'rich' : 'text'
}

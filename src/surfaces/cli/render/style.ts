import { styleText } from 'node:util'

export type Format = Parameters<typeof styleText>[0]

export interface Symbols {
  readonly succeeded: string
  readonly failed: string
  readonly skipped: string
  readonly cancelled: string
  readonly waiting: string
  readonly retrying: string
  readonly spinner: readonly string[]
  readonly full: string
  readonly empty: string
  readonly cut: string
  readonly rule: string
  readonly bullet: string
}

/** How text is dressed for one output stream. */
export interface Style {
  paint(format: Format, text: string): string
  readonly symbols: Symbols
}

type Environment = Readonly<Record<string, string | undefined>>

/** Colour as users of the field expect: FORCE_COLOR, then NO_COLOR, then whether a capable terminal listens. */
export function wantsColor(env: Environment, isTTY: boolean): boolean {
  const forced = env.FORCE_COLOR
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  return isTTY && env.TERM !== 'dumb'
}

/** May the stream be given more than ASCII? The locale says; a terminal in the C locale shows garbage otherwise. */
export function wantsUnicode(env: Environment): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '')
}

export function createStyle({ color, unicode }: { readonly color: boolean; readonly unicode: boolean }): Style {
  return {
    paint: (format, text) => (color ? styleText(format, text, { validateStream: false }) : text),
    symbols: unicode ? UNICODE : ASCII,
  }
}

const UNICODE: Symbols = {
  succeeded: '✓',
  failed: '✗',
  skipped: '↷',
  cancelled: '⊘',
  waiting: '·',
  retrying: '↻',
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
  full: '█',
  empty: '░',
  cut: '…',
  rule: '─',
  bullet: '•',
}

const ASCII: Symbols = {
  succeeded: '+',
  failed: 'x',
  skipped: '>',
  cancelled: '!',
  waiting: '.',
  retrying: '~',
  spinner: ['|', '/', '-', '\\'],
  full: '#',
  empty: '.',
  cut: '~',
  rule: '-',
  bullet: '*',
}

import type { Problem } from '../events/errors.ts'

const MAX_BYTES = 200
const CONTROL = /[\p{Cc}\p{Cs}\u2028\u2029]/u
// Characters that reorder or hide the ones around them.
const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/iu

/**
 * Says why a name (of an ensemble, profile, script, session ...) must not become the name of one file or folder; undefined when it may.
 * The look-alikes that normalisation turns into dots and slashes are refused like the real ones.
 */
export function checkName(text: string): Problem | undefined {
  const reason = findFault(text) ?? findFault(text.normalize('NFKC'))
  if (reason === undefined) return undefined
  return {
    code: 'name_refused',
    message: `the name ${quoteName(text)} ${reason}`,
    hint: 'Use letters, digits, spaces, `-`, `_` and `.` inside the name.',
  }
}

/** The same for a path below a root, such as `primitives/file-ops/read_file.py`: every part must be a name. */
export function checkRelativePath(text: string): Problem | undefined {
  for (const part of text.split('/')) {
    const problem = checkName(part)
    if (problem) return { ...problem, message: `the path ${quoteName(text)} is refused: ${problem.message}` }
  }
  return undefined
}

function findFault(text: string): string | undefined {
  if (text === '') return 'is empty'
  if (text.length > MAX_BYTES || new TextEncoder().encode(text).length > MAX_BYTES)
    return `is longer than ${MAX_BYTES} bytes`
  if (CONTROL.test(text)) return 'holds a control character'
  if (INVISIBLE.test(text)) return 'holds an invisible or direction-changing character'
  if (/[/\\]/.test(text)) return 'holds a path separator'
  if (/[<>:"|?*]/.test(text)) return 'holds a character that file systems reserve'
  if (/%[0-9a-f]{2}/i.test(text)) return 'holds a percent-encoded character'
  if (text.trim() !== text) return 'begins or ends with a space'
  if (text.endsWith('.')) return 'ends with a dot'
  if (text.startsWith('.')) return 'begins with a dot'
  if (text.startsWith('~')) return 'begins with a tilde'
  if (text.startsWith('-')) return 'begins with a dash, like an option'
  if (RESERVED.test(text)) return 'is reserved for a device'
  return undefined
}

/** Names in messages: shortened, and with nothing that a terminal would obey. */
function quoteName(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return JSON.stringify(
    short.toWellFormed().replace(new RegExp(`${CONTROL.source}|${INVISIBLE.source}`, 'gu'), '\ufffd'),
  )
}

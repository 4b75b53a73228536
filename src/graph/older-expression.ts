import { isIdentifier, stepPath } from './cel.ts'

/**
 * The older `${agent.field}`, alone or compared with a literal, as CEL over `steps.agent.output.field`. A field that is missing is
 * null, as those files expect. Every other text is CEL already and stays.
 */
export function toCel(text: string): string {
  const compared = OLDER_COMPARISON.exec(text)
  if (compared) return `${toCel(compared[1] ?? '')} ${compared[2]} ${toLiteral(compared[3] ?? '')}`
  return text.replace(OLDER_REFERENCE, (whole, inner: string) => toPath(inner.trim()) ?? whole)
}

/** The same for a condition: a bare older reference holds when it is neither missing, null, false, 0 nor empty. */
export function toCondition(text: string): string {
  return OLDER_ALONE.test(text) ? `truthy(${toCel(text.trim())})` : toCel(text)
}

const OLDER_REFERENCE = /\$\{([^{}]*)\}/g
const OLDER_ALONE = /^\s*\$\{[^{}]*\}\s*$/
const OLDER_COMPARISON = /^\s*(\$\{[^{}]*\})\s*(==|!=)\s*(.+?)\s*$/s
const OLDER_PATH = /^([^.[\]{}$\s][^.[\]{}$]*)((?:\.[^.[\]{}$\s]+|\[\d{1,9}\])*)$/
function toPath(inner: string): string | undefined {
  const found = OLDER_PATH.exec(inner)
  if (!found?.[1]) return undefined
  const parts = [...(found[2] ?? '').matchAll(/\.([^.[]+)|\[(\d+)\]/g)].map(([, key, index]) =>
    key === undefined ? `[?${index}]` : isIdentifier(key) ? `.?${key}` : `[?${JSON.stringify(key)}]`,
  )
  const output = `${stepPath(found[1])}.output`
  return parts.length === 0 ? output : `${output}${parts.join('')}.orValue(null)`
}

/** Older files left the quotes away: `${a.route} == code`. */
function toLiteral(text: string): string {
  if (/^(true|false|null|-?\d+(\.\d+)?)$/i.test(text)) return text.toLowerCase()
  return /^[\p{L}_][\p{L}\p{N}_ .:/-]*$/u.test(text) ? JSON.stringify(text) : toCel(text)
}

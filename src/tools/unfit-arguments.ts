import type { ToolOutcome } from './tool.ts'

/** Faults that are named at once. */
const NAMED = 5

export function nameFaults(faults: readonly string[]): string {
  return faults.slice(0, NAMED).join('; ')
}

/** Why a call is not begun: its arguments do not follow the schema. Undefined when they do. */
export function refuseUnfit(name: string, faults: readonly string[]): ToolOutcome | undefined {
  if (faults.length === 0) return undefined
  const message = `the arguments of ${name} ${nameFaults(faults)}`
  return { ok: false, code: 'bad_input', message, touched: 'no' }
}

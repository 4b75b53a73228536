import type { JsonObject } from '../events/values.ts'
import type { Path } from '../graph/yaml.ts'
import { type CheckedData, checkData } from './checked-data.ts'
import { listSettings, type SettingPlace, settingsSchema } from './schema.ts'

/** `performance.execution.default_timeout` is LLM_ORC_PERFORMANCE_EXECUTION_DEFAULT_TIMEOUT. */
export function nameVariable(path: Path): string {
  return `LLM_ORC_${path.join('_').toUpperCase()}`
}

/** Names that an older program gave to the same settings; one of ours wins over its older one. */
export const OLDER_NAMES: { readonly [setting: string]: string } = {
  'plan.model': 'AI3_PLANNER_MODEL',
  'plan.max_tokens': 'AI3_PLANNER_MAXTOK',
  'plan.temperature': 'AI3_PLANNER_TEMPERATURE',
  'plan.max_concurrent': 'AI3_MAX_CONCURRENCY',
  'performance.concurrency.max_per_provider': 'AI3_MAX_CONCURRENCY_PER_PROVIDER',
  'verify.enabled': 'AI3_VERIFY',
  'verify.repair_limit': 'AI3_REPAIR_LIMIT',
}

/** The settings made by environment variables; an empty variable makes none. */
export function readSettingsVariables(values: ReadonlyMap<string, string>): CheckedData {
  const data: JsonObject = {}
  const sources = new Map<string, string>()
  for (const { path, type } of listSettings()) {
    const setting = path.join('.')
    const names = [nameVariable(path), OLDER_NAMES[setting] ?? '']
    const name = names.find((one) => values.get(one))
    if (name === undefined) continue
    sources.set(setting, name)
    setAt(data, path, understand((values.get(name) ?? '').trim(), type))
  }
  return checkData(settingsSchema, data, {
    place: (path) => ({ file: `$${sources.get(path.join('.')) ?? nameVariable(path)}` }),
  })
}

/** What cannot be understood stays text, so that the schema complains about it. */
function understand(text: string, type: SettingPlace['type']): string | number | boolean {
  if (type === 'number' && /^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(true|yes|on|1)$/i.test(text)) return true
  if (type === 'boolean' && /^(false|no|off|0)$/i.test(text)) return false
  return text
}

function setAt(data: JsonObject, path: readonly string[], value: string | number | boolean): void {
  let map = data as { [key: string]: unknown }
  for (const key of path.slice(0, -1)) {
    map[key] ??= {}
    map = map[key] as { [key: string]: unknown }
  }
  map[path.at(-1) as string] = value
}

import type { JsonObject } from '../events/values.ts'
import type { Path } from '../graph/yaml.ts'
import { type CheckedData, checkData } from './checked-data.ts'
import { listSettings, type SettingPlace, settingsSchema } from './schema.ts'

/** `performance.execution.default_timeout` is LLM_ORC_PERFORMANCE_EXECUTION_DEFAULT_TIMEOUT. */
export function nameVariable(path: Path): string {
  return `LLM_ORC_${path.join('_').toUpperCase()}`
}

/** The settings made by environment variables; an empty variable makes none. */
export function readSettingsVariables(values: ReadonlyMap<string, string>): CheckedData {
  const data: JsonObject = {}
  for (const setting of listSettings()) {
    const text = values.get(nameVariable(setting.path))
    if (text) setAt(data, setting.path, understand(text.trim(), setting.type))
  }
  return checkData(settingsSchema, data, { place: (path) => ({ file: `$${nameVariable(path)}` }) })
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

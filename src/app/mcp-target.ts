import { isAbsolute, resolve } from 'node:path'
import { type FillMeans, fillVariables, type McpServerEntry } from '../config/mcp-servers.ts'
import { OrcError } from '../events/errors.ts'
import { cleanEnvironment } from '../sandbox/environment.ts'
import type { LoginSpec } from '../tools/mcp/login.ts'
import type { McpTarget } from '../tools/mcp-client.ts'
import type { App } from './app.ts'

/** What is really started or asked: variables filled in, the environment without anything of ours. Throws OrcError naming what is missing. */
export function makeTarget({ env }: Pick<App, 'env'>, entry: McpServerEntry): McpTarget {
  const { name, words, folder, place } = entry
  const means: FillMeans = { variable: (each) => env.values.get(each), folder, home: env.values.get('HOME') }
  const missing = new Set<string>()
  const fill = (text: string): string => {
    const filled = fillVariables(text, means)
    for (const each of filled.missing) missing.add(each)
    return filled.text
  }
  const fillAll = (map: { readonly [key: string]: string } = {}) =>
    Object.fromEntries(Object.entries(map).map(([key, text]) => [key, fill(text)]))
  const to =
    words.url === undefined
      ? {
          program: fill(words.command ?? ''),
          args: (words.args ?? []).map(fill),
          env: cleanEnvironment(fillAll(words.env)),
          cwd: resolve(folder, fill(words.cwd ?? '.')),
        }
      : { url: fill(words.url), headers: fillAll(words.headers), login: readLogin(entry, means, missing) }
  if (missing.size > 0) {
    const names = [...missing].join(', ')
    const hint = `Set ${missing.size === 1 ? 'it' : 'them'} in the environment or in .env.`
    throw new OrcError({ code: 'mcp_variable_missing', message: `the server ${name} needs ${names}`, hint, ...place })
  }
  const timeout = words.timeout_seconds === undefined ? {} : { timeout_ms: Math.round(words.timeout_seconds * 1000) }
  if (!('url' in to)) {
    // A program of the project is named from its folder, whatever folder it is started in.
    const program = /[\\/]/.test(to.program) && !isAbsolute(to.program) ? resolve(folder, to.program) : to.program
    return { name, to: { ...to, program }, ...timeout }
  }
  const url = URL.parse(to.url)
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new OrcError({ code: 'config_invalid', message: `the url of the server ${name} is no web address`, ...place })
  return { name, to: { ...to, url }, ...timeout }
}

function readLogin({ words }: McpServerEntry, means: FillMeans, missing: Set<string>): LoginSpec | false {
  if (words.oauth === false) return false
  const { client_secret_env: name, ...rest } = words.oauth ?? {}
  if (name === undefined) return rest
  const secret = means.variable(name)
  if (!secret) missing.add(name)
  return { ...rest, ...(secret ? { client_secret: secret } : {}) }
}

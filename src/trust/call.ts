import type { Rights, ToolRequest } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'

/** What is asked of policy: an effect of any kind. */
export interface Asked {
  readonly kind: string
  readonly safety: string
  readonly request: Json
  readonly labels?: readonly string[]
  readonly rights?: Rights
}

/** What a call is to a policy: a name, one line of what it does, and the paths and hosts it names. */
export interface Call {
  readonly name: string
  readonly argument: string
  readonly paths: readonly string[]
  readonly hosts: readonly string[]
  readonly safety: string
  readonly labels: readonly string[]
  readonly rights?: Rights | undefined
}

/** Undefined for effects that are nobody's to forbid: questions, timers, definitions. */
export function readCall({ kind, safety, request, labels = [], rights }: Asked): Call | undefined {
  const given = (
    typeof request === 'object' && request !== null && !Array.isArray(request) ? request : {}
  ) as JsonObject
  if (kind === 'tool') {
    const { tool, arguments: args, source } = given as unknown as ToolRequest
    const name = source.startsWith('mcp:') ? `${source}:${tool}` : tool
    return describeCall(name, args, { safety, labels, rights })
  }
  if (kind === 'script') {
    const script = (given['script'] ?? {}) as JsonObject
    const argument = String(script['reference'] ?? script['text'] ?? '')
    return { name: 'script', argument, paths: [], hosts: [], safety: 'pure', labels: [] }
  }
  if (kind === 'model') {
    const argument = `${String(given['provider'])}/${String(given['model'])}`
    return { name: 'model', argument, paths: [], hosts: [], safety: 'pure', labels: [] }
  }
  return undefined
}

/** Paths are taken from arguments named for them, addresses from every text that is one. */
export function describeCall(
  name: string,
  args: JsonObject,
  more: { readonly safety: string; readonly labels?: readonly string[]; readonly rights?: Rights | undefined },
): Call {
  const texts = Object.entries(args).flatMap(([key, value]) => listTexts(value).map((text) => [key, text] as const))
  const paths = texts.filter(([key]) => /(^|_)(path|paths|file|files|dir|folder|directory|cwd)$/i.test(key))
  const hosts = texts.flatMap(([, text]) => hostOf(text))
  const line = args['command'] ?? args['path'] ?? args['url']
  return {
    name,
    argument: typeof line === 'string' ? line : JSON.stringify(args),
    paths: paths.map(([, path]) => normalisePath(path)),
    hosts,
    safety: more.safety,
    labels: more.labels ?? [],
    rights: more.rights,
  }
}

function listTexts(value: Json): readonly string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(listTexts)
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(listTexts) : []
}

function hostOf(text: string): readonly string[] {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return []
  const url = URL.parse(text)
  return url ? [url.host] : ['']
}

/** `a/./b/../c` is `a/c`; what leaves the folder keeps its `..`, so that no glob below it fits. */
function normalisePath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '.' || (part === '' && parts.length > 0)) continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..' && parts.at(-1) !== '') parts.pop()
    else parts.push(part)
  }
  return parts.join('/')
}

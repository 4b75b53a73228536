import type { Rights, ToolPermissions, ToolRequest } from '../events/tool-call.ts'
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
  /** Of the tool; absent for what has none. */
  readonly version?: string | undefined
  readonly argument: string
  /** What `argument` is, where it may be written in several ways. */
  readonly argument_is?: 'path' | 'url'
  /** The script that a tool is; a rule that narrows scripts narrows it, too. */
  readonly script?: string
  readonly paths: readonly string[]
  /** Texts that may be paths although nothing says so: a rule that narrows looks at them, none that allows. */
  readonly maybe_paths?: readonly string[]
  readonly hosts: readonly string[]
  readonly safety: string
  readonly labels: readonly string[]
  readonly rights?: Rights | undefined
  /** What the tool may touch, by its own word. */
  readonly permissions?: ToolPermissions | undefined
}

const SCRIPT_SOURCE = 'script:'
/** Longer texts are contents, no places. */
const LONGEST_PATH = 4096
/** Arguments named `path`, `file_paths`, `outputDir`, `destination` and their like. */
const PATH_KEY = nameKeys('path file filename dir folder directory cwd source destination src dst dest')
const HOST_KEY = nameKeys('host hostname domain origin server endpoint')

/** Alone, behind `_` or `-`, or with a capital behind something else; one or several. */
function nameKeys(list: string): { test(key: string): boolean } {
  const words = list.split(' ')
  const capital = words.map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`)
  const alone = new RegExp(`(?:^|[_-])(?:${words.join('|')})s?$`, 'i')
  const behind = new RegExp(`[a-z0-9](?:${capital.join('|')})s?$`)
  return { test: (key) => alone.test(key) || behind.test(key) }
}

/** Undefined for effects that are nobody's to forbid: questions, timers, definitions. */
export function readCall({ kind, safety, request, labels = [], rights }: Asked): Call | undefined {
  const given = (
    typeof request === 'object' && request !== null && !Array.isArray(request) ? request : {}
  ) as JsonObject
  if (kind === 'tool') {
    const { tool, version, arguments: args, source, permissions } = given as unknown as ToolRequest
    const name = source.startsWith('mcp:') ? `${source}:${tool}` : tool
    const call = describeCall(name, args, { version, safety, labels, rights, permissions })
    return source.startsWith(SCRIPT_SOURCE) ? { ...call, script: source.slice(SCRIPT_SOURCE.length) } : call
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

/** Paths and hosts are taken from arguments named for them, at any depth, addresses from every text that is one. */
export function describeCall(
  name: string,
  args: JsonObject,
  more: {
    readonly version?: string | undefined
    readonly safety: string
    readonly labels?: readonly string[]
    readonly rights?: Rights | undefined
    readonly permissions?: ToolPermissions | undefined
  },
): Call {
  const texts = Object.entries(args).flatMap(([key, value]) => listTexts(key, value))
  const paths = texts.filter(({ key }) => PATH_KEY.test(key)).map(({ text }) => normalisePath(text))
  const maybe = texts.filter(({ key, text }) => !PATH_KEY.test(key) && mayBePath(text)).map(({ text }) => text)
  const line = args['command'] ?? args['path'] ?? args['url']
  const is = args['command'] !== undefined ? undefined : args['path'] !== undefined ? 'path' : 'url'
  return {
    name,
    version: more.version,
    argument: typeof line === 'string' ? line : JSON.stringify(args),
    ...(typeof line === 'string' && is !== undefined ? { argument_is: is } : {}),
    paths,
    ...(maybe.length > 0 ? { maybe_paths: maybe } : {}),
    hosts: texts.flatMap(({ key, text }) => hostOf(text, HOST_KEY.test(key))),
    safety: more.safety,
    labels: more.labels ?? [],
    rights: more.rights,
    permissions: more.permissions,
  }
}

interface NamedText {
  /** The nearest key above the text. */
  readonly key: string
  readonly text: string
}

function listTexts(key: string, value: Json): readonly NamedText[] {
  if (typeof value === 'string') return [{ key, text: value }]
  if (Array.isArray(value)) return value.flatMap((each) => listTexts(key, each))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([inner, each]) => listTexts(inner, each))
}

function mayBePath(text: string): boolean {
  return text.includes('/') && text.length <= LONGEST_PATH && !/[\n\r]/.test(text) && !isAddress(text)
}

/** As it will be read, not only as it should be written: `https:host` and ` https:\\host` lead to that host, too. */
function isAddress(text: string): boolean {
  return /^[\0-\x20]*[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^(?:https?|wss?|ftp):/i.test(stripIgnored(text))
}

/** Without what a reader of addresses leaves out. */
function stripIgnored(text: string): string {
  return text
    .slice(0, LONGEST_PATH)
    .replaceAll(/[\t\n\r]/g, '')
    .replace(/^[\0-\x20]+/, '')
}

function hostOf(text: string, named: boolean): readonly string[] {
  if (isAddress(text)) {
    const url = URL.parse(text)
    return url ? [url.host] : ['']
  }
  return named ? [URL.parse(`http://${text}`)?.host ?? ''] : []
}

/** `a/./b/../c` is `a/c`; what leaves the folder keeps its `..`, so that no glob below it fits. */
export function normalisePath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '.' || (part === '' && parts.length > 0)) continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..' && parts.at(-1) !== '') parts.pop()
    else parts.push(part)
  }
  return parts.join('/')
}

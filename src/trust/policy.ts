import picomatch from 'picomatch'
import { canonicalJson } from '../events/canonical.ts'
import type { JsonObject } from '../events/values.ts'
import { type Asked, type Call, normalisePath, readCall } from './call.ts'
import { namePaths } from './command-line.ts'
import {
  allowsCall,
  forbidsCall,
  isCommand,
  matchesWildcard,
  parseToolPattern,
  type ToolPattern,
} from './tool-pattern.ts'

/** One rule of a policy file. All that it names has to fit; `deny` wins over every other rule. */
export interface PolicyRule {
  readonly tool: ToolPattern
  /** A glob over the paths in the arguments, from the project's folder on. */
  readonly path?: string
  /** `host` or `*.domain`. */
  readonly host?: string
  /** Only calls whose arguments derive from what came from outside. */
  readonly label?: string
  readonly decision: 'allow' | 'ask' | 'deny'
  readonly reason?: string
  /** An approval has to be given and used within it. */
  readonly expires_ms?: number
  /** Where the rule stands: `FILE:LINE` or `--allow`. */
  readonly place: string
}

/** The rules of one place; `untrusted` ones (a project somebody else wrote) may only narrow what is allowed. */
export interface PolicyLevel {
  readonly name: 'command line' | 'user' | 'system' | 'project'
  readonly rules: readonly PolicyRule[]
  readonly trusted: boolean
}

export interface PolicyOptions {
  /** In the order in which they are asked. */
  readonly levels: readonly PolicyLevel[]
  /** Digest of everything above: a grant given under another policy is void. */
  readonly digest: string
  /** SHA-256 of text. */
  sha256(text: string): string
  /** Where a path leads; default: only the path itself, written plainly. */
  readonly locate?: Locate
  readonly doubt?: Doubt
  /** Places that only a rule opens which names them by their whole path: what may be looked at, and what may be changed. Absolute. */
  readonly governed?: { readonly read: readonly string[]; readonly write: readonly string[] }
  /** The wall that a call would run behind now; a grant given for another one is void. Undefined: it needs none. */
  readonly wall?: (asked: Asked) => string | undefined
}

/** Why a person is to be asked about a call that the rules allow; undefined: no reason. Answers at once. */
export type Doubt = (asked: Asked) => string | undefined

/**
 * All places that a path of an argument leads to (one more where there are links on the way), each with the ways to write it: from the
 * project's folder on, and whole.
 */
export type Locate = (path: string) => readonly (readonly string[])[]

const locatePlainly: Locate = (path) => [[normalisePath(path)]]

/** What is decided about one call, and why. */
export interface Decision {
  readonly decision: 'allow' | 'ask' | 'deny'
  readonly reason: string
  /** The same without the place. */
  readonly because: string
  /** The rule that decided; absent where the usual rule for the tool's safety did. */
  readonly place?: string
  readonly expires_ms?: number
  /** The label that the deciding rule is about. */
  readonly label?: string
}

type Judgement =
  | { readonly verdict: 'allow' }
  | { readonly verdict: 'ask'; readonly grant: JsonObject; readonly expires_in_ms?: number }
  | { readonly verdict: 'deny'; readonly reason: string }

/** Decides about tools, scripts and models by rules alone; it reads no files (but what `locate` and `doubt` do) and no clock. */
export function createPolicy(options: PolicyOptions) {
  return {
    /** What cannot be judged is denied: nothing throws, nothing slips through. */
    judge(asked: Asked): Judgement {
      try {
        return judge(asked, options)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        return { verdict: 'deny', reason: `the policy could not decide about it: ${why}` }
      }
    },
    explain: (call: Call): Decision => explain(options, call),
  }
}

function judge(asked: Asked, options: PolicyOptions): Judgement {
  const call = readCall(asked)
  if (!call) return { verdict: 'allow' }
  const { decision, reason, expires_ms, label, ...explained } = explain(options, call)
  if (decision === 'deny') return { verdict: 'deny', reason }
  const because = decision === 'allow' ? options.doubt?.(asked) : explained.because
  if (because === undefined) return { verdict: 'allow' }
  const grant = { ...grantOf(asked, call, options), because, ...(label === undefined ? {} : { label }) }
  return { verdict: 'ask', grant, ...(expires_ms === undefined ? {} : { expires_in_ms: expires_ms }) }
}

/** The rights of the step first, then deny rules of every level, then the first rule that fits, then the usual rule. */
function explain({ levels, locate = locatePlainly, governed }: PolicyOptions, given: Call): Decision {
  const call = read(given, locate)
  const missing = findMissingRight(call)
  if (missing) return { decision: 'deny', reason: missing, because: missing }
  const fitting = levels.flatMap(({ rules, trusted, name }) =>
    rules.filter((rule) => fits(rule, call)).map((rule) => ({ rule, trusted, name })),
  )
  const denied = fitting.find(({ rule }) => rule.decision === 'deny')
  if (denied) return decisionOf(denied.rule)
  const closed = findGoverned(call, governed?.[call.safety === 'pure' ? 'read' : 'write'])
  if (closed !== undefined && !fitting.some(({ rule, trusted }) => trusted && opens(rule, closed))) {
    const because = `${closed} governs this program: only a rule that names it by its whole path opens it`
    return { decision: 'deny', reason: because, because }
  }
  const first = fitting.find(({ rule, trusted }) => trusted || rule.decision !== 'allow')
  if (first) return decisionOf(first.rule)
  if (call.safety === 'pure' && reachesFar(call)) {
    const because = `no rule speaks of ${call.name}; it says that it only looks, but may do more or look further than the project`
    return { decision: 'ask', reason: because, because }
  }
  const usual = USUAL[call.safety] ?? 'ask'
  const because = `no rule speaks of ${call.name}; ${call.safety} tools are ${WORDS[usual]}`
  return { decision: usual, reason: because, because }
}

const USUAL: { readonly [safety: string]: 'allow' | 'ask' } = { pure: 'allow', idempotent: 'ask', unsafe: 'ask' }
const WORDS = { allow: 'allowed', ask: 'asked about' } as const

/** A call with everything that its paths and its argument lead to. */
interface ReadCall extends Call {
  readonly readings?: readonly (readonly string[])[]
  readonly places: readonly (readonly string[])[]
  /** What only a rule that narrows looks at. */
  more_places(): readonly (readonly string[])[]
}

function read(call: Call, locate: Locate): ReadCall {
  const { argument, argument_is, paths, maybe_paths = [] } = call
  const readings = argument_is === 'path' ? locate(argument) : argument_is === 'url' ? readAddress(argument) : undefined
  const words = isCommand(call.name) ? namePaths(argument) : []
  const more_places = () => [...maybe_paths, ...words].flatMap(locate)
  return { ...call, ...(readings ? { readings } : {}), places: paths.flatMap(locate), more_places }
}

/** Without a name and a password, which would look like the host. */
function readAddress(text: string): readonly (readonly string[])[] {
  const url = URL.parse(text)
  if (!url) return [[text]]
  url.username = ''
  url.password = ''
  return [[url.href, url.href.replace(/\/$/, '')]]
}

/** It says that it is pure, but wants to write, to be given variables, to reach hosts, or to read elsewhere. */
function reachesFar({
  permissions: { read: reads = [], write = [], hosts = [], environment = [] } = {},
}: Call): boolean {
  return (
    write.length + hosts.length + environment.length > 0 || reads.some((path) => /^[/~]|(^|\/)\.\.(\/|$)/.test(path))
  )
}

function decisionOf({ decision, reason, place, expires_ms, label }: PolicyRule): Decision {
  const because = reason ?? `a rule says ${decision}`
  return {
    decision,
    reason: `${because} (${place})`,
    because,
    place,
    ...(expires_ms === undefined ? {} : { expires_ms }),
    ...(label === undefined ? {} : { label }),
  }
}

function findMissingRight({ rights, ...call }: ReadCall): string | undefined {
  if (!rights) return undefined
  // Rights name a script as it is named; another tool may have the same name.
  const named = call.script === undefined ? call : { ...call, name: `script:${call.script}` }
  const forbids = (pattern: ToolPattern) => forbidsCall(pattern, named) || forbidsCall(pattern, call)
  const denied = rights.deny.find((text) => isPattern(text, forbids))
  if (denied !== undefined) return `the step may not use ${denied}`
  const unmet = rights.allow.find(
    (set) => !set.some((text) => isPattern(text, (pattern) => allowsCall(pattern, named))),
  )
  return unmet ? `the step may use only ${unmet.join(', ') || 'no tool at all'}` : undefined
}

/** What is no pattern allows nothing; as a prohibition it stands for everything. */
function isPattern(text: string, test: (pattern: ToolPattern) => boolean): boolean {
  const pattern = parseToolPattern(text)
  return pattern !== undefined && test(pattern)
}

function fits(rule: PolicyRule, call: ReadCall): boolean {
  const { decision, tool, path, host, label } = rule
  const some = decision !== 'allow'
  if (!(some ? forbidsCall(tool, call) || forbidsScript(tool, call) : allowsCall(tool, call))) return false
  if (label !== undefined && !call.labels.includes(label)) return false
  // A command may touch more than it names: no path makes it harmless, one path is enough to forbid it.
  if (path !== undefined && isCommand(call.name) && !some) return false
  return fitsPath(path, call, some) && fitsHost(host, call, some)
}

/** A script keeps its rules when an agent has it as a tool. */
function forbidsScript(tool: ToolPattern, { script }: Call): boolean {
  return script !== undefined && forbidsCall(tool, { name: 'script', argument: script })
}

/** The closed place that a call names, a command by any of its words. Scripts of an ensemble are the user's own. */
function findGoverned(call: ReadCall, closed: readonly string[] = []): string | undefined {
  const places = call.name === 'bash' ? [...call.places, ...call.more_places()] : call.places
  return closed.find((folder) => places.some((ways) => ways.some((way) => isBelow(way, folder))))
}

/** Up to its first sign that stands for others, the rule names the place or something in it. */
function opens({ decision, path, tool }: PolicyRule, closed: string): boolean {
  const named = [path, tool.argument].map((text = '') => text.replace(/[*?[\]{}()!].*$/s, ''))
  return decision === 'allow' && named.some((text) => isBelow(text.replace(/\/$/, ''), closed))
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

/** What narrows fits when any of the places does, a permission only when all do and there is one. */
function fitsPath(pattern: string | undefined, call: ReadCall, some: boolean): boolean {
  if (pattern === undefined) return true
  const test = (ways: readonly string[]) => ways.some((way) => matchesPath(pattern, way))
  if (some) return call.places.some(test) || call.more_places().some(test)
  return call.places.length > 0 && call.places.every(test)
}

function fitsHost(pattern: string | undefined, { hosts }: Call, some: boolean): boolean {
  if (pattern === undefined) return true
  if (some) return hosts.some((host) => matchesHost(pattern, host) || matchesHost(pattern, withoutPort(host)))
  return hosts.length > 0 && hosts.every((host) => matchesHost(pattern, host))
}

function matchesPath(pattern: string, path: string): boolean {
  return picomatch.isMatch(path, pattern, { dot: true })
}

function matchesHost(pattern: string, host: string): boolean {
  return matchesWildcard(pattern.toLowerCase(), host.toLowerCase().replace(/\.(?=:\d+$|$)/, ''))
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '')
}

/** What exactly is asked for: everything that makes this call another one if it changes. */
function grantOf(asked: Asked, call: Call, { digest, sha256, wall }: PolicyOptions): JsonObject {
  const { kind, request, safety } = asked
  const given = request as JsonObject
  const sandbox = wall?.(asked)
  const text = (key: string) => (typeof given[key] === 'string' ? { [key]: given[key] } : {})
  return {
    kind,
    // A grant for a whole run is for this script or model, not for all of them.
    tool: kind === 'tool' ? call.name : nameOther(kind, given, call),
    ...text('version'),
    ...text('source'),
    ...(kind === 'script' ? { digest: sha256(canonicalJson(given['script'] ?? null)) } : text('digest')),
    safety,
    arguments: sha256(canonicalJson(given['arguments'] ?? request)),
    policy: digest,
    ...(sandbox === undefined ? {} : { sandbox }),
  }
}

/** Without the text of an inline script, which stands in the digest. */
function nameOther(kind: string, { script }: JsonObject, call: Call): string {
  const inline = kind === 'script' && !(typeof script === 'object' && script !== null && 'reference' in script)
  return inline ? call.name : `${call.name}(${call.argument})`
}

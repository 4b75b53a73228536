import type { Json } from '../events/values.ts'

/** Takes known secrets out of text, by their exact value in each form they commonly travel in. */
export type Redact = (text: string) => string

/** Takes secrets out of text that comes in pieces: what may be the beginning of one is held until more has come. */
export interface StreamRedaction {
  take(text: string): string
  /** What is held still, when nothing more will come. */
  end(): string
}

const SHORTEST = 8
/** Of a secret that was cut in two, so much is still one. */
const SHORTEST_PART = 12
const SECRET_NAME =
  /(^|_)(API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH|PAT)$|_(KEY|PWD|DSN)$/i
/** Says which call it is, not who may make it. */
const PUBLIC_NAME = /(^|_)(IDEMPOTENCY|PUBLIC|GPG)_KEY$/i
const SECRET_PARAMETER = /(key|token|secret|password|auth|signature|sig)$/i

/**
 * The values of variables whose names say that they are secret, or that are `named`, and the passwords and keys in addresses. Short ones
 * are left: they would blot out ordinary words.
 */
export function findSecrets(
  variables: Iterable<readonly [string, string]>,
  named: ReadonlySet<string> = new Set(),
): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of variables) {
    const isNamed = named.has(name) || (SECRET_NAME.test(name) && !PUBLIC_NAME.test(name))
    if (isNamed && !isPath(value)) found.set(name, value.trim())
    for (const [part, secret] of secretsOfUrl(value)) found.set(`${name} ${part}`, secret)
  }
  return new Map([...found].filter(([, value]) => value.length >= SHORTEST))
}

/** The secrets in a header like `Authorization: Bearer VALUE`; without the word before it, too. */
export function findHeaderSecrets(headers: Iterable<readonly [string, string]>): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of headers) {
    const [, bare = value] = /^\w+\s+(\S.*)$/.exec(value.trim()) ?? []
    if (/auth|key|token|cookie|secret/i.test(name) && bare.length >= SHORTEST) found.set(name, bare)
  }
  return found
}

/** Where secrets are known and taken out. More of them may be learnt on the way. What is taken out is replaced by `[secret NAME]`. */
export class Redaction {
  #forms: readonly { readonly name: string; readonly form: string }[] = []
  /** The beginnings and ends of forms, by their outermost character. */
  #byFirst = new Map<string, string[]>()
  readonly #secrets = new Map<string, string>()

  constructor(secrets: ReadonlyMap<string, string>) {
    this.learn(secrets)
  }

  learn(secrets: ReadonlyMap<string, string>): void {
    for (const [name, value] of secrets) this.#secrets.set(name, value)
    const forms = [...this.#secrets].flatMap(([name, value]) => formsOf(value).map((form) => ({ name, form })))
    // The longest first: a form may hold another one.
    this.#forms = forms.sort((a, b) => b.form.length - a.form.length)
    this.#byFirst = new Map()
    for (const { form } of forms) {
      const [first = ''] = form
      this.#byFirst.set(first, [...(this.#byFirst.get(first) ?? []), form])
    }
  }

  readonly redact: Redact = (text) => {
    if (text.length < SHORTEST) return text
    let clean = text
    for (const { name, form } of this.#forms)
      if (clean.includes(form)) clean = clean.replaceAll(form, `[secret ${name}]`)
    for (const [name, value] of this.#secrets) clean = cutParts(clean, value, `[secret ${name}]`)
    return clean
  }

  /** All texts in it, names of members too. */
  readonly redactJson = <T extends Json>(content: T): T =>
    (this.#forms.length === 0 ? content : this.#walk(content)) as T

  stream(): StreamRedaction {
    let held = ''
    return {
      take: (text) => {
        held += text
        const from = this.#endOfWhole(held, this.#beginningOf(held))
        const ready = held.slice(0, from)
        held = held.slice(from)
        return this.redact(ready)
      },
      end: () => {
        const rest = this.redact(held)
        held = ''
        return rest
      },
    }
  }

  #walk(content: Json): Json {
    if (typeof content === 'string') return this.redact(content)
    if (Array.isArray(content)) return content.map((each) => this.#walk(each))
    if (typeof content !== 'object' || content === null) return content
    return Object.fromEntries(Object.entries(content).map(([key, each]) => [this.redact(key), this.#walk(each)]))
  }

  /** A secret that stands across a place is whole: what follows it began within it by chance. */
  #endOfWhole(text: string, place: number): number {
    let end = place
    for (const { form } of this.#forms) {
      const at = text.indexOf(form, Math.max(0, place - form.length + 1))
      if (at >= 0 && at < place) end = Math.max(end, at + form.length)
    }
    return end
  }

  /** Where the first end of the text begins that may go on as a secret. */
  #beginningOf(text: string): number {
    const longest = this.#forms[0]?.form.length ?? 0
    for (let at = Math.max(0, text.length - longest + 1); at < text.length; at++) {
      const rest = text.slice(at)
      if (this.#byFirst.get(text[at] as string)?.some((form) => form.startsWith(rest))) return at
    }
    return text.length
  }
}

/** `secrets`: name to value. */
export function createRedaction(secrets: ReadonlyMap<string, string>): Redact {
  return new Redaction(secrets).redact
}

/** Text that was cut somewhere may begin or end within a secret. */
function cutParts(text: string, secret: string, mark: string): string {
  if (secret.length <= SHORTEST_PART) return text
  let clean = text
  const last = clean.lastIndexOf(secret.slice(0, SHORTEST_PART))
  if (last >= 0 && secret.startsWith(clean.slice(last))) clean = clean.slice(0, last) + mark
  const end = clean.indexOf(secret.slice(-SHORTEST_PART)) + SHORTEST_PART
  return end >= SHORTEST_PART && secret.endsWith(clean.slice(0, end)) ? mark + clean.slice(end) : clean
}

/** Raw, its longer lines, JSON-escaped, URL-encoded, base64 (both alphabets, at each alignment) and hex. */
function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value)
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The first and last characters also hold bits of what stands beside the secret.
    return text.slice(shift === 0 ? 0 : shift + 1, text.length - 1)
  })
  const urls = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  const escaped = JSON.stringify(value).slice(1, -1)
  // Text within JSON within JSON, as bodies of servers are quoted.
  const twice = JSON.stringify(escaped).slice(1, -1)
  const encoded = encodeURIComponent(value)
  const lower = encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())
  const hex = bytes.toString('hex')
  const lines = value.includes('\n') ? value.split(/\r?\n/).filter((line) => line.length >= 24) : []
  const forms = [value, ...lines, escaped, twice, encoded, lower, ...base64, ...urls, hex, hex.toUpperCase()]
  return [...new Set(forms)]
}

/** The place of a file with secrets is none. A long mixture of letters and digits is no name in a path, but part of a key. */
function isPath(value: string): boolean {
  const looks =
    value.length <= 4096 && /^(~?\/|\.{1,2}\/|[A-Za-z]:\\)[\w./\\ -]*$/.test(value) && /[./\\]\w+$/.test(value)
  return looks && !/(?=\w*[a-z])(?=\w*[A-Z])\w{20,}/.test(value)
}

function* secretsOfUrl(value: string): Iterable<readonly [part: string, secret: string]> {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return
  const url = URL.parse(value)
  if (!url) return
  if (url.password !== '') {
    yield ['password', decode(url.password)]
    yield ['password as written', url.password]
  }
  for (const [name, text] of url.searchParams) if (SECRET_PARAMETER.test(name)) yield [name, text]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

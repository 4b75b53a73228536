/** Takes known secrets out of text, by their exact value in each form they commonly travel in. */
export type Redact = (text: string) => string

const SHORTEST = 8
const SECRET_NAME = /(_API_KEY|_TOKEN|_SECRET|_PASSWORD|^PASSWORD|_CREDENTIALS)$/i

/** The values of variables whose names say that they are secret. Short ones are left: they would blot out ordinary words. */
export function findSecrets(variables: Iterable<readonly [string, string]>): ReadonlyMap<string, string> {
  return new Map([...variables].filter(([name, value]) => SECRET_NAME.test(name) && value.length >= SHORTEST))
}

/** `secrets`: name to value. What is taken out is replaced by `[secret NAME]`. */
export function createRedaction(secrets: ReadonlyMap<string, string>): Redact {
  const forms = [...secrets].flatMap(([name, value]) => formsOf(value).map((form) => ({ name, form })))
  // The longest first: a form may hold another one.
  forms.sort((a, b) => b.form.length - a.form.length)
  if (forms.length === 0) return (text) => text
  return (text) => forms.reduce((clean, { name, form }) => clean.replaceAll(form, `[secret ${name}]`), text)
}

/** Raw, JSON-escaped, URL-encoded, base64 (both alphabets, at each alignment) and hex. */
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
  const hex = bytes.toString('hex')
  return [...new Set([value, escaped, encodeURIComponent(value), ...base64, ...urls, hex, hex.toUpperCase()])]
}

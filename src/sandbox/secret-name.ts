const SECRET = /^\.env(?:$|\.(?!(?:example|sample|template|dist)$))/i

/** Files by whose name everybody knows that keys stand in them. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name)
}

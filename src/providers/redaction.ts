/** Foreign text as far as it may be kept: no secrets, well-formed, at most `limit` characters. */
export function redact(text: string, secrets: readonly string[], limit = 2000): string {
  let clean = text
  for (const secret of secrets) {
    if (secret.length < 4) continue
    for (const form of new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])) {
      clean = clean.replaceAll(form, '[redacted]')
    }
  }
  // Keys that are not ours: a gateway may quote the one it uses itself.
  clean = clean
    .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{4,}/gi, '$1 [redacted]')
    .replace(
      /((?:proxy-)?authorization|x-api-key|x-goog-api-key)("?\s*[:=]\s*"?)(?!Bearer|Basic|\[redacted)[^\s"',;]+/gi,
      '$1$2[redacted]',
    )
    .replace(/\b(?:sk|gsk|xai|pk|rk)-[\w-]{12,}/g, '[redacted]')
    .replace(/\bAIza[\w-]{20,}/g, '[redacted]')
  return clean.slice(0, limit).toWellFormed()
}

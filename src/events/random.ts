/** A 128-bit state from text (cyrb128); for chance and jitter, never for secrets. */
function seedOf(text: string): [number, number, number, number] {
  let a = 1779033703
  let b = 3144134277
  let c = 1013904242
  let d = 2773480762
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i)
    a = b ^ Math.imul(a ^ k, 597399067)
    b = c ^ Math.imul(b ^ k, 2869860233)
    c = d ^ Math.imul(c ^ k, 951274213)
    d = a ^ Math.imul(d ^ k, 2716044179)
  }
  a = Math.imul(c ^ (a >>> 18), 597399067)
  b = Math.imul(d ^ (b >>> 22), 2869860233)
  c = Math.imul(a ^ (c >>> 17), 951274213)
  d = Math.imul(b ^ (d >>> 19), 2716044179)
  a ^= b ^ c ^ d
  return [a >>> 0, (b ^ a) >>> 0, (c ^ a) >>> 0, (d ^ a) >>> 0]
}

/** A seeded stream of numbers in [0,1) (sfc32): the same text gives the same stream on every machine. */
export function createRandom(seed: string): () => number {
  let [a, b, c, d] = seedOf(seed)
  return () => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4294967296
  }
}

/** One number in [0,1) that belongs to this text. */
export function randomOf(text: string): number {
  return (seedOf(text)[0] >>> 0) / 4294967296
}

/** A short fingerprint for comparing plans inside one state; not a digest. */
export function fingerprint(text: string): string {
  return seedOf(text)
    .map((part) => part.toString(36))
    .join('-')
}

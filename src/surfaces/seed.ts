import type { Json } from '../events/values.ts'

/** A seed as these programs give it, number or text; what is neither is refused where the run begins. */
export function readSeed(seed: Json | undefined): { readonly seed?: Json } {
  if (seed === undefined || seed === null) return {}
  return { seed: typeof seed === 'number' ? String(seed) : seed }
}

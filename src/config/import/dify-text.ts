import { escapeLiquid } from './draft.ts'

const REFERENCE = /\{\{#([^{}#]+)#\}\}/g

/** A text with `{{#node.variable#}}` in it, as Liquid. `fill` gives the path or text for one reference, or undefined when it cannot. */
export function fillText(text: string, fill: (reference: string) => string | undefined): string | undefined {
  let complete = true
  let at = 0
  let filled = ''
  for (const found of text.matchAll(REFERENCE)) {
    const part = fill((found[1] ?? '').trim())
    if (part === undefined) complete = false
    filled += `${escapeLiquid(text.slice(at, found.index))}${part ?? ''}`
    at = found.index + found[0].length
  }
  return complete ? filled + escapeLiquid(text.slice(at)) : undefined
}

/** The one reference that a text is nothing but; undefined for any other text. */
export function findWhole(text: string): string | undefined {
  return /^\s*\{\{#([^{}#]+)#\}\}\s*$/.exec(text)?.[1]?.trim()
}

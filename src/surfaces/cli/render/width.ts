import { makeOnce } from '../../../events/once.ts'

const NARROW = /^[\x20-\x7e]*$/
const INVISIBLE = /^[\p{M}\p{Cf}]+$/u

// To read these tables of Unicode takes a tenth of the whole start, and only text beyond ASCII needs them.
const openWide = makeOnce(
  () =>
    /\p{Emoji_Presentation}|\p{RGI_Emoji}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/v,
)
const openGraphemes = makeOnce(() => new Intl.Segmenter(undefined, { granularity: 'grapheme' }))

/** Columns a line without control characters takes on a terminal. */
export function measure(text: string): number {
  if (NARROW.test(text)) return text.length
  let columns = 0
  for (const { segment } of openGraphemes().segment(text)) columns += columnsOf(segment)
  return columns
}

/** The line cut to at most so many columns; `cut` marks the place when there is room for it. */
export function fit(text: string, columns: number, cut: string): string {
  if (measure(text) <= columns) return text
  const room = columns > measure(cut) ? columns - measure(cut) : Math.max(0, columns)
  let used = 0
  let kept = ''
  for (const { segment } of openGraphemes().segment(text)) {
    used += columnsOf(segment)
    if (used > room) break
    kept += segment
  }
  return room < columns ? kept + cut : kept
}

function columnsOf(segment: string): number {
  if (INVISIBLE.test(segment)) return 0
  return openWide().test(segment) ? 2 : 1
}

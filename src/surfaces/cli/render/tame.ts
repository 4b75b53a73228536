import { cleanText } from '../../../events/views/clean.ts'
import type { Style } from './style.ts'

// oxlint-disable-next-line no-control-regex -- control characters are the subject here
const COLOURS = /(\x1b\[(?:[0-79]|[2-4]\d|9\d)m)/

/**
 * A finished drawing without anything that commands a terminal, but for the colours of the style. Each look cleans what strangers wrote
 * where it stands; this is for what one of them forgot.
 */
export function tameDrawing(text: string, style: Style): string {
  if (style.paint('bold', 'x') === 'x') return cleanText(text)
  return text
    .split(COLOURS)
    .map((part, index) => (index % 2 === 1 ? part : cleanText(part)))
    .join('')
}

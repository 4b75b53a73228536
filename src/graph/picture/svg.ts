import type { Arrow, Box, Picture } from './picture.ts'

/** Pixels. */
const CHAR = 7
const LINE = 18
const PAD = 12
const GAP = 28
const ROW_GAP = 44

interface Placed {
  readonly box: Box
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly inside?: Layout
}

interface Layout {
  readonly width: number
  readonly height: number
  readonly placed: readonly Placed[]
  readonly arrows: readonly Arrow[]
}

/** The picture as one SVG document without scripts or outside references; it follows the reader's light or dark setting. */
export function drawSvg(picture: Picture): string {
  const layout = place(picture)
  const [width, height] = [layout.width + 2 * PAD, layout.height + 2 * PAD]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, monospace" font-size="12">`,
    '<style>:root{color-scheme:light dark}rect{fill:none;stroke:currentColor}text{fill:currentColor}.note{opacity:.7}path{fill:none;stroke:currentColor}.failure{stroke-dasharray:4}</style>',
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8"/></marker></defs>',
    ...draw(layout, PAD, PAD),
    '</svg>',
  ].join('\n')
}

/** Each level is a row, centred; a box that contains others is as large as they need. */
function place({ rows, arrows }: Picture): Layout {
  const sized = rows.map((row) => row.map(measure))
  const widths = sized.map((row) => row.reduce((sum, { width }) => sum + width + GAP, -GAP))
  const width = Math.max(0, ...widths)
  const placed: Placed[] = []
  let y = 0
  for (const [level, row] of sized.entries()) {
    let x = (width - (widths[level] ?? 0)) / 2
    for (const size of row) {
      placed.push({ ...size, x, y })
      x += size.width + GAP
    }
    y += Math.max(0, ...row.map(({ height }) => height)) + ROW_GAP
  }
  return { width, height: Math.max(0, y - ROW_GAP), placed, arrows }
}

function measure(box: Box): Omit<Placed, 'x' | 'y'> {
  const lines = [box.title, ...box.notes]
  const inside = box.inside && place(box.inside)
  const text = Math.max(...lines.map((line) => [...line].length)) * CHAR
  const head = lines.length * LINE
  return {
    box,
    width: Math.max(text, inside?.width ?? 0) + 2 * PAD,
    height: head + (inside ? inside.height + PAD : 0) + 2 * PAD - LINE / 3,
    ...(inside ? { inside } : {}),
  }
}

function draw({ placed, arrows }: Layout, left: number, top: number): string[] {
  const at = new Map(placed.map((each) => [each.box.id, each]))
  const boxes = placed.flatMap(({ box, x, y, width, height, inside }) => {
    const [bx, by] = [left + x, top + y]
    const lines = [box.title, ...box.notes].map(
      (line, n) =>
        `<text x="${round(bx + PAD)}" y="${round(by + PAD + 10 + n * LINE)}"${n > 0 ? ' class="note"' : ''}>${escape(line)}</text>`,
    )
    const below = by + PAD + (1 + box.notes.length) * LINE
    return [
      `<rect x="${round(bx)}" y="${round(by)}" width="${round(width)}" height="${round(height)}" rx="6"/>`,
      ...lines,
      ...(inside ? draw(inside, bx + (width - inside.width) / 2, below) : []),
    ]
  })
  const lines = arrows.flatMap(({ from, to, on }) => {
    const [a, b] = [at.get(from), at.get(to)]
    if (!a || !b) return []
    const [x1, y1] = [left + a.x + a.width / 2, top + a.y + a.height]
    const [x2, y2] = [left + b.x + b.width / 2, top + b.y]
    const bend = (y1 + y2) / 2
    return [
      `<path class="${on}" marker-end="url(#tip)" d="M${round(x1)} ${round(y1)}C${round(x1)} ${round(bend)} ${round(x2)} ${round(bend)} ${round(x2)} ${round(y2)}"/>`,
    ]
  })
  return [...boxes, ...lines]
}

function round(number: number): number {
  return Math.round(number * 10) / 10
}

function escape(text: string): string {
  const safe = text.replaceAll(/[\p{Cc}\p{Cf}\ufffe\uffff]/gu, ' ').toWellFormed()
  return safe.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

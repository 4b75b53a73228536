/** One line of a comparison. */
export interface DiffLine {
  readonly sign: ' ' | '-' | '+'
  readonly text: string
}

/** Lines around a change that are shown with it. */
const AROUND = 3
/** Above so many pairs of lines the middle is shown as replaced whole. */
const PAIRS = 4_000_000

/** Two texts line by line: what is the same, what goes, what comes. */
export function compareLines(before: string, after: string): readonly DiffLine[] {
  const [old, now] = [splitLines(before), splitLines(after)]
  let head = 0
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1
  let tail = 0
  while (
    tail < old.length - head &&
    tail < now.length - head &&
    old[old.length - 1 - tail] === now[now.length - 1 - tail]
  )
    tail += 1
  const same = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ sign: ' ', text }))
  return [
    ...same(old.slice(0, head)),
    ...compareMiddle(old.slice(head, old.length - tail), now.slice(head, now.length - tail)),
    ...same(old.slice(old.length - tail)),
  ]
}

/** The changed places with their surroundings, each under the number of its first line in the new text. */
export function listChanges(lines: readonly DiffLine[]): readonly (DiffLine | { readonly from: number })[] {
  const near = new Set<number>()
  for (const [index, { sign }] of lines.entries())
    if (sign !== ' ') for (let at = index - AROUND; at <= index + AROUND; at++) near.add(at)
  const shown: (DiffLine | { readonly from: number })[] = []
  let line = 1
  for (const [index, each] of lines.entries()) {
    if (near.has(index)) {
      if (!near.has(index - 1)) shown.push({ from: line })
      shown.push(each)
    }
    if (each.sign !== '-') line += 1
  }
  return shown
}

/** By the longest common subsequence, from the back, so that it is read off from the front. */
function compareMiddle(old: readonly string[], now: readonly string[]): readonly DiffLine[] {
  const gone = (text: string): DiffLine => ({ sign: '-', text })
  const come = (text: string): DiffLine => ({ sign: '+', text })
  if (old.length * now.length > PAIRS) return [...old.map(gone), ...now.map(come)]
  const width = now.length + 1
  const longest = new Uint32Array((old.length + 1) * width)
  const at = (i: number, j: number): number => longest[i * width + j] as number
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      longest[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < old.length && j < now.length) {
    if (old[i] === now[j]) {
      lines.push({ sign: ' ', text: old[i] as string })
      i += 1
      j += 1
    } else if (at(i + 1, j) >= at(i, j + 1)) lines.push(gone(old[i++] as string))
    else lines.push(come(now[j++] as string))
  }
  return [...lines, ...old.slice(i).map(gone), ...now.slice(j).map(come)]
}

/** A text that does not end with a line end is told from one that does. */
function splitLines(text: string): readonly string[] {
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  else lines.push(NO_LINE_END)
  return lines
}

const NO_LINE_END = '\\ (no line end)'

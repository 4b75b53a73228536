import type { Arrow, Picture } from './picture.ts'

/** The picture as mermaid text. Labels hold letters, digits and a few marks; all else is an entity. */
export function drawMermaid(picture: Picture): string {
  const lines: string[] = ['flowchart TD']
  let count = 0
  const draw = (part: Picture, indent: string): void => {
    const names = new Map<string, string>()
    for (const { id, title, notes, inside } of part.rows.flat()) {
      const name = `n${count++}`
      names.set(id, name)
      const label = [title, ...notes].map(encode).join('<br/>')
      if (!inside) {
        lines.push(`${indent}${name}["${label}"]`)
        continue
      }
      lines.push(`${indent}subgraph ${name}["${label}"]`)
      draw(inside, `${indent}  `)
      lines.push(`${indent}end`)
    }
    for (const { from, to, on } of part.arrows) lines.push(`${indent}${names.get(from)} ${ARROWS[on]} ${names.get(to)}`)
  }
  draw(picture, '  ')
  return lines.join('\n')
}

const ARROWS: { readonly [on in Arrow['on']]: string } = {
  always: '-->',
  success: '-->|success|',
  failure: '-.->|failure|',
}

function encode(text: string): string {
  return [...text].map((char) => (/[\p{L}\p{N} _.,/:[\]-]/u.test(char) ? char : `#${char.codePointAt(0)};`)).join('')
}

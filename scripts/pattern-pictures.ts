/** Draws the shipped patterns into their page of the guide: what stands between the two marks of a pattern is its picture. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileEnsemble } from '../src/graph/ensemble-compile.ts'
import { parseEnsemble } from '../src/graph/ensemble-parse.ts'
import type { Lookup } from '../src/graph/lookup.ts'
import { drawMermaid } from '../src/graph/picture/mermaid.ts'
import { type Picture, pictureOf } from '../src/graph/picture/picture.ts'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'library', 'ensembles', 'patterns')

export const PATTERNS_PAGE = 'docs/guides/patterns.md'

export function listPatterns(): readonly string[] {
  return readdirSync(folder).map((file) => file.replace(/\.yaml$/, ''))
}

/** The page with every picture drawn anew. Throws when a pattern has no place on it. */
export function drawPatterns(page: string): string {
  let drawn = page
  for (const name of listPatterns()) {
    const [begin, end] = [`<!-- picture: ${name} -->`, '<!-- end -->']
    const from = drawn.indexOf(begin)
    const to = drawn.indexOf(end, from)
    if (from < 0 || to < 0) throw new Error(`${PATTERNS_PAGE} has no place for the picture of ${name}`)
    const picture = `${begin}\n\n\`\`\`mermaid\n${drawPattern(name)}\n\`\`\`\n\n`
    drawn = drawn.slice(0, from) + picture + drawn.slice(to)
  }
  return drawn
}

const MODEL = { provider: 'the', model: 'default' }

/** As `ensembles graph NAME --format mermaid`, but for the default model, which is another one everywhere. */
function drawPattern(name: string): string {
  const { ensemble, problems } = parseEnsemble(readFileSync(join(folder, `${name}.yaml`), 'utf8'), name, {
    strict: true,
  })
  if (!ensemble) throw new Error(problems.map(({ message }) => message).join('\n'))
  const { graph, problems: compiling } = compileEnsemble(ensemble, lookup)
  if (!graph) throw new Error(compiling.map(({ message }) => message).join('\n'))
  return drawMermaid(withoutModel(pictureOf(graph)))
}

const lookup: Lookup = {
  profile: () => undefined,
  profileNames: () => [],
  defaultProfile: () => ({ name: 'default', ...MODEL }),
  script: (reference) => ({ type: 'file', reference, path: '', sha256: '', program: [], safety: 'pure' }),
  role: () => undefined,
}

function withoutModel({ rows, arrows }: Picture): Picture {
  return {
    rows: rows.map((row) =>
      row.map(({ notes, inside, ...box }) => ({
        ...box,
        notes: notes.filter((note) => note !== `${MODEL.provider}/${MODEL.model}`),
        ...(inside ? { inside: withoutModel(inside) } : {}),
      })),
    ),
    arrows,
  }
}

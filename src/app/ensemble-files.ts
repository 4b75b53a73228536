import { dirname, join } from 'node:path'
import type { EnsembleFile } from '../config/definitions.ts'
import { type EnsembleFound, findEnsemble } from '../config/find-ensemble.ts'
import type { Paths } from '../config/paths.ts'
import { Recent } from '../config/recent.ts'
import type { Problem } from '../events/errors.ts'
import type { Ensemble, References } from '../graph/ensemble.ts'
import { type ParsedEnsemble, parseEnsemble } from '../graph/ensemble-parse.ts'
import type { NestedFile } from '../graph/nesting.ts'

/** An ensemble file, read, with the ensembles it runs. */
export interface ReadEnsemble {
  readonly found: EnsembleFile
  /** What can be read of it, even when it is broken. */
  readonly ensemble?: Ensemble
  /** What is wrong inside the file. */
  readonly problems: readonly Problem[]
  readonly references: References
  /** By the names the file uses. */
  readonly uses: ReadonlyMap<string, ReadEnsemble | Problem>
}

/** Servers are asked for the same files over and over. What was read holds some thirty times its text. */
const PARSED = new Recent<ParsedEnsemble>(2 ** 19)

/** A file and all that it runs, directly or through others, each once; the file itself is the first. */
export async function readEnsembles(
  paths: Paths,
  first: EnsembleFile,
): Promise<readonly [ReadEnsemble, ...ReadEnsemble[]]> {
  const read = new Map<string, ReadEnsemble>()
  const open = async (found: EnsembleFile): Promise<ReadEnsemble> => {
    const { problems, references, ...parsed } = PARSED.take(`${found.file}\n${found.text}`, () =>
      parseEnsemble(found.text, found.file),
    )
    const ensemble = parsed.ensemble ?? parsed.readable
    const uses = new Map<string, ReadEnsemble | Problem>()
    const file = { found, problems, references, uses, ...(ensemble ? { ensemble } : {}) }
    // a circle of files comes back to this one, which is therefore known before its own references are followed
    read.set(found.file, file)
    for (const name of references.ensembles) {
      const other = await findBeside(name, found, paths)
      uses.set(name, 'problem' in other ? other.problem : (read.get(other.found.file) ?? (await open(other.found))))
    }
    return file
  }
  const root = await open(first)
  return [root, ...[...read.values()].filter((file) => file !== root)]
}

/** By its name on all levels, as `run` finds it; else a file beside the one that names it. */
async function findBeside(name: string, { file }: EnsembleFile, paths: Paths): Promise<EnsembleFound> {
  const named = await findEnsemble(name, paths)
  if ('found' in named || !/^[\p{L}\p{N}_-]+$/u.test(name)) return named
  const beside = await findEnsemble(join(dirname(file), `${name}.yaml`), paths, { files: true })
  return 'found' in beside ? beside : named
}

/** Who runs whom, for the check of circles and depth. */
export function listNesting(files: readonly ReadEnsemble[]): NestedFile[] {
  return files.map(({ found, ensemble, uses }) => ({
    file: found.file,
    uses: [...uses].flatMap(([name, other]) =>
      'code' in other
        ? []
        : [{ file: other.found.file, place: ensemble ? placeOf(ensemble, name) : { file: found.file } }],
    ),
  }))
}

/** Where an ensemble names another, as near as its outermost agent. */
function placeOf({ agents, place }: Ensemble, name: string): ReturnType<Ensemble['place']> {
  const index = agents.findIndex((agent) => agent.ensemble === name || agent.loop?.body === name)
  if (index < 0) return place([])
  return place(['agents', index, ...(agents[index]?.ensemble === name ? ['ensemble'] : ['loop', 'body'])])
}

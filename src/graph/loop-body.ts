import { isMap } from './report.ts'
import type { Path } from './yaml.ts'

type Body<One> = string | readonly One[] | { readonly agents: readonly One[] }

/** The agents that stand inside a loop, and where they stand from the loop; none when its body is the name of an ensemble. */
export function readBody<One>(body: Body<One> | undefined): { readonly agents: readonly One[]; readonly path: Path } {
  if (Array.isArray(body)) return { agents: body, path: ['body'] }
  const agents: unknown = isMap(body) ? body['agents'] : undefined
  return { agents: Array.isArray(agents) ? (agents as One[]) : [], path: ['body', 'agents'] }
}

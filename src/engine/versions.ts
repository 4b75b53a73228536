import type { StepKind } from './step.ts'

/** The code of a kind in the version that a step began with; undefined when it is no longer shipped. */
export function inVersion(kind: StepKind | undefined, version: number | undefined): StepKind | undefined {
  if (!kind || kind.version === version) return kind
  const run = version === undefined ? undefined : kind.older?.[version]
  return run && { kind: kind.kind, version: version as number, run }
}

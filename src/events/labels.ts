import type { StepState } from './state.ts'

/** Labels only ever come to a step; nothing takes them away. */
export function addLabels(step: StepState, labels: readonly string[] | undefined): void {
  if (labels?.some((label) => !step.labels.includes(label)))
    step.labels = [...new Set([...step.labels, ...labels])].sort()
}

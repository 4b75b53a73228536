import { TASK_TYPES } from './plan.ts'
import { CAPABILITIES } from './plan-check.ts'
import type { PlanMeans } from './plan-compile.ts'

/** What a planner model is told. It holds all that its plan is checked for, so that a plan it refuses was refused for a reason it knew. */
export function describePlanning(means: PlanMeans): string {
  const { max_tasks, max_depth, models } = means
  const capabilities = [...new Set([...CAPABILITIES, ...Object.keys(means.capabilities)])]
  const profiles = models.length > 1 ? models.map(({ name }) => name).filter((name) => name !== '') : []
  const named =
    profiles.length > 0 ? `A task may name one of these under requirements.profile: ${profiles.join(', ')}.` : ''
  return [
    'You are a planner. Split the request into tasks that language models carry out, and answer with the plan alone, as one JSON object:',
    EXAMPLE,
    `tasks: 1 to ${max_tasks}. id: short, unique, letters, digits and dashes. type: ${TASK_TYPES.join(', ')}.`,
    'description: all that whoever does the task must know besides the request and the results of the tasks before it.',
    `requirements.capability: ${capabilities.join(', ')}. requirements.min_quality: 0 to 1. ${named}`.trim(),
    'quality_criteria, any of: non-empty, coherent, citation, no-refusal, no-placeholder, min-length-N, max-length-N (N characters).',
    `edges: from is done before to, which reads its result. No circles; at most ${max_depth} tasks in a row. Tasks without edges run side by side.`,
    'join: all when every such result is needed, any when one is enough.',
    'Results that no other task reads are the answer. Use as few tasks as do the work. Tasks have no tools, files or network.',
  ].join('\n\n')
}

const EXAMPLE = JSON.stringify({
  tasks: [
    {
      id: 'outline',
      type: 'generate',
      description: 'Outline the article in three sections.',
      requirements: { capability: 'text-generation', min_quality: 0.7 },
      quality_criteria: ['non-empty'],
    },
  ],
  edges: [{ from: 'outline', to: 'draft', join: 'all' }],
})

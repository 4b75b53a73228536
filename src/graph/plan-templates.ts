import type { Plan, PlanTask } from './plan.ts'

/** A plan from a template, and which one it was. */
export interface TemplatePlan {
  readonly template: string
  readonly plan: Plan
}

interface Template {
  readonly name: string
  /** Words that speak for it; the first template with one of them is taken. */
  readonly words: RegExp
  readonly tasks: readonly TemplateTask[]
}

type TemplateTask = {
  readonly id: string
  readonly description: string
  readonly after?: readonly string[]
  readonly capability?: string
}

const TEMPLATES: readonly Template[] = [
  {
    name: 'compare',
    words: /\b(?:compar(?:e|ing|ison)|versus|vs|differences? between|pros and cons)\b/i,
    tasks: [
      { id: 'sides', description: 'Name what is to be compared, and by what.' },
      { id: 'for', description: 'Say what speaks for each side.', after: ['sides'], capability: 'analysis' },
      { id: 'against', description: 'Say what speaks against each side.', after: ['sides'], capability: 'analysis' },
      { id: 'verdict', description: 'Weigh both and say what follows.', after: ['for', 'against'] },
    ],
  },
  {
    name: 'decide',
    words: /\b(?:decid(?:e|ing)|decision|choose|should (?:we|i|they)|which (?:one|of))\b/i,
    tasks: [
      { id: 'options', description: 'List the options.' },
      { id: 'criteria', description: 'List what the decision should be judged by.' },
      { id: 'judge', description: 'Judge each option.', after: ['options', 'criteria'], capability: 'reasoning' },
      { id: 'decide', description: 'Decide, with the main reason and the main risk.', after: ['judge'] },
    ],
  },
  {
    name: 'summarise',
    words: /\b(?:summari[sz]e|summary|condense|shorten|brief|digest)\b/i,
    tasks: [
      { id: 'points', description: 'List the main points of the input.', capability: 'extraction' },
      { id: 'figures', description: 'List names, numbers and dates of the input.', capability: 'extraction' },
      { id: 'summary', description: 'Write the summary.', after: ['points', 'figures'], capability: 'summarization' },
    ],
  },
  {
    name: 'review',
    words: /\b(?:review|critique|check|audit|proofread|improve)\b/i,
    tasks: [
      { id: 'strengths', description: 'Say what is good about the input.', capability: 'analysis' },
      { id: 'faults', description: 'Say what is wrong with the input, and where.', capability: 'analysis' },
      {
        id: 'advice',
        description: 'Say what should be changed, most important first.',
        after: ['strengths', 'faults'],
      },
    ],
  },
  {
    name: 'write',
    words: /\b(?:writ(?:e|ing)|draft|compose|essay|article|post|story|letter|report|blog)\b/i,
    tasks: [
      { id: 'outline', description: 'Make an outline of what the input asks for.' },
      { id: 'draft', description: 'Write it along the outline.', after: ['outline'], capability: 'creative-writing' },
      { id: 'edit', description: 'Correct and tighten the draft; give the final text.', after: ['draft'] },
    ],
  },
]

const USUAL: Template = {
  name: 'answer',
  words: /^/,
  tasks: [
    { id: 'facts', description: 'Collect what matters for the input.', capability: 'extraction' },
    { id: 'questions', description: 'Name what is unclear or doubtful in the input.', capability: 'reasoning' },
    { id: 'answer', description: 'Answer the input with the help of both.', after: ['facts', 'questions'] },
  ],
}

/** A plan without a planner model, chosen by the words of the request: the same request always gives the same plan. */
export function chooseTemplate(request: string): TemplatePlan {
  // The question stands at the beginning or the end; what lies between is material.
  const question = request.length > 1_000 ? `${request.slice(0, 500)}\n${request.slice(-500)}` : request
  const { name, tasks } = TEMPLATES.find(({ words }) => words.test(question)) ?? USUAL
  return { template: name, plan: toPlan(tasks) }
}

function toPlan(tasks: readonly TemplateTask[]): Plan {
  return {
    tasks: tasks.map(
      ({ id, description, after = [], capability = 'text-generation' }): PlanTask => ({
        id,
        type: after.length > 1 ? 'synthesize' : after.length === 1 ? 'transform' : 'generate',
        description,
        requirements: { capability, min_quality: 0.7 },
        quality_criteria: ['non-empty'],
      }),
    ),
    edges: tasks.flatMap(({ id, after = [] }) => after.map((from) => ({ from, to: id, join: 'all' as const }))),
  }
}

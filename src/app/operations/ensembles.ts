import * as z from 'zod'
import { listEnsembles } from '../../config/definitions.ts'
import { phasesOf } from '../../graph/phases.ts'
import { drawAscii } from '../../graph/picture/ascii.ts'
import { drawMermaid } from '../../graph/picture/mermaid.ts'
import { pictureOf } from '../../graph/picture/picture.ts'
import { drawSvg } from '../../graph/picture/svg.ts'
import { hasErrors } from '../../graph/report.ts'
import { createObstacles } from '../obstacles.ts'
import { defineOperation } from '../operation.ts'
import { findTarget, inspectTarget } from '../target.ts'

const name = z.string().min(1).describe('An ensemble, by name or path.')

export const listEnsemblesOperation = defineOperation({
  name: 'ensembles list',
  summary: 'List the ensembles of the project, the library and the user.',
  input: z.object({}),
  run: async (_, { app }) => {
    const listed = await listEnsembles(app.paths)
    const findObstacles = await createObstacles(app, listed.ensembles)
    const ensembles = await Promise.all(
      listed.ensembles.map(async (each) => {
        const { name, level, file, description, agents, shadowed, problem } = each
        const reasons = shadowed || problem ? [] : await findObstacles(each)
        return {
          name,
          source: level,
          description: description ?? '',
          agents,
          file,
          ...(shadowed ? { shadowed } : {}),
          ...(problem ? { problem: problem.message } : {}),
          ...(reasons.length > 0 ? { runnable: false as const, reasons } : {}),
        }
      }),
    )
    return { ensembles, problems: listed.problems }
  },
})

export const showEnsemble = defineOperation({
  name: 'ensembles show',
  summary: 'Show an ensemble: its agents, what they depend on, and its phases.',
  input: z.object({ name }),
  run: async (input, { app }) => {
    const target = await findTarget(app, input.name)
    const { ensemble } = target
    return {
      name: target.name,
      description: ensemble?.description ?? '',
      ...(target.default_input === undefined ? {} : { default_task: target.default_input }),
      agents: target.graph.steps.map((step) => ({
        name: step.id,
        kind: step.kind,
        // The models of an ensemble that finishes by itself are its agents'; its own only writes the last answer.
        ...(step.kind === 'graceful' ? {} : modelOf(step.spec)),
        depends_on: (step.after ?? []).map((edge) => (edge.on === 'always' ? edge.step : `${edge.step} (${edge.on})`)),
      })),
      phases: phasesOf(target.graph),
      warnings: target.warnings,
    }
  },
})

function modelOf(spec: { readonly [key: string]: unknown }): { model?: string; script?: string } {
  const candidates = spec.candidates as readonly { provider: string; model: string }[] | undefined
  const first = candidates?.[0]
  if (first) return { model: `${first.provider}/${first.model}` }
  const script = spec.script as { reference?: string } | undefined
  return script?.reference === undefined ? {} : { script: script.reference }
}

export const checkEnsemble = defineOperation({
  name: 'ensembles check',
  summary: 'Report every problem of an ensemble, with line and column, without running it.',
  input: z.object({ name }),
  run: async (input, { app }) => {
    const { file, problems } = await inspectTarget(app, input.name)
    return { name: input.name, file, valid: !hasErrors(problems), problems }
  },
})

export const drawEnsemble = defineOperation({
  name: 'ensembles graph',
  summary: 'Draw an ensemble: who waits for whom, what is repeated, what is skipped when.',
  input: z.object({
    name,
    format: z
      .enum(['ascii', 'mermaid', 'svg'])
      .default('ascii')
      .describe('ascii: for the terminal · mermaid: for Markdown pages · svg: a picture.'),
  }),
  run: async (input, { app }) => {
    const { graph, name: found } = await findTarget(app, input.name)
    const picture = pictureOf(graph)
    const draw = { ascii: drawAscii, mermaid: drawMermaid, svg: drawSvg }[input.format]
    return { name: found, format: input.format, drawing: draw(picture) }
  },
})

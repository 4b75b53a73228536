import { isMap } from '../../graph/report.ts'
import { mapOf, stemOf } from './document.ts'
import { escapeLiquid, printEnsembleDraft } from './draft.ts'
import type { ImportFormat } from './imported.ts'
import { makeSlug, StepNames } from './names.ts'
import { finishImport, MAX_PARTS, Notes } from './notes.ts'
import { Piece } from './piece.ts'

const REASONS = {
  requirements: 'the default model answers; there is no choice by capability',
  type: 'every task is answered by a model',
}

/** A task graph as an Ai3 planner writes it: each task becomes an agent, each edge a dependency on its success. */
export const taskGraph: ImportFormat = {
  name: 'taskgraph',
  title: 'task graph',
  detects: (document) => {
    const { tasks, agents } = mapOf(document)
    return (
      document.body === undefined &&
      agents === undefined &&
      Array.isArray(tasks) &&
      tasks.length > 0 &&
      tasks.every((task) => isMap(task) && typeof task['id'] === 'string' && typeof task['description'] === 'string')
    )
  },

  convert: async ([document]) => {
    if (!document) return finishImport([], { format: 'taskgraph', files: [] })
    const notes = new Notes(document)
    const top = new Piece(notes, mapOf(document))
    const names = new StepNames()
    const tasks = new Map<string, Piece>()
    const listed = top.list('tasks')
    if (listed.length > MAX_PARTS) notes.refuse(['tasks'], `this graph has more than ${MAX_PARTS} tasks`)
    for (const task of listed.slice(0, MAX_PARTS)) {
      const id = task.text('id') ?? ''
      if (tasks.has(id)) notes.refuse([...task.path, 'id'], `two tasks have the id "${id}"`)
      else tasks.set(id, task)
    }
    const waits = readEdges(top, tasks)
    const agents = [...tasks].map(([id, task]) => {
      const criteria = readCriteria(task)
      const steps = [...(waits.get(id) ?? [])].map((other) => names.nameOf(other))
      const answers = steps.map((step) => `${step}:\n{{ steps.${step}.output }}`)
      const prompt = [escapeLiquid(task.text('description') ?? id), 'It is part of this request:\n{{ input }}']
      return {
        name: names.nameOf(id),
        model_profile: 'default',
        template: {
          prompt: [...prompt, ...(answers.length > 0 ? ['These are the answers so far:', ...answers] : [])].join(
            '\n\n',
          ),
        },
        ...(steps.length > 0 ? { depends_on: steps.map((step) => ({ step, on: 'success' })) } : {}),
        ...(criteria.length > 0 ? { verify: criteria } : {}),
      }
    })
    const draft = {
      name: makeSlug(stemOf(document.path), 'tasks'),
      description: `Task graph of ${agents.length} tasks`,
      agents,
    }
    return finishImport([notes], {
      format: 'taskgraph',
      files: [printEnsembleDraft(draft, document.path)],
      reasons: REASONS,
    })
  },
}

function readEdges(top: Piece, tasks: ReadonlyMap<string, Piece>): ReadonlyMap<string, ReadonlySet<string>> {
  const waits = new Map<string, Set<string>>()
  for (const edge of top.list('edges')) {
    const [from, to, join] = [edge.text('from'), edge.text('to'), edge.text('join')]
    if (from === undefined || to === undefined || !tasks.has(from) || !tasks.has(to)) {
      edge.notes.refuse(
        edge.path,
        `an edge leads from ${from ?? 'nothing'} to ${to ?? 'nothing'}, and one of them is no task`,
      )
      continue
    }
    if (join === 'any') edge.notes.assume([...edge.path, 'join'], 'the task waits for all of its dependencies')
    const known = waits.get(to)
    if (known) known.add(from)
    else waits.set(to, new Set([from]))
  }
  return waits
}

/** Criteria by the names that `verify` has too; others are never passed over as fulfilled. */
function readCriteria(task: Piece): string[] {
  return task.texts('quality_criteria').flatMap(({ text, path }) => {
    if (/^(non-empty|coherent|min-length-\d{1,6})$/.test(text)) return [text]
    task.notes.lose(path, `"${text}" is not a check that is known; write a verify block`)
    return []
  })
}

import type { Json } from '../../events/values.ts'
import { isMap } from '../../graph/report.ts'
import { readChat } from './dify-chat.ts'
import { DifyGraph } from './dify-graph.ts'
import { compileNode, type DifyWork } from './dify-nodes.ts'
import { mapOf, stemOf } from './document.ts'
import { type AgentDraft, printEnsembleDraft, toLine } from './draft.ts'
import type { ImportFormat } from './imported.ts'
import { ProfileDrafts } from './models.ts'
import { makeSlug } from './names.ts'
import { finishImport, Notes } from './notes.ts'
import { Piece } from './piece.ts'

const REASONS = {
  dependencies: 'plug-ins of the other program',
  features: 'belongs to the chat window of the other program',
  icon: 'only the look of another program',
  icon_type: 'only the look of another program',
  icon_background: 'only the look of another program',
  use_icon_as_answer_icon: 'only the look of another program',
  viewport: 'only the look of another program',
  memory: 'a run has no history of talk',
  vision: 'pictures come with the input',
  context: 'what the prompt names is put into it in any case',
  opening_statement: 'belongs to the chat window of the other program',
  suggested_questions: 'belongs to the chat window of the other program',
  conversation_variables: 'nothing is kept between runs',
}

/** A Dify app: the part of its workflows that runs without tools, searches and web calls. */
export const dify: ImportFormat = {
  name: 'dify',
  title: 'Dify app',
  detects: (document) => {
    const { app, workflow, model_config, kind } = mapOf(document)
    return (
      document.body === undefined &&
      isMap(app) &&
      typeof app['mode'] === 'string' &&
      (isMap(workflow) || isMap(model_config) || kind === 'app')
    )
  },

  convert: async ([document]) => {
    if (!document) return finishImport([], { format: 'dify', files: [] })
    const notes = new Notes(document)
    const top = new Piece(notes, mapOf(document))
    const app = top.map('app')
    for (const key of ['kind', 'version']) top.whole(key)
    const name = makeSlug(app.text('name') ?? '', makeSlug(stemOf(document.path), 'dify-app'))
    const mode = app.text('mode')
    const description = toLine(app.text('description') ?? app.text('name') ?? name)
    const profiles = new ProfileDrafts(document.path)
    const work: DifyWork = { name, profiles, scripts: [], origin: document.path, notes }
    const agents = top.has('workflow')
      ? compileWorkflow(top.map('workflow'), work)
      : readChat(top.map('model_config'), work, mode)
    if (agents.length === 0 && notes.problems.length === 0)
      notes.refuse([], 'this app has nothing to run', 'Export it again with its workflow or its model.')
    return finishImport([notes], {
      format: 'dify',
      files: [printEnsembleDraft({ name, description, agents }, document.path), ...profiles.files, ...work.scripts],
      reasons: REASONS,
    })
  },
}

function compileWorkflow(workflow: Piece, work: DifyWork): AgentDraft[] {
  const { notes } = work
  const graph = new DifyGraph(notes, workflow, readConstants(workflow))
  graph.readBranchings()
  for (const node of graph.nodes.values()) graph.waysTo(node.id)
  if (notes.problems.length > 0) return []
  const agents = [...graph.nodes.values()].flatMap((node) => compileNode(node, graph, work))
  if (graph.start && graph.hasFields)
    notes.assume(
      [...graph.start.piece.path, 'variables'],
      `the input of a run is a JSON object with ${[...graph.variables.keys(), ...(graph.asksQuery ? ['query'] : [])].join(', ')}`,
    )
  return agents
}

/** Environment and conversation variables have one value here: the one in the file. Secret ones have none. */
function readConstants(workflow: Piece): ReadonlyMap<string, Json> {
  const constants = new Map<string, Json>()
  for (const [list, prefix] of [
    ['environment_variables', 'env'],
    ['conversation_variables', 'conversation'],
  ] as const)
    for (const variable of workflow.list(list)) {
      const name = variable.text('name')
      const kind = variable.text('value_type')
      const value = variable.whole('value')
      if (name === undefined) continue
      if (kind === 'secret') variable.notes.lose(variable.path, 'is secret and is not copied')
      else {
        constants.set(`${prefix}.${name}`, value ?? '')
        variable.notes.assume(
          variable.path,
          prefix === 'env' ? 'its value is written into the prompts that use it' : 'has its first value in every run',
        )
      }
      for (const key of ['id', 'description', 'selector']) variable.whole(key)
    }
  return constants
}

import { isMap } from '../../graph/report.ts'
import { foldersOf, mapOf, stemOf } from './document.ts'
import { type AgentDraft, printEnsembleDraft } from './draft.ts'
import type { ImportFormat } from './imported.ts'
import { makeSlug } from './names.ts'
import { finishImport, Notes } from './notes.ts'
import { Piece } from './piece.ts'
import { FlowGraph } from './promptflow-graph.ts'
import { compileFlowNode, compileOutputs } from './promptflow-nodes.ts'

const REASONS = {
  connection: 'the address and key of a provider come from the configuration and the environment',
  environment: 'there is no image to run in',
  additional_includes: 'files outside of the folder are not read',
  module: 'names a module of Python',
  use_variants: 'the default variant was taken',
  language: 'is not needed here',
  is_chat_input: 'a run has no history of talk',
  is_chat_output: 'a run has no history of talk',
  chat_history: 'a run has no history of talk',
}

/** A promptflow graph: `llm` nodes become agents, `prompt` nodes templates, and Python that only computes becomes a script. */
export const promptflow: ImportFormat = {
  name: 'promptflow',
  title: 'promptflow graph',
  detects: (document) => {
    const { nodes, inputs, outputs } = mapOf(document)
    return (
      document.body === undefined &&
      Array.isArray(nodes) &&
      (isMap(inputs) || isMap(outputs)) &&
      nodes.every((node) => isMap(node) && ('type' in node || 'use_variants' in node) && 'name' in node)
    )
  },

  convert: async ([document], read) => {
    if (!document) return finishImport([], { format: 'promptflow', files: [] })
    const notes = new Notes(document)
    const top = new Piece(notes, mapOf(document))
    const name = makeSlug(
      /^flow(\.dag)?$/i.test(stemOf(document.path)) ? (foldersOf(document).at(-1) ?? 'flow') : stemOf(document.path),
      'flow',
    )
    top.whole('$schema')
    const flow = new FlowGraph({ document, notes, top, name, read })
    const agents: AgentDraft[] = []
    for (const name of flow.nodes.keys()) {
      const agent = await compileFlowNode(flow, name)
      if (agent) agents.push(agent)
    }
    const last = compileOutputs(flow, agents)
    const draft = {
      name,
      description: top.text('description') ?? top.text('display_name') ?? `promptflow graph of ${agents.length} nodes`,
      default_task: flow.defaultTask,
      agents: last ? [...agents, last] : agents,
    }
    if (agents.length === 0 && notes.problems.length === 0) notes.refuse(['nodes'], 'this graph has no nodes')
    return finishImport([notes], {
      format: 'promptflow',
      files: [printEnsembleDraft(draft, document.path), ...flow.profiles.files, ...flow.scripts],
      reasons: REASONS,
    })
  },
}

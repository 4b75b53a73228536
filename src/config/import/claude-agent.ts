import { isMap } from '../../graph/report.ts'
import { mapOf } from './document.ts'
import { printEnsembleDraft, toLine } from './draft.ts'
import type { ImportFormat } from './imported.ts'
import { type PlacedModel, ProfileDrafts, placeModel } from './models.ts'
import { makeSlug } from './names.ts'
import { finishImport, Notes } from './notes.ts'
import { Piece } from './piece.ts'

const FAMILIES: { readonly [alias: string]: string } = {
  sonnet: 'claude-sonnet-5',
  opus: 'claude-opus-5-5',
  haiku: 'claude-haiku-4-5',
}

const REASONS = {
  disallowedTools: 'tools are not taken over; name them under "tools" of the agent',
  permissionMode: 'it speaks of tools, which are not taken over; see "tools" of an agent and the policy',
  maxTurns: 'an agent answers once',
  mcpServers: 'tools are not taken over; name them under "tools" of the agent',
  skills: 'skills are not loaded; put what is needed into the prompt',
  hooks: 'commands around tools are not run',
  memory: 'agents keep no memory between runs',
  background: 'every step runs as soon as it can',
  isolation: 'an agent touches no files',
  color: 'only the look of another program',
}

/** A sub-agent of Claude Code: markdown, its settings in the head, its prompt below. It becomes an ensemble of one agent. */
export const claudeAgent: ImportFormat = {
  name: 'claude',
  title: 'Claude sub-agent',
  detects: ({ data, body }) =>
    body !== undefined && isMap(data) && typeof data['description'] === 'string' && typeof data['name'] === 'string',

  convert: async ([document]) => {
    if (!document) return finishImport([], { format: 'claude', files: [] })
    const notes = new Notes(document)
    const head = new Piece(notes, mapOf(document))
    const profiles = new ProfileDrafts(document.path)
    const title = head.text('name')
    const description = head.text('description')
    if (title === undefined || description === undefined)
      notes.refuse(
        [],
        'the head of this file has no name and description',
        'A sub-agent has both between its --- lines.',
      )
    const prompt = (document.body ?? '').trim()
    if (prompt === '')
      notes.refuse(
        [],
        'there is no prompt below the head of this file',
        'Write the prompt of the agent below the second --- line.',
      )
    const name = makeSlug(title ?? '', 'agent')
    if (title !== undefined && name !== title) notes.assume(['name'], `is ${name} here, a name that files can have`)
    const asked = head.text('model')
    const model = readModel(asked, notes)
    for (const { text, path } of readTools(head))
      notes.lose(path, `the agent cannot use ${text}: tools are not taken over; name them under "tools" of the agent`)
    const agent = {
      name,
      model_profile: model ? profiles.use({ provider: model.provider, model: model.model }) : 'default',
      system_prompt: prompt,
    }
    const draft = { name, description: toLine(description ?? name), raw_output: true, agents: [agent] }
    return finishImport([notes], {
      format: 'claude',
      files: [printEnsembleDraft(draft, document.path), ...profiles.files],
      reasons: REASONS,
    })
  },
}

function readModel(asked: string | undefined, notes: Notes): PlacedModel | undefined {
  if (asked === undefined) return undefined
  if (asked === 'inherit') {
    notes.assume(['model'], 'the default model of the configuration answers')
    return undefined
  }
  const family = Object.hasOwn(FAMILIES, asked) ? FAMILIES[asked] : undefined
  if (family !== undefined) {
    notes.assume(['model'], `taken for ${family}; change it in the profile`)
    return { provider: 'anthropic', model: family }
  }
  const placed = placeModel(asked)
  if (!placed) notes.lose(['model'], `${JSON.stringify(asked)} names no model that is known; the default model answers`)
  else if (placed.doubt) notes.assume(['model'], placed.doubt)
  return placed
}

/** A list, or names with commas between them. */
function readTools(head: Piece): { readonly text: string; readonly path: readonly (string | number)[] }[] {
  if (typeof head.get('tools').value !== 'string') return [...head.texts('tools')]
  const names = (head.text('tools') ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  return names.length === 0 ? [] : [{ text: names.join(', '), path: ['tools'] }]
}

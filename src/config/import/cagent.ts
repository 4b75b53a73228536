import type { Json, JsonObject } from '../../events/values.ts'
import { findCycles } from '../../graph/cycles.ts'
import { isMap } from '../../graph/report.ts'
import { mapOf, stemOf } from './document.ts'
import { type AgentDraft, printEnsembleDraft, toLine } from './draft.ts'
import type { ImportFormat } from './imported.ts'
import { KEY_VARIABLES, ProfileDrafts, placeModel, placeParameters } from './models.ts'
import { makeSlug, StepNames } from './names.ts'
import { finishImport, MAX_PARTS, Notes } from './notes.ts'
import { Piece } from './piece.ts'

const REASONS = {
  toolsets: 'tools are not taken over; name them under "tools" of the agent',
  permissions: 'it speaks of tools, which are not taken over; see "tools" of an agent and the policy',
  rag: 'documents are not searched in this version',
  welcome_message: 'there is no greeting',
  commands: 'named prompts are not kept',
  hooks: 'commands around tools are not run',
  skills: 'skills are not loaded',
  code_mode_tools: 'tools are not taken over; name them under "tools" of the agent',
  add_date: 'the date is not put into prompts, so that a run can be replayed',
  add_environment_info: 'nothing of the machine is put into prompts',
  add_prompt_files: 'files are not put into prompts; give them as input',
  num_history_items: 'a run has no history of talk',
  max_iterations: 'an agent answers once',
  retries: 'a failed call is made at most three times, with growing pauses',
  cooldown: 'each call begins with the first model',
}

// Settings of one call that providers of these dialects understand as they are.
const CALL_OPTIONS = ['top_p', 'frequency_penalty', 'presence_penalty', 'parallel_tool_calls']

/**
 * A team of docker cagent. There the lead asks its sub-agents as it sees fit; here every sub-agent answers the input first, and the lead reads all
 * of their answers. The report says so.
 */
export const cagent: ImportFormat = {
  name: 'cagent',
  title: 'cagent team',
  detects: (document) => {
    const { agents } = mapOf(document)
    if (document.body !== undefined || !isMap(agents)) return false
    return Object.values(agents).some(
      (agent) => isMap(agent) && ['instruction', 'toolsets', 'sub_agents', 'handoffs'].some((key) => key in agent),
    )
  },

  convert: async ([document]) => {
    if (!document) return finishImport([], { format: 'cagent', files: [] })
    const notes = new Notes(document)
    const top = new Piece(notes, mapOf(document))
    top.whole('version')
    const models: Models = { top, profiles: new ProfileDrafts(document.path), providers: {}, known: new Map() }
    readProviders(models)
    const members = new Map(top.map('agents').entries())
    const root = members.has('root') ? 'root' : [...members.keys()][0]
    if (members.size > MAX_PARTS) notes.refuse(['agents'], `this team has more than ${MAX_PARTS} agents`)
    if (root === undefined) notes.refuse(['agents'], 'this team has no agents')
    else if (root !== 'root') notes.assume(['agents', root], 'no agent is called root, so the first one is the lead')
    const names = new StepNames()
    const order = root === undefined ? [] : orderTeam(members, root, notes)
    const agents = order.flatMap((name) => {
      const piece = members.get(name)
      return piece
        ? [compileMember({ piece, name, names, models, helpers: helpersOf(piece, members, notes), order })]
        : []
    })
    for (const [name, piece] of members)
      if (!order.includes(name)) notes.lose(piece.path, `nothing leads from the lead to ${name}`)
    for (const [name, model] of top.map('models').entries()) if (isMap(model.value)) profileOf(models, name, model.path)
    const metadata = top.map('metadata')
    const about = metadata.text('description') ?? members.get(root ?? '')?.text('description')
    const draft = {
      name: makeSlug(stemOf(document.path), 'team'),
      description: toLine(about ?? `Team of ${agents.length}`),
      raw_output: true,
      agents,
    }
    return finishImport([notes], {
      format: 'cagent',
      files: [printEnsembleDraft(draft, document.path), ...models.profiles.files],
      settings: Object.keys(models.providers).length > 0 ? { providers: models.providers } : {},
      reasons: REASONS,
    })
  },
}

interface Models {
  readonly top: Piece
  readonly profiles: ProfileDrafts
  readonly providers: { [name: string]: JsonObject }
  /** The profile of each model that was asked for by name. */
  readonly known: Map<string, string | undefined>
}

interface Member {
  readonly piece: Piece
  readonly name: string
  readonly names: StepNames
  readonly models: Models
  /** Who answers before it. */
  readonly helpers: readonly string[]
  readonly order: readonly string[]
}

/** The lead last, each after those it leads; who hands over stands before whom it hands to. */
function orderTeam(members: ReadonlyMap<string, Piece>, root: string, notes: Notes): string[] {
  if (notes.problems.length > 0) return []
  const reached = new Set([root])
  for (const name of reached)
    for (const key of ['sub_agents', 'handoffs'])
      for (const { text } of members.get(name)?.texts(key) ?? []) if (members.has(text)) reached.add(text)
  const waits = new Map(
    [...reached].map((name) => [name, waitsOf(members, name).filter((other) => reached.has(other))]),
  )
  for (const cycle of findCycles(waits)) {
    const path = members.get(cycle[0] ?? '')?.path ?? []
    notes.refuse(
      path,
      `these agents hand over to each other in a circle: ${cycle.join(' -> ')}`,
      'A run goes one way; remove one of the hand-overs.',
    )
  }
  if (notes.problems.length > 0) return []
  // without circles some agent is always ready, so each round finds one
  const order = new Set<string>()
  while (order.size < reached.size)
    for (const name of reached) if ((waits.get(name) ?? []).every((other) => order.has(other))) order.add(name)
  return [...order]
}

function waitsOf(members: ReadonlyMap<string, Piece>, name: string): string[] {
  const below = (members.get(name)?.texts('sub_agents') ?? []).map(({ text }) => text)
  const from = [...members]
    .filter(([, piece]) => piece.texts('handoffs').some(({ text }) => text === name))
    .map(([other]) => other)
  return [...new Set([...below, ...from])].filter((other) => members.has(other))
}

function helpersOf(piece: Piece, members: ReadonlyMap<string, Piece>, notes: Notes): string[] {
  const name = String(piece.path.at(-1))
  for (const { text, path } of piece.texts('sub_agents'))
    if (!members.has(text)) notes.lose(path, `${text} is not in this file`)
    else
      notes.assume(
        path,
        `${text} answers every input first, and ${name} reads the answer; there the lead decides whom to ask`,
      )
  for (const { text, path } of piece.texts('handoffs'))
    if (!members.has(text)) notes.lose(path, `${text} is not in this file`)
    else notes.assume(path, `${text} always goes on after ${name}; there ${name} decides whether to hand over`)
  return waitsOf(members, name)
}

function compileMember({ piece, name, names, models, helpers, order }: Member): AgentDraft {
  const { notes } = piece
  const description = piece.text('description')
  const instruction = piece.text('instruction') ?? description
  if (instruction === undefined) notes.assume(piece.path, 'has no instruction; its name says what it is')
  else if (instruction.includes('${'))
    notes.assume([...piece.path, 'instruction'], 'what stands in ${...} is not filled in')
  const output = piece.map('structured_output')
  if (output.has('schema')) output.text('name')
  const schema = output.whole('schema')
  const waits = order.filter((other) => helpers.includes(other))
  const profile = readModel(piece, models)
  const fallback = readFallback(piece, models)
  return {
    name: names.nameOf(name),
    model_profile: profile,
    ...(fallback === undefined || fallback === profile ? {} : { fallback }),
    ...(instruction === undefined ? {} : { system_prompt: instruction.trim() }),
    ...(isMap(schema) ? { output_schema: schema as JsonObject } : {}),
    ...(waits.length > 0 ? { depends_on: waits.map((other) => names.nameOf(other)) } : {}),
  }
}

function readModel(piece: Piece, models: Models): string {
  const reference = piece.text('model')
  if (reference === undefined) return 'default'
  const path = [...piece.path, 'model']
  const [first = '', ...others] = reference.split(',').map((name) => name.trim())
  if (others.length > 0) piece.notes.assume(path, `${first} answers; there each turn goes to another of these models`)
  return profileOf(models, first, path) ?? 'default'
}

/** The first fallback; the ones behind it would need profiles that fall back themselves. */
function readFallback(piece: Piece, models: Models): string | undefined {
  const [first, ...others] = piece.map('fallback').texts('models')
  for (const { path } of others)
    piece.notes.lose(path, 'an agent names one fallback; give that profile a fallback of its own')
  return first ? profileOf(models, first.text, first.path) : undefined
}

function profileOf(models: Models, name: string, path: Piece['path']): string | undefined {
  if (!models.known.has(name)) models.known.set(name, makeProfile(models, name, path))
  return models.known.get(name)
}

function makeProfile(models: Models, name: string, path: Piece['path']): string | undefined {
  const { top, profiles, providers } = models
  const model = isMap(top.map('models').get(name).value) ? top.map('models').map(name) : undefined
  const [first = '', ...rest] = name.split('/')
  const asked = model ? model.text('provider') : Object.hasOwn(providers, first) ? first : undefined
  const own = asked !== undefined && Object.hasOwn(providers, asked) ? asked : undefined
  const reference = model ? model.text('model') : own === undefined ? name : rest.join('/')
  const placed = placeModel(reference ?? '', own === undefined ? asked : 'openai-compatible')
  if (!placed) {
    top.notes.assume(path, `${JSON.stringify(name)} names no model that is known; the default model answers`)
    return undefined
  }
  const base_url = model?.text('base_url') ?? placed.base_url
  if (placed.doubt && (base_url === undefined || placed.base_url !== undefined))
    top.notes.assume(model ? [...model.path, 'provider'] : path, placed.doubt)
  const provider = own ?? placed.provider
  if (!model) return profiles.use({ provider, model: placed.model, base_url })
  const options: { [key: string]: Json } = {}
  for (const key of CALL_OPTIONS) if (model.has(key)) options[key] = model.whole(key) ?? null
  const content = { provider: readKey(models, model, provider), model: placed.model, base_url }
  const parameters = { temperature: model.number('temperature'), max_tokens: model.number('max_tokens'), ...options }
  return profiles.use({ ...content, ...placeParameters(parameters) }, makeSlug(name, 'model'))
}

/** The provider; one of its own in the settings when the key of this model stands under another variable than usual. */
function readKey({ providers }: Models, model: Piece, provider: string): string {
  const key = model.text('token_key')
  const settings = Object.hasOwn(providers, provider) ? providers[provider] : undefined
  if (key === undefined || key === (settings?.['api_key_env'] ?? KEY_VARIABLES[provider])) return provider
  const name = `${makeSlug(String(model.path.at(-1)), 'model')}-provider`
  const type = provider.startsWith('openai-compatible/') ? 'openai-compatible' : provider
  providers[name] = { ...(settings ?? { type }), api_key_env: key }
  model.notes.assume([...model.path, 'token_key'], `the provider ${name} in config.yaml takes its key from ${key}`)
  return name
}
/** Servers of the user's own go to the settings under their name. */
function readProviders({ top, providers }: Models): void {
  for (const [name, piece] of top.map('providers').entries()) {
    const base_url = piece.text('base_url')
    const key = piece.text('token_key')
    const kind = piece.text('api_type')
    if (kind !== undefined && kind !== 'openai_chatcompletions')
      piece.notes.lose([...piece.path, 'api_type'], 'only the chat-completions dialect is spoken')
    if (base_url === undefined) piece.notes.lose(piece.path, 'has no base_url')
    else {
      providers[name] = { type: 'openai-compatible', base_url, ...(key === undefined ? {} : { api_key_env: key }) }
      piece.notes.assume(piece.path, `becomes the provider ${name} in config.yaml`)
    }
  }
}

import { isMap } from '../../graph/report.ts'
import { type Document, folderOf, foldersOf, mapOf, stemOf } from './document.ts'
import { type AgentDraft, escapeLiquid, printEnsembleDraft } from './draft.ts'
import type { ImportFormat } from './imported.ts'
import { ProfileDrafts, placeModel } from './models.ts'
import { makeSlug, StepNames } from './names.ts'
import { finishImport, MAX_PARTS, Notes } from './notes.ts'
import { Piece } from './piece.ts'

const REASONS = {
  tools: 'tools are not taken over; name them under "tools" of the agent',
  allow_delegation: 'an agent does its own task and gives none away',
  allow_code_execution: 'a model runs no code here',
  memory: 'agents keep no memory between runs',
  max_iter: 'an agent answers once per task',
  max_rpm: 'calls are not counted per minute',
  verbose: 'runs are recorded whole in any case',
  cache: 'answers are not cached',
  human_input: 'no person is asked in between',
  output_file: 'answers go to the artifacts of the run',
  callback: 'is a function in Python',
  guardrail: 'is a function in Python, or a second model; write a verify block',
  output_pydantic: 'is a class in Python; write an output_schema',
  output_json: 'is a class in Python; write an output_schema',
  config: 'is read by Python only',
}

/**
 * The agents and tasks of a CrewAI project. Each task becomes an agent that is told who it is (role, goal, backstory) and what to do. Which
 * process runs them stands in Python, so they are taken to run one after the other, each with all answers before it.
 */
export const crewai: ImportFormat = {
  name: 'crewai',
  title: 'CrewAI crew',
  detects: (document) => holdsAgents(document) || holdsTasks(document),

  group: (documents) => {
    const folders = Map.groupBy(documents, ({ path }) => folderOf(path))
    return [...folders.values()].flatMap((group) => {
      const agents = group.filter(holdsAgents)
      const tasks = group.filter((document) => holdsTasks(document) && !holdsAgents(document))
      return agents.length <= 1 && tasks.length <= 1 ? [group] : pair(agents, tasks)
    })
  },

  convert: async (documents) => {
    const notes = documents.map((document) => new Notes(document))
    const from = documents.map(({ path }) => path).join(' and ')
    const profiles = new ProfileDrafts(from)
    const agents = notes.flatMap((each) => readAgents(each))
    const tasks = notes.flatMap((each) => readTasks(each))
    const [first] = notes
    if (!first) return finishImport([], { format: 'crewai', files: [] })
    if (agents.length === 0)
      first.refuse([], 'the agents of these tasks are missing', 'Name the folder with both agents.yaml and tasks.yaml.')
    if (agents.length + tasks.length > MAX_PARTS) {
      first.refuse([], `this crew has more than ${MAX_PARTS} agents and tasks`)
      return finishImport(notes, { format: 'crewai', files: [] })
    }
    const crew: Crew = { agents, tasks, names: new StepNames(), profiles }
    const steps =
      tasks.length > 0 ? tasks.map((task, index) => compileTask(crew, task, index)) : compileAlone(crew, first)
    const placeholders = [...new Set([...agents, ...tasks].flatMap((each) => each.placeholders))]
    if (placeholders.length > 0)
      first.assume(
        [],
        `the input is a JSON object with ${placeholders.join(', ')}: run it with '${exampleInput(placeholders)}'`,
      )
    const name = makeSlug(nameCrew(documents[0]), 'crew')
    const draft = { name, description: `Crew of ${agents.length} agents and ${tasks.length} tasks`, agents: steps }
    return finishImport(notes, {
      format: 'crewai',
      files: [printEnsembleDraft(draft, from), ...profiles.files],
      reasons: REASONS,
    })
  },
}

interface CrewAgent {
  readonly name: string
  readonly piece: Piece
  readonly system: string
  readonly placeholders: readonly string[]
  readonly model_profile?: string
}

interface CrewTask {
  readonly name: string
  readonly piece: Piece
  readonly prompt: string
  readonly placeholders: readonly string[]
}

interface Crew {
  readonly agents: readonly CrewAgent[]
  readonly tasks: readonly CrewTask[]
  readonly names: StepNames
  readonly profiles: ProfileDrafts
}

function readAgents(notes: Notes): CrewAgent[] {
  return sectionOf(notes, 'agents', isAgent)
    .map(([name, piece]) => {
      const [role, goal, backstory] = ['role', 'goal', 'backstory'].map((key) => piece.text(key)?.trim())
      const told = [role && `You are ${role}.`, backstory, goal && `Your goal: ${goal}`].filter(
        (text) => text !== undefined,
      )
      return { name, piece, ...fillIn(told.join('\n\n')) }
    })
    .map(({ text, ...agent }) => ({ ...agent, system: text }))
}

function readTasks(notes: Notes): CrewTask[] {
  return sectionOf(notes, 'tasks', isTask).map(([name, piece]) => {
    const description = piece.text('description')?.trim() ?? ''
    const expected = piece.text('expected_output')?.trim()
    const { text, placeholders } = fillIn(
      expected === undefined ? description : `${description}\n\nExpected answer: ${expected}`,
    )
    return { name, piece, prompt: text, placeholders }
  })
}

/** The agents or tasks of a document: below a key of that name, or at the top. Entries of another form are refused by name. */
function sectionOf(notes: Notes, key: string, isEntry: (value: unknown) => boolean): (readonly [string, Piece])[] {
  const top = new Piece(notes, mapOf(notes.document))
  const below = top.has(key) && isMap(mapOf(notes.document)[key]) ? top.map(key) : undefined
  const section = below ?? top
  const values = section.value as { readonly [name: string]: unknown }
  return section.keys.filter((name) => isEntry(values[name])).map((name) => [name, section.get(name)])
}

function compileTask(crew: Crew, task: CrewTask, index: number): AgentDraft {
  const { piece, name } = task
  const { notes } = piece
  const agent = findAgent(crew, task, index)
  const before = crew.tasks.slice(0, index).filter((each) => each.piece.get('async_execution').value !== true)
  const context = readContext(crew, task, index)
  if (piece.get('async_execution').value === true)
    notes.assume(
      [...piece.path, 'async_execution'],
      'it runs beside the tasks after it, which do not wait for it unless they name it',
    )
  const waits = context ?? before
  if (!context && before.length > 0)
    notes.assume(
      piece.path,
      `taken to wait for the tasks above it (${before.map((each) => each.name).join(', ')}) and to read their answers`,
    )
  const steps = waits.map((each) => crew.names.nameOf(each.name))
  const blocks = steps.map((step, at) => `${escapeLiquid(waits[at]?.name ?? step)}:\n{{ steps.${step}.output }}`)
  return {
    name: crew.names.nameOf(name),
    ...settingsOf(crew, agent),
    template: {
      ...(agent ? { system: agent.system } : {}),
      prompt: [task.prompt, ...(blocks.length > 0 ? ['This is the context you work with:', ...blocks] : [])].join(
        '\n\n',
      ),
    },
    ...(steps.length > 0 ? { depends_on: steps.map((step) => ({ step, on: 'success' })) } : {}),
  }
}

/** Agents without tasks: each answers the input by itself. */
function compileAlone(crew: Crew, notes: Notes): AgentDraft[] {
  if (crew.agents.length > 0)
    notes.assume([], 'there are no tasks beside these agents: each answers the input by itself')
  return crew.agents.map((agent) => ({
    name: crew.names.nameOf(agent.name),
    ...settingsOf(crew, agent),
    ...(agent.placeholders.length > 0
      ? { template: { system: agent.system, prompt: '{{ input | json }}' } }
      : { template: { system: agent.system, prompt: '{{ input }}' } }),
  }))
}

function settingsOf(
  crew: Crew,
  agent: CrewAgent | undefined,
): { readonly model_profile: string; readonly timeout_seconds?: number } {
  if (!agent) return { model_profile: 'default' }
  const { piece } = agent
  const limit = piece.number('max_execution_time')
  const asked = isMap(piece.get('llm').value) ? piece.map('llm').text('model') : piece.text('llm')
  const placed = asked === undefined ? undefined : placeModel(asked)
  if (asked !== undefined && !placed)
    piece.notes.assume(
      [...piece.path, 'llm'],
      `${JSON.stringify(asked)} names no model that is known; the default model answers`,
    )
  else if (placed?.doubt) piece.notes.assume([...piece.path, 'llm'], placed.doubt)
  const { doubt: _, ...model } = placed ?? { doubt: undefined }
  return {
    model_profile: placed ? crew.profiles.use(model) : 'default',
    ...(limit === undefined || limit <= 0 ? {} : { timeout_seconds: limit }),
  }
}

/** The agent that the task names; else one whose name is like the task's; else the one in the same place of the list. */
function findAgent(crew: Crew, { piece, name }: CrewTask, index: number): CrewAgent | undefined {
  const named = piece.text('agent')
  if (named !== undefined) {
    const found = crew.agents.find((agent) => agent.name === named)
    if (!found)
      piece.notes.refuse(
        [...piece.path, 'agent'],
        `the task "${name}" names the agent "${named}", which does not exist`,
      )
    return found
  }
  const like = crew.agents.find((agent) => shareStem(agent.name, name))
  const found = like ?? crew.agents[Math.min(index, crew.agents.length - 1)]
  if (found)
    piece.notes.assume(
      piece.path,
      `names no agent; ${found.name} was taken, ${like ? 'by the likeness of the names' : 'by its place in the list'}`,
    )
  return found
}

/** `research_task` and `researcher` begin alike. */
function shareStem(a: string, b: string): boolean {
  const words = (name: string) =>
    name
      .toLowerCase()
      .split(/[^a-z]+/)
      .filter((word) => word.length >= 5 && word !== 'agent')
  return words(a).some((one) => words(b).some((other) => one.slice(0, 5) === other.slice(0, 5)))
}

/** The tasks that a task names as its context; undefined when it names none. */
function readContext(crew: Crew, { piece, name }: CrewTask, index: number): readonly CrewTask[] | undefined {
  if (!piece.has('context')) return undefined
  return piece.texts('context').flatMap(({ text, path }) => {
    const at = crew.tasks.findIndex((each) => each.name === text)
    const found = crew.tasks[at]
    if (!found) piece.notes.refuse(path, `the task "${name}" names the context "${text}", which is no task`)
    else if (at >= index)
      piece.notes.refuse(
        path,
        `the task "${name}" names the context "${text}", which comes after it`,
        'Put that task first.',
      )
    return found && at < index ? [found] : []
  })
}

/** `{topic}` becomes a reference to the input; everything else stays as it is. */
function fillIn(text: string): { readonly text: string; readonly placeholders: readonly string[] } {
  const placeholders: string[] = []
  const parts = text.split(/(?<![{$])\{([A-Za-z_][A-Za-z0-9_]*)\}(?!\})/)
  const filled = parts.map((part, index) => {
    if (index % 2 === 0) return escapeLiquid(part)
    placeholders.push(part)
    return `{{ input.${part} }}`
  })
  return { text: filled.join(''), placeholders }
}

function exampleInput(names: readonly string[]): string {
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, '...'])))
}

function isAgent(value: unknown): boolean {
  return (
    isMap(value) &&
    typeof value['role'] === 'string' &&
    (typeof value['goal'] === 'string' || typeof value['backstory'] === 'string')
  )
}

function isTask(value: unknown): boolean {
  return isMap(value) && typeof value['description'] === 'string' && 'expected_output' in value
}

function holdsAgents(document: Document): boolean {
  return holds(document, 'agents', isAgent)
}

function holdsTasks(document: Document): boolean {
  return holds(document, 'tasks', isTask)
}

function holds(document: Document, key: string, isEntry: (value: unknown) => boolean): boolean {
  if (document.body !== undefined) return false
  const top = mapOf(document)
  return [top, top[key]].some((section) => isMap(section) && Object.values(section).some(isEntry))
}

/** Several crews in one folder: `news_agents.yaml` goes with `news_tasks.yaml`. */
function pair(agents: readonly Document[], tasks: readonly Document[]): (readonly Document[])[] {
  const rest = new Set(tasks)
  const stem = ({ path }: Document) => stemOf(path).replace(/[-_.]?(agents?|tasks?)[-_.]?/i, '')
  const pairs = agents.map((document) => {
    const match = [...rest].find((task) => stem(task) === stem(document))
    if (match) rest.delete(match)
    return match ? [document, match] : [document]
  })
  return [...pairs, ...[...rest].map((document) => [document])]
}

/** The folder above `config/`, or the part of the file's name that says more than "agents". */
function nameCrew(document: Document | undefined): string {
  const stem = stemOf(document?.path ?? '').replace(/[-_.]?(agents?|tasks?|crew)[-_.]?/gi, '')
  if (stem !== '') return stem
  return (document ? foldersOf(document) : []).findLast((name) => name !== 'config' && name !== 'src') ?? 'crew'
}

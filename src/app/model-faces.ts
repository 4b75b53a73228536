import { readChains } from '../config/chains.ts'
import { listEnsembles } from '../config/definitions.ts'
import { findEnsemble } from '../config/find-ensemble.ts'
import { OrcError, type Problem } from '../events/errors.ts'
import { type Message, type MessagePart, type ModelRequest, textOf } from '../events/messages.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { type Candidate, findCandidates } from '../graph/candidates.ts'
import { suggest } from '../graph/nearest.ts'
import type { ModelProfile } from '../graph/profile.ts'
import { Report } from '../graph/report.ts'
import type { ChatInput, ChatSpec } from '../steps/chat.ts'
import type { EmbedInput, EmbedSpec } from '../steps/embed.ts'
import type { App } from './app.ts'
import { usualCachePolicy } from './cache.ts'
import { makeCandidate } from './candidate.ts'
import { createObstacles, findMissingModels, type Obstacle } from './obstacles.ts'
import type { RunOrder } from './runs.ts'
import { findTarget, type Target } from './target.ts'
import { findChainTarget } from './target-chain.ts'

/** Something of the user's that can be asked as if it were a model: `ensemble/NAME`, `chain/NAME`, or a profile by its name. */
export interface ModelFace {
  readonly id: string
  readonly kind: 'profile' | 'ensemble' | 'chain'
  readonly description?: string
  /** Why it could not answer here and now, as far as files and settings say. */
  readonly reasons?: readonly Partial<Obstacle>[]
}

/** A conversation, and who is to say what comes next. Settings of the call hold for profiles: agents have their own. */
export interface ModelCall {
  readonly model: string
  readonly messages: readonly Message[]
  readonly tools?: NonNullable<ModelRequest['tools']>
  readonly response_schema?: JsonObject
  readonly temperature?: number
  readonly max_tokens?: number
  /** For the provider, stronger than the profile's own. */
  readonly options?: JsonObject
  readonly seed?: string
}

/** All that can be asked, sorted by id. What cannot be read is left out; `ensembles list` says why. */
export async function listModelFaces(app: App): Promise<readonly ModelFace[]> {
  const { ensembles } = await listEnsembles(app.paths)
  const missing = await findMissingModels(app)
  const findObstacles = await createObstacles(app, ensembles)
  const offered = ensembles.filter(({ shadowed, problem }) => !shadowed && !problem)
  const faces: ModelFace[] = [
    ...[...app.profiles.profiles.keys()].map((id) => {
      const lack = missing({ profile: id })
      return { id, kind: 'profile' as const, ...(lack ? { reasons: [lack] } : {}) }
    }),
    ...[...readChains(app.config).keys()].map((name) => ({ id: `chain/${name}`, kind: 'chain' as const })),
    ...(await Promise.all(
      offered.map(async (ensemble) => {
        const reasons = await findObstacles(ensemble)
        return {
          id: `ensemble/${ensemble.name}`,
          kind: 'ensemble' as const,
          ...(ensemble.description ? { description: ensemble.description } : {}),
          ...(reasons.length > 0 ? { reasons } : {}),
        }
      }),
    )),
  ]
  return faces.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** Throws OrcError `not_found`. */
export async function findModelFace(app: App, id: string): Promise<ModelFace> {
  const faces = await listModelFaces(app)
  return faces.find((face) => face.id === id) ?? refuse(id, faces)
}

/** The run that answers a call. Throws OrcError with everything that is wrong with it. */
export async function orderCall(app: App, call: ModelCall): Promise<Pick<RunOrder, 'target' | 'input' | 'seed'>> {
  const seed = call.seed === undefined ? {} : { seed: call.seed }
  const [kind, name] = splitId(call.model)
  if (kind === 'profile') {
    const input: ChatInput = { messages: call.messages }
    return { target: await makeChatTarget(app, call), input: input as unknown as Json, ...seed }
  }
  refuseForAgents(call)
  const input = toInput(call.messages)
  return { target: kind === 'chain' ? await findChainTarget(app, name) : await findNamed(app, name), input, ...seed }
}

/** The run that makes vectors of texts. Throws OrcError. */
export async function orderEmbedding(
  app: App,
  wish: { readonly model: string; readonly texts: readonly string[]; readonly dimensions?: number | undefined },
): Promise<Pick<RunOrder, 'target' | 'input'>> {
  if (!isProfileId(wish.model)) await refuseVectors(app, wish.model)
  const profile = await requireProfile(app, wish.model)
  const candidate = await app.models.cards.compile((card) => makeCandidate(profile, card))
  const spec: EmbedSpec = {
    candidate,
    ...(wish.dimensions === undefined ? {} : { dimensions: wish.dimensions }),
  }
  const input: EmbedInput = { texts: wish.texts }
  return { target: makeTarget(wish.model, 'embed', spec as unknown as JsonObject), input }
}

/** The step whose live text is the run's answer, word by word; undefined where the answer is only known at the end. */
export function findLiveStep({ graph }: Target): string | undefined {
  const needed = new Set(graph.steps.flatMap(({ after = [] }) => after.map(({ step }) => step)))
  const answers = graph.output === undefined ? graph.steps.filter(({ id }) => !needed.has(id)) : []
  const answer = graph.output === undefined ? answers[0] : graph.steps.find(({ id }) => id === graph.output)
  if (!answer || answers.length > 1) return undefined
  if (answer.kind === 'chat') return answer.id
  // Agents that call tools, mend their answers or sum up what they read say more than their answer.
  const { tools, output_schema, context } = answer.spec
  const sumsUp = (context as { readonly overflow?: string } | undefined)?.overflow === 'summarise'
  const talks = Array.isArray(tools) && tools.length > 0
  return answer.kind === 'agent' && !talks && !output_schema && !sumsUp ? answer.id : undefined
}

/**
 * What an ensemble or a chain works on: the last words of the user as they are, with files as `{text, images, files}`. What was said
 * before stands above them.
 */
export function toInput(messages: readonly Message[]): Json {
  const at = messages.findLastIndex(({ role }) => role === 'user')
  const last = messages[at]
  if (!last) throw new OrcError({ code: 'bad_input', message: 'there is no message of a user' })
  const before = messages.slice(0, at).flatMap(({ role, content }) => {
    const words = content.map(showPart).filter(Boolean).join('\n')
    return words === '' ? [] : [`${role}:\n${words}`]
  })
  const own = textOf(last.content)
  const text =
    before.length === 0 ? own : `What was said before:\n\n${before.join('\n\n')}\n\nWhat is asked now:\n\n${own}`
  const files = last.content.flatMap((part) => (part.type === 'file' ? [readFile(part)] : []))
  const [images, others] = [files.filter(isImage), files.filter((file) => !isImage(file))]
  if (files.length === 0) return text
  return { text, ...(images.length > 0 ? { images } : {}), ...(others.length > 0 ? { files: others } : {}) }
}

function readFile({ media_type, data, name }: MessagePart & { readonly type: 'file' }) {
  return { media_type, data, ...(name === undefined ? {} : { name }) }
}

function isImage({ media_type }: { readonly media_type: string }): boolean {
  return media_type.startsWith('image/')
}

function showPart(part: MessagePart): string {
  if (part.type === 'text') return part.text
  if (part.type === 'tool-call') return `[calls ${part.name} ${part.arguments}]`
  if (part.type === 'tool-result') return typeof part.output === 'string' ? part.output : JSON.stringify(part.output)
  return part.type === 'file' ? `[a file of type ${part.media_type}]` : ''
}

/** Is it asked for as it is, without a definition around it? */
export function isProfileId(id: string): boolean {
  return splitId(id)[0] === 'profile'
}

function splitId(id: string): readonly [kind: ModelFace['kind'], name: string] {
  const [, kind, name] = /^(ensemble|chain)\/(.+)$/s.exec(id) ?? []
  return kind === undefined ? ['profile', id] : [kind as ModelFace['kind'], name as string]
}

/** Agents have their own tools and forms of answers; those of a caller would reach nobody. */
function refuseForAgents({ model, tools = [], response_schema }: ModelCall): void {
  const hint = 'Ask a model profile for that, or write it into the definition.'
  if (tools.length > 0)
    throw new OrcError({
      code: 'bad_input',
      message: `${model} cannot be given tools: its agents have their own`,
      hint,
    })
  if (response_schema)
    throw new OrcError({ code: 'bad_input', message: `the form of the answers of ${model} is given by its file`, hint })
}

/** By name alone: a caller from outside names no files. */
async function findNamed(app: App, name: string): Promise<Target> {
  const looked = await findEnsemble(name, app.paths)
  if ('problem' in looked) throw new OrcError({ ...looked.problem, code: 'not_found' })
  return findTarget(app, looked.found.file)
}

async function makeChatTarget(app: App, call: ModelCall): Promise<Target> {
  const { model, tools = [], response_schema } = call
  const candidates = await findChain(app, model)
  const cache = usualCachePolicy(app)
  const spec: ChatSpec = {
    candidates: candidates.map((candidate) => adjust(candidate, call)),
    ...(tools.length > 0 ? { tools } : {}),
    ...(response_schema ? { response_schema } : {}),
    ...(cache ? { cache } : {}),
  }
  return makeTarget(model, 'chat', spec as unknown as JsonObject)
}

function makeTarget(model: string, kind: 'chat' | 'embed', spec: JsonObject): Target {
  const id = model.replaceAll(/[/#~[\]]+/g, '-') || 'answer'
  const graph = { name: model, steps: [{ id, kind, spec }] }
  return { kind: 'prompt', name: model, graph, files: [], warnings: [], notes: [] }
}

async function requireProfile(app: App, name: string): Promise<ModelProfile> {
  const faulty = app.profiles.broken.get(name)
  if (faulty?.[0]) throw new OrcError(faulty)
  return app.profiles.profiles.get(name) ?? refuse(name, await listModelFaces(app))
}

/** Throws what there is to say to whoever asks an ensemble or a chain for vectors. */
async function refuseVectors(app: App, id: string): Promise<never> {
  const { kind } = await findModelFace(app, id)
  const able = await Promise.all(
    [...app.profiles.profiles.values()].map(async (profile) => {
      const provider = await app.models.provider(profile).catch(() => undefined)
      return provider?.embeds ? [profile] : []
    }),
  )
  // Which of its models make vectors only the provider knows; names mostly say.
  const names = able
    .flat()
    .toSorted((a, b) => Number(/embed/i.test(b.model)) - Number(/embed/i.test(a.model)))
    .map(({ name }) => name)
  const listed = names.length > 0 ? ` Here are: ${names.slice(0, 8).join(', ')}.` : ' There is none here.'
  throw new OrcError({
    code: 'bad_input',
    message: `model: ${id} gives text, not vectors, as every ${kind} does`,
    hint: `Name a profile whose model makes embeddings.${listed}`,
  })
}

/** The profile and its fallbacks, or the models it chooses from. */
async function findChain(app: App, name: string): Promise<readonly Candidate[]> {
  await requireProfile(app, name)
  const { profiles } = app.profiles
  const { profile: usual } = await app.models.chooseDefault()
  const found = await app.models.cards.compile((card) => {
    const said = new Report(() => ({}))
    const candidates = findCandidates(said, {
      agent: { name, model_profile: name },
      path: [],
      lookup: {
        card,
        profile: (wanted) => profiles.get(wanted),
        defaultProfile: () => usual,
        profileNames: () => [...profiles.keys()],
      },
      keepPrompts: true,
    })
    return { candidates, problems: said.problems }
  })
  if (!found.candidates) throw new OrcError(found.problems)
  return found.candidates
}

function adjust(candidate: Candidate, { temperature, max_tokens, options }: ModelCall): Candidate {
  return {
    ...candidate,
    ...(temperature === undefined ? {} : { temperature }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(options && Object.keys(options).length > 0 ? { options: { ...candidate.options, ...options } } : {}),
  }
}

function refuse(id: string, faces: readonly ModelFace[]): never {
  const ids = faces.map((face) => face.id)
  const own = ids.find((each) => each === `ensemble/${id}` || each === `chain/${id}`)
  const hint = own === undefined ? suggest(id, ids).hint : `Did you mean ${own}?`
  const problem: Problem = { code: 'not_found', message: `there is no model ${JSON.stringify(id.slice(0, 200))}` }
  throw new OrcError({ ...problem, hint: hint ?? 'See them at /v1/models.' })
}

import type { Json, JsonObject } from '../../events/values.ts'
import { mapOf } from './document.ts'
import type { ImportFormat } from './imported.ts'
import { KEY_VARIABLES, type PlacedModel, ProfileDrafts, placeModel, placeParameters } from './models.ts'
import { makeSlug, makeUnique } from './names.ts'
import { finishImport, MAX_PARTS, Notes } from './notes.ts'
import { Piece } from './piece.ts'

const FROM_ENVIRONMENT = /^os\.environ\/([A-Za-z_][A-Za-z0-9_]*)$/
const MAX_FALLBACKS = 8
// Settings of one call that providers of this dialect understand as they are.
const CALL_OPTIONS = ['top_p', 'top_k', 'frequency_penalty', 'presence_penalty', 'seed', 'stop', 'reasoning_effort']

const REASONS = {
  rpm: 'calls are not counted per minute; `providers.NAME.connections` limits how many run at once',
  tpm: 'tokens are not counted per minute',
  weight: 'there is no choice by weight: the first answers, the others are its fallbacks',
  general_settings: 'belongs to the LiteLLM server',
  environment_variables: 'set them in the environment or in .env',
  routing_strategy: 'there is no choice between equal models: the first answers, the others are its fallbacks',
  num_retries: 'a failed call is made at most three times, with growing pauses',
  context_window_fallbacks: 'a fallback is taken after any lasting failure, not after this kind alone',
  content_policy_fallbacks: 'a fallback is taken after any lasting failure, not after this kind alone',
  api_version: 'the address has to hold it',
  drop_params: 'settings go to the provider as they are',
}

/** The models of a LiteLLM server: each becomes a profile, its fallbacks the profiles behind it. */
export const litellm: ImportFormat = {
  name: 'litellm',
  title: 'LiteLLM configuration',
  detects: (document) => document.body === undefined && Array.isArray(mapOf(document)['model_list']),

  convert: async ([document]) => {
    if (!document) return finishImport([], { format: 'litellm', files: [] })
    const notes = new Notes(document)
    const top = new Piece(notes, mapOf(document))
    const providers: { [name: string]: JsonObject } = {}
    const limit = readLimit(top)
    const groups = new Map<string, Deployment[]>()
    const entries = top.list('model_list')
    if (entries.length > MAX_PARTS) notes.refuse(['model_list'], `this file has more than ${MAX_PARTS} models`)
    for (const entry of entries.slice(0, MAX_PARTS)) {
      const read = readEntry(entry, providers, limit)
      if (!read) continue
      const same = groups.get(read.name)
      if (same) {
        notes.assume(entry.path, `${read.name} stands here again: it answers when the one above it fails`)
        same.push(read.deployment)
      } else groups.set(read.name, [read.deployment])
    }
    if (groups.size === 0)
      notes.refuse(
        ['model_list'],
        'none of the models in this file can answer here',
        'The report says why for each of them.',
      )
    copyAliases(top, groups)
    const chains = readChains(top, groups)
    const profiles = new ProfileDrafts(document.path)
    writeProfiles(profiles, { groups, chains, notes })
    return finishImport([notes], {
      format: 'litellm',
      files: profiles.files,
      settings: Object.keys(providers).length > 0 ? { providers } : {},
      reasons: REASONS,
    })
  },
}

type Deployment = { readonly [key: string]: Json | undefined }

interface Entry {
  readonly name: string
  readonly deployment: Deployment
}

function readEntry(
  entry: Piece,
  providers: { [name: string]: JsonObject },
  limit: number | undefined,
): Entry | undefined {
  const { notes, path } = entry
  const name = entry.text('model_name')
  const params = entry.map('litellm_params')
  const reference = params.text('model')
  if (name === undefined || reference === undefined) {
    notes.lose(path, 'has no model_name, or no model in its litellm_params')
    return undefined
  }
  if (/\*/.test(name + reference)) {
    notes.lose(path, 'stands for any model; a profile names one')
    return undefined
  }
  const info = entry.map('model_info')
  const mode = info.text('mode')
  if (mode !== undefined && mode !== 'chat' && mode !== 'completion' && mode !== 'responses') {
    notes.lose(path, `is for ${mode}, and profiles are for models that answer`)
    return undefined
  }
  const placed = placeModel(reference, params.text('custom_llm_provider'))
  if (!placed) {
    notes.lose(path, `${JSON.stringify(reference)} names no model that is known`)
    return undefined
  }
  if (placed.doubt) notes.assume([...params.path, 'model'], placed.doubt)
  const address = readAddress(params)
  const provider = readKey(params, placed, { providers, address })
  const timeout = params.number('timeout') ?? params.number('request_timeout') ?? limit
  const cost = info.number('input_cost_per_token') ?? params.number('input_cost_per_token')
  const options = Object.fromEntries(
    CALL_OPTIONS.flatMap((key) => (params.has(key) ? [[key, params.whole(key) ?? null]] : [])),
  )
  return {
    name,
    deployment: {
      provider,
      model: placed.model,
      base_url: address ?? placed.base_url,
      ...placeParameters({
        temperature: params.number('temperature'),
        max_tokens: params.number('max_tokens'),
        ...options,
      }),
      timeout_seconds: timeout !== undefined && timeout > 0 ? timeout : undefined,
      cost_per_token: cost,
    },
  }
}

function readAddress(params: Piece): string | undefined {
  const key = params.has('api_base') ? 'api_base' : 'base_url'
  const address = params.text(key)
  if (address === undefined) return undefined
  const variable = FROM_ENVIRONMENT.exec(address)?.[1]
  if (variable !== undefined) {
    params.notes.lose(
      [...params.path, key],
      `an address is not read from ${variable}; write it as base_url of the profile`,
    )
    return undefined
  }
  if (/^https?:\/\//.test(address)) return address
  params.notes.lose([...params.path, key], 'is no address that begins with http')
  return undefined
}

/** The provider's name; one of its own in the settings when its key stands under another variable than usual. */
function readKey(
  params: Piece,
  { provider }: PlacedModel,
  { providers, address }: { readonly providers: { [name: string]: JsonObject }; readonly address: string | undefined },
): string {
  const key = params.text('api_key')
  if (key === undefined) return provider
  const path = [...params.path, 'api_key']
  const variable = FROM_ENVIRONMENT.exec(key)?.[1]
  if (variable === undefined) {
    params.notes.lose(
      path,
      `a key stands in the file and is not copied: put it into ${KEY_VARIABLES[provider] ?? 'the environment'}`,
    )
    return provider
  }
  if (KEY_VARIABLES[provider] === variable) return provider
  const own = makeUnique(makeSlug(variable.replace(/_?(API_?)?KEY$/i, '') || provider, 'provider'), new Set())
  const type = provider.startsWith('openai-compatible/') ? 'openai-compatible' : provider
  const same = Object.entries(providers).find(
    ([, known]) => known['api_key_env'] === variable && known['type'] === type,
  )
  if (same) return same[0]
  const name = makeUnique(
    own === provider || Object.hasOwn(KEY_VARIABLES, own) ? `${own}-own` : own,
    new Set(Object.keys(providers)),
  )
  providers[name] = { type, ...(address === undefined ? {} : { base_url: address }), api_key_env: variable }
  params.notes.assume(path, `the provider ${name} in config.yaml takes its key from ${variable}`)
  return name
}

function readLimit(top: Piece): number | undefined {
  const places = [top.map('litellm_settings'), top.map('router_settings')]
  for (const [index, key] of (['request_timeout', 'timeout'] as const).entries()) {
    const place = places[index]
    const limit = place?.number(key)
    if (place && limit !== undefined) {
      place.notes.assume([...place.path, key], 'is the time limit of every profile without one of its own')
      return limit
    }
  }
  return undefined
}

/** `model_group_alias: {other: name}`: the same models under another name. */
function copyAliases(top: Piece, groups: Map<string, Deployment[]>): void {
  for (const [alias, target] of top.map('router_settings').map('model_group_alias').entries()) {
    const name = typeof target.value === 'string' ? target.value : target.text('model')
    const known = name === undefined ? undefined : groups.get(name)
    if (known && !groups.has(alias)) groups.set(alias, known)
    else target.notes.lose(target.path, 'names no model of this file, or a name that is taken')
  }
}

/** Who answers after whom, by name. */
function readChains(
  top: Piece,
  groups: ReadonlyMap<string, readonly Deployment[]>,
): ReadonlyMap<string, readonly string[]> {
  const chains = new Map<string, readonly string[]>()
  const knownOnly = (piece: Piece, key: string) =>
    piece.texts(key).flatMap(({ text, path }) => {
      if (groups.has(text)) return [text]
      piece.notes.lose(path, `"${text}" is no model of this file`)
      return []
    })
  const sections = [top.map('litellm_settings'), top.map('router_settings')]
  for (const section of sections)
    for (const item of section.list('fallbacks'))
      for (const name of item.keys) {
        const found = knownOnly(item, name)
        if (!groups.has(name)) item.notes.lose([...item.path, name], `"${name}" is no model of this file`)
        else if (chains.has(name)) item.notes.lose([...item.path, name], 'has fallbacks already; the first list counts')
        else
          chains.set(
            name,
            found.filter((other) => other !== name),
          )
      }
  for (const section of sections) {
    if (!section.has('default_fallbacks')) continue
    const found = knownOnly(section, 'default_fallbacks')
    for (const name of groups.keys())
      if (!chains.has(name))
        chains.set(
          name,
          found.filter((other) => other !== name),
        )
  }
  return chains
}

/**
 * A profile has one fallback. A list of them becomes copies `NAME-2`, `NAME-3` in a row, so that no profile changes for those who use it
 * by name, and two models that stand in for each other make no circle.
 */
function writeProfiles(
  profiles: ProfileDrafts,
  {
    groups,
    chains,
    notes,
  }: {
    readonly groups: ReadonlyMap<string, readonly Deployment[]>
    readonly chains: ReadonlyMap<string, readonly string[]>
    readonly notes: Notes
  },
): void {
  const taken = new Set(groups.keys())
  for (const [name, [own, ...others]] of groups) {
    if (!own) continue
    const after = chains.get(name) ?? []
    const [only] = after
    const isPlain = others.length === 0 && after.length === 1 && only !== undefined
    if (isPlain && groups.get(only)?.length === 1 && (chains.get(only) ?? []).length === 0) {
      profiles.add(name, { ...own, fallback_model_profile: only })
      continue
    }
    const all = [...others, ...after.flatMap((other) => groups.get(other) ?? [])]
    const rest = all.slice(0, MAX_FALLBACKS)
    if (all.length > rest.length)
      notes.assume([], `${name} keeps the first ${MAX_FALLBACKS} of its ${all.length} fallbacks`)
    const names = rest.map((_, index) => {
      const unique = makeUnique(`${name}-${index + 2}`, taken)
      taken.add(unique)
      return unique
    })
    for (const [index, content] of [own, ...rest].entries())
      profiles.add(names[index - 1] ?? name, { ...content, fallback_model_profile: names[index] })
  }
}

import type { Config } from '../config/config.ts'
import type { Environment } from '../config/env.ts'
import { findDefaultProfile } from '../config/fallbacks.ts'
import type { Profiles } from '../config/profiles.ts'
import { staysHere } from '../config/project-limits.ts'
import { OrcError } from '../events/errors.ts'
import type { ModelRequest } from '../events/messages.ts'
import type { ModelProfile } from '../graph/profile.ts'
import type { Provider } from '../providers/provider.ts'
import { createProvider, findVendor, probeProvider, VENDORS, type Vendor } from '../providers/vendors.ts'
import { createModelCards, type ModelCards } from './model-cards.ts'
import { readScript } from './script-file.ts'

/** A model, and how it came to be chosen. */
export interface Choice {
  readonly profile: ModelProfile
  readonly why: string
}

export interface ProviderState {
  readonly provider: string
  readonly available: boolean
  readonly reason: string
  readonly models?: readonly string[]
}

/** The models this user can reach. */
export interface Models {
  /** Undefined when nobody is known by the request's provider name. */
  provider(request: Pick<ModelRequest, 'provider' | 'base_url'>): Promise<Provider | undefined>
  /** What agents without a model of their own use: the configured default, a provider with a key, a local server, or the embedded one. */
  chooseDefault(): Promise<Choice>
  /** A profile's name, PROVIDER/MODEL, a provider's name, or a model of the default provider. */
  findModel(name: string): Promise<Choice>
  /** Does it run on this machine, without a bill? */
  isFree(provider: string): boolean
  /** What is known of them. */
  readonly cards: ModelCards
  /** Whose limits a call counts against; undefined when nobody is known by the provider's name. */
  account(request: Pick<ModelRequest, 'provider' | 'base_url'>): ProviderAccount | undefined
  /** `offline`: no server is asked; one that needs no key counts as there. */
  describeProviders(how?: { readonly offline?: boolean }): Promise<readonly ProviderState[]>
}

const OWN_ADDRESS = 'name it in your own settings, or trust the project in your policy'

/** Calls with an equal account share what their server allows. */
export interface ProviderAccount {
  /** The kind of provider. */
  readonly vendor: string
  /** The variable its key stands in; without one there is no key. */
  readonly key_name?: string
  readonly base_url?: string
}

export function createModels(from: {
  readonly config: Config
  readonly env: Environment
  readonly profiles: Profiles
}): Models {
  const { config, env, profiles } = from
  const made = new Map<string, Promise<Provider>>()
  let choice: Promise<Choice> | undefined

  const settingsOf = (name: string) => config.settings.providers?.[name]
  const vendorOf = (name: string) => findVendor(settingsOf(name)?.type ?? name)
  const keyNames = (vendor: Vendor, name: string): readonly string[] => {
    const own = settingsOf(name)?.api_key_env
    return own === undefined ? vendor.key_names : [own]
  }
  const addressVariable = (vendor: Vendor) => vendor.url_names.find((candidate) => env.values.get(candidate))
  const baseUrlOf = (vendor: Vendor, name: string): string | undefined => {
    const variable = addressVariable(vendor)
    const url = settingsOf(name)?.base_url ?? (variable === undefined ? undefined : env.values.get(variable))
    return url === undefined || /^https?:/.test(url) ? url : `http://${url}`
  }
  /** A key of the user's does not go where a project says. */
  const mayCarry = (vendor: Vendor, name: string, key: string): boolean => {
    const { untrusted } = config
    if (!untrusted || untrusted.variables.has(key)) return true
    if (settingsOf(name)?.base_url !== undefined) return !untrusted.providers.has(name)
    const variable = addressVariable(vendor) ?? ''
    return !untrusted.variables.has(variable) || staysHere(baseUrlOf(vendor, name) ?? '')
  }
  const knownKey = (vendor: Vendor, name: string) => keyNames(vendor, name).find((variable) => env.values.get(variable))
  const setKey = (vendor: Vendor, name: string) => {
    const known = knownKey(vendor, name)
    return known !== undefined && mayCarry(vendor, name, known) ? known : undefined
  }

  const make = async (name: string, vendor: Vendor): Promise<Provider> => {
    const base_url = baseUrlOf(vendor, name)
    const { connections, stream } = settingsOf(name) ?? {}
    const [key_name] = keyNames(vendor, name)
    const withheld = setKey(vendor, name) === undefined && knownKey(vendor, name) !== undefined
    const script = vendor.name === 'scripted' ? await readScript(env.values.get('LLM_ORC_SCRIPT')) : undefined
    return createProvider(vendor, {
      name,
      key: () => env.values.get(setKey(vendor, name) ?? ''),
      ...(key_name === undefined ? {} : { key_name }),
      ...(withheld ? { withheld } : {}),
      ...(base_url === undefined ? {} : { base_url }),
      ...(connections === undefined ? {} : { connections }),
      ...(stream === undefined ? {} : { stream }),
      ...(script === undefined ? {} : { script }),
    })
  }

  const provider = (request: Pick<ModelRequest, 'provider'>): Promise<Provider | undefined> => {
    const vendor = vendorOf(request.provider)
    if (!vendor) return Promise.resolve(undefined)
    let known = made.get(request.provider)
    if (!known) {
      known = make(request.provider, vendor)
      made.set(request.provider, known)
    }
    return known
  }

  /** The models of a local server, if one answers. */
  const probe = async (name: string): Promise<readonly string[] | undefined> => {
    const asked = await provider({ provider: name })
    const found = asked && (await probeProvider(asked))
    return found?.up ? found.models.map((model) => model.id) : undefined
  }

  const look = async (): Promise<Choice> => {
    const named = config.settings.default_profile
    if (named !== undefined && !profiles.profiles.has(named)) {
      const hint = 'Define it under `model_profiles:`, or name another one.'
      throw new OrcError({
        code: 'profile_missing',
        message: `default_profile names "${named}", which does not exist`,
        hint,
      })
    }
    const configured = findDefaultProfile(config.settings, profiles.profiles)
    if (configured) return { profile: configured, why: `${describe(configured)}, because it is the configured default` }
    for (const vendor of VENDORS) {
      const key = setKey(vendor, vendor.name)
      if (vendor.local || vendor.model === undefined || key === undefined) continue
      const profile = profileOf(vendor, vendor.model)
      return { profile, why: `${describe(profile)}, because ${key} is set` }
    }
    const servers = VENDORS.filter((vendor) => vendor.local && vendor.base_url !== undefined)
    const answers = await Promise.all(servers.map((vendor) => probe(vendor.name)))
    for (const [index, vendor] of servers.entries()) {
      const model = answers[index]?.[0]
      if (model === undefined) continue
      const profile = profileOf(vendor, model)
      return { profile, why: `${describe(profile)}, because a local ${vendor.title} server answers and no key is set` }
    }
    const profile = { name: 'default', provider: 'embedded', model: 'extractive' }
    return {
      profile,
      why: `${describe(profile)}, because no key is set and no local server answers; it quotes, it is not a language model`,
    }
  }

  const chooseDefault = () => {
    choice ??= look()
    return choice
  }

  return {
    provider,
    chooseDefault,
    findModel: async (name) => {
      const profile = profiles.profiles.get(name)
      if (profile) return { profile, why: '' }
      const broken = profiles.broken.get(name)
      if (broken?.[0]) throw new OrcError(broken)
      const slash = name.indexOf('/')
      const vendor = slash > 0 ? vendorOf(name.slice(0, slash)) : vendorOf(name)
      if (vendor && slash > 0)
        return { profile: { name: '', provider: name.slice(0, slash), model: name.slice(slash + 1) }, why: '' }
      if (vendor) {
        const model = vendor.model ?? (await probe(name))?.[0]
        if (model === undefined) {
          throw new OrcError({
            code: 'bad_input',
            message: `${name} has no usual model and its server names none`,
            hint: `Name one, for example ${name}/MODEL.`,
          })
        }
        return { profile: { ...profileOf(vendor, model), provider: name }, why: '' }
      }
      const { profile: standard, why } = await chooseDefault()
      if (standard.provider === 'embedded') {
        const hint = `Known profiles: ${[...profiles.profiles.keys()].slice(0, 8).join(', ') || 'none'}. Or name PROVIDER/MODEL, or set a key.`
        throw new OrcError({ code: 'not_found', message: `there is no model or profile ${name}`, hint })
      }
      return { profile: { ...standard, name: '', model: name }, why }
    },
    isFree: (name) => vendorOf(name)?.local ?? false,
    cards: createModelCards({ config, profiles, vendorOf }),
    account: ({ provider: name, base_url: own }) => {
      const vendor = vendorOf(name)
      if (!vendor) return undefined
      const key_name = setKey(vendor, name)
      const base_url = own ?? baseUrlOf(vendor, name) ?? vendor.base_url
      return {
        vendor: vendor.name,
        ...(key_name === undefined ? {} : { key_name }),
        ...(base_url === undefined ? {} : { base_url }),
      }
    },
    describeProviders: async ({ offline = false } = {}) => {
      const names = [...VENDORS.map((vendor) => vendor.name), ...Object.keys(config.settings.providers ?? {})]
      return Promise.all([...new Set(names)].map((name) => describeProvider(name, offline)))
    },
  }

  async function describeProvider(name: string, offline: boolean): Promise<ProviderState> {
    const vendor = vendorOf(name)
    if (!vendor) return { provider: name, available: false, reason: 'its type is not known' }
    if (vendor.name === 'embedded')
      return {
        provider: name,
        available: true,
        reason: 'always there; extractive, not a language model',
        models: ['extractive'],
      }
    if (vendor.name === 'scripted')
      return { provider: name, available: true, reason: 'answers from a script, for tests and rehearsals' }
    if (vendor.key_required) {
      const key = setKey(vendor, name)
      const withheld = key === undefined && knownKey(vendor, name)
      if (withheld) {
        const reason = `${withheld} is not given to the address that the project names; ${OWN_ADDRESS}`
        return { provider: name, available: false, reason }
      }
      return key === undefined
        ? { provider: name, available: false, reason: `no key: set ${keyNames(vendor, name).join(' or ')}` }
        : { provider: name, available: true, reason: `a key is set (${key})` }
    }
    if (baseUrlOf(vendor, name) === undefined && vendor.base_url === undefined) {
      return { provider: name, available: false, reason: 'no address: give a profile its base_url' }
    }
    if (offline) return { provider: name, available: true, reason: 'its server was not asked' }
    const models = await probe(name)
    return models
      ? { provider: name, available: true, reason: 'its server answers', models }
      : { provider: name, available: false, reason: 'no server answers at its address' }
  }
}

function profileOf(vendor: Vendor, model: string): ModelProfile {
  return { name: 'default', provider: vendor.name, model }
}

function describe(profile: ModelProfile): string {
  return `${profile.provider}/${profile.model}`
}

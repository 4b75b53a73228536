import { OrcError, type Problem } from '../events/errors.ts'
import { suggest } from '../graph/nearest.ts'
import type { ModelProfile } from '../graph/profile.ts'
import { findVendor } from '../providers/vendors.ts'
import type { App } from './app.ts'

/**
 * What a model of a chain or workflow stands for: a model profile or provider of `models.yaml`, PROVIDER/MODEL, a provider, PROVIDER-PART
 * with a part that one listed model of the provider has in its name, or a listed model alone.
 */
export async function findChainModel(app: App, name: string): Promise<ModelProfile | Problem> {
  const { profiles, broken } = app.profiles
  const profile = profiles.get(name)
  if (profile) return profile
  const [problem] = broken.get(name) ?? []
  if (problem) return problem
  const slash = name.indexOf('/')
  if (isProvider(app, slash > 0 ? name.slice(0, slash) : name)) return askModels(app, name)
  const listed = listListed(app)
  const alone = listed.filter(({ model }) => model === name)
  if (alone.length === 1 && alone[0]) return alone[0]
  return findByPart(app, name, listed) ?? describeUnknown(app, name)
}

/** Profiles called `PROVIDER/MODEL`, as `models.yaml` makes them. */
function listListed(app: App): readonly ModelProfile[] {
  return [...app.profiles.profiles.values()].filter(({ name, provider, model }) => name === `${provider}/${model}`)
}

function isProvider(app: App, name: string): boolean {
  return app.config.settings.providers?.[name]?.type !== undefined || findVendor(name) !== undefined
}

async function askModels(app: App, name: string): Promise<ModelProfile | Problem> {
  try {
    return (await app.models.findModel(name)).profile
  } catch (error) {
    if (error instanceof OrcError && error.problems[0]) return error.problems[0]
    throw error
  }
}

/** `anthropic-haiku` is the one model of anthropic with "haiku" in its name; the longest provider name that fits counts. */
function findByPart(app: App, name: string, listed: readonly ModelProfile[]): ModelProfile | Problem | undefined {
  for (let dash = name.lastIndexOf('-'); dash > 0; dash = name.lastIndexOf('-', dash - 1)) {
    const provider = name.slice(0, dash)
    const part = name.slice(dash + 1)
    if (!isProvider(app, provider) && !listed.some((profile) => profile.provider === provider)) continue
    const own = listed.filter((profile) => profile.provider === provider)
    const found = own.filter(({ model }) => model.toLowerCase().includes(part.toLowerCase()))
    const usual = app.profiles.profiles.get(provider)?.model
    const only = found.length === 1 ? found[0] : found.find(({ model }) => model === usual)
    if (only) return only
    const message =
      found.length === 0
        ? `${provider} lists no model with "${part}" in its name`
        : `"${part}" fits several models of ${provider}: ${found.map(({ model }) => model).join(', ')}`
    const hint = `List the model under ${provider} in models.yaml, or write ${provider}/MODEL.`
    return { code: 'profile_missing', message, hint }
  }
  return undefined
}

function describeUnknown(app: App, name: string): Problem {
  const known = [...app.profiles.profiles.keys()]
  const hint = 'Name a model profile, a provider such as gemini or ollama, or PROVIDER/MODEL.'
  return { code: 'profile_missing', message: `there is no model "${name}"`, hint: suggest(name, known).hint ?? hint }
}

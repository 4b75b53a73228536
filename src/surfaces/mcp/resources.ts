import { join } from 'node:path'
import type { ReadResourceResult, Resource, ResourceTemplateType } from '@modelcontextprotocol/server'
import { readPlainFile } from '../../app/artifact-folders.ts'
import { type Artifact, summarizeArtifact } from '../../app/artifact-reader.ts'
import { findNamedEnsemble } from '../../app/named-ensemble.ts'
import { OrcError } from '../../events/errors.ts'
import { listEnsembles, tellEnsemble } from './ensemble-tools.ts'
import { type McpMeans, perform } from './means.ts'

const ENSEMBLES_URI = 'llm-orc://ensembles'
/** Executions that are listed at once, the newest. */
const MOST = 500

const JSON_TYPE = 'application/json'

export const RESOURCES: readonly Resource[] = [
  { uri: ENSEMBLES_URI, name: 'ensembles', description: 'The ensembles that can be run.', mimeType: JSON_TYPE },
  { uri: 'llm-orc://profiles', name: 'profiles', description: 'The model profiles.', mimeType: JSON_TYPE },
]

export const TEMPLATES: readonly ResourceTemplateType[] = [
  {
    uriTemplate: 'llm-orc://ensemble/{name}',
    name: 'ensemble',
    description: 'One ensemble: its agents and what they wait for.',
    mimeType: JSON_TYPE,
  },
  {
    uriTemplate: 'llm-orc://artifacts/{ensemble}',
    name: 'artifacts',
    description: 'The executions of an ensemble.',
    mimeType: JSON_TYPE,
  },
  {
    uriTemplate: 'llm-orc://artifact/{ensemble}/{id}',
    name: 'artifact',
    description: 'One execution, as it is stored.',
    mimeType: JSON_TYPE,
  },
  {
    uriTemplate: 'llm-orc://metrics/{ensemble}',
    name: 'metrics',
    description: 'How the executions of an ensemble went.',
    mimeType: JSON_TYPE,
  },
]

interface ShownArtifact {
  readonly folder: string
  readonly artifact: Artifact
}

/** Undefined when there is no such resource. */
export async function readResource(means: McpMeans, uri: string): Promise<ReadResourceResult | undefined> {
  const place = readUri(uri)
  if (!place) return undefined
  try {
    const found = await readPlace(means, place)
    if (found === undefined) return undefined
    const text = means.app.redact(typeof found === 'string' ? found : JSON.stringify(found, null, 2))
    return { contents: [{ uri, mimeType: JSON_TYPE, text }] }
  } catch (error) {
    if (error instanceof OrcError && ['not_found', 'name_refused', 'artifact_refused'].includes(error.code))
      return undefined
    throw error
  }
}

/** The words of an address; each was one of the template, so that an escaped slash is a part of its word. */
function readUri(uri: string): readonly string[] | undefined {
  const words = /^llm-orc:\/\/([^?#]+)$/.exec(uri)?.[1]?.split('/')
  try {
    return words?.map(decodeURIComponent)
  } catch {
    return undefined
  }
}

/** What stands at the words of an address, as data or as the JSON that is stored. Undefined when that is no place; throws OrcError. */
export async function readPlace(means: McpMeans, [kind, ...names]: readonly string[]): Promise<unknown> {
  const whole = names.join('/')
  if (kind === 'ensembles' && names.length === 0) return readEnsembles(means)
  if (kind === 'profiles' && names.length === 0) {
    type Listed = { readonly profiles: readonly { name: string; provider: string; model: string }[] }
    const { profiles } = await perform<Listed>(means, 'profiles list', {})
    return profiles.map(({ name, provider, model }) => ({ name, provider, model }))
  }
  if (whole === '') return undefined
  if (kind === 'ensemble') return readEnsemble(means, whole)
  if (kind === 'artifacts') return readArtifacts(means, whole)
  if (kind === 'metrics') return perform(means, 'ensembles metrics', { input: { name: whole } })
  if (kind !== 'artifact' || names.length < 2) return undefined
  const input = { ensemble: names.slice(0, -1).join('/'), execution: names.at(-1) }
  const { folder } = await perform<ShownArtifact>(means, 'artifacts show', { input })
  return readPlainFile(join(folder, 'execution.json'))
}

async function readEnsembles(means: McpMeans) {
  return (await listEnsembles(means)).map(tellEnsemble)
}

async function readEnsemble(means: McpMeans, name: string) {
  const found = await findNamedEnsemble(means.app, name)
  type Agent = {
    readonly name: string
    readonly depends_on: readonly string[]
    readonly model?: string
    readonly script?: string
  }
  const shown = await perform<{ name: string; description: string; agents: readonly Agent[] }>(
    means,
    'ensembles show',
    {
      input: { name: found.name },
    },
  )
  type State = { readonly name: string; readonly profile: string }
  const { agents: states } = await perform<{ readonly agents: readonly State[] }>(means, 'ensembles runnable', {
    input: { name: found.name },
  })
  return {
    name: shown.name,
    description: shown.description,
    agents: shown.agents.map(({ name: agent, depends_on, model, script }) => ({
      name: agent,
      model_profile: states.find((state) => state.name === agent)?.profile || null,
      ...(model === undefined ? {} : { model }),
      ...(script === undefined ? {} : { script }),
      depends_on,
    })),
  }
}

async function readArtifacts(means: McpMeans, ensemble: string) {
  type Listed = { readonly artifacts: readonly { readonly ensemble: string; readonly id: string }[] }
  const { artifacts } = await perform<Listed>(means, 'artifacts list', { input: { ensemble } })
  const rows = artifacts.slice(0, MOST).map(async ({ id }) => {
    try {
      const { artifact } = await perform<ShownArtifact>(means, 'artifacts show', { input: { ensemble, execution: id } })
      const { timestamp, status, duration_ms, agent_count } = summarizeArtifact(artifact)
      return { id, timestamp, status, duration: duration_ms === null ? null : duration_ms / 1000, agent_count }
    } catch (error) {
      if (!(error instanceof OrcError)) throw error
      return { id, timestamp: null, status: 'unreadable', duration: null, agent_count: 0 }
    }
  })
  return Promise.all(rows)
}

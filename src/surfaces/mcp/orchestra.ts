import { findNamedEnsemble } from '../../app/named-ensemble.ts'
import { listEnsembles, makeEnsembleTools } from './ensemble-tools.ts'
import type { McpMeans } from './means.ts'
import { describeTool, type Offer, type OfferedTool } from './offer.ts'
import { completeArgument, getPrompt, listPrompts } from './prompts.ts'
import { RESOURCES, readResource, TEMPLATES } from './resources.ts'
import { makeTools } from './tools.ts'
import { MCP_WORDING } from './wording.ts'

const INSTRUCTIONS =
  'Runs ensembles of models and scripts. list_ensembles says what there is, invoke runs one; each ensemble is a tool of its own as well. get_help explains the rest.'

/** Everything this program offers over MCP, as the user's files are at the moment. */
export function createOffer(means: McpMeans): Offer {
  const { app } = means
  const tools = means.only === undefined ? makeTools(means) : []
  const named = new Map(tools.map((tool) => [tool.name, tool]))
  const listAll = async (): Promise<readonly OfferedTool[]> => {
    await app.refresh()
    const ensembles = await listEnsembles(means)
    const wanted = means.only === undefined ? ensembles : await findOnly(means, ensembles)
    return [...tools, ...makeEnsembleTools(means, wanted)]
  }
  return {
    instructions: means.only === undefined ? INSTRUCTIONS : `Runs the ensemble ${means.only}.`,
    ...(means.only === undefined ? { wording: MCP_WORDING } : {}),
    listTools: async () => (await listAll()).map(describeTool),
    findTool: async (name) => {
      await app.refresh()
      return named.get(name) ?? (await listAll()).find((tool) => tool.name === name)
    },
    listResources: async () => (means.only === undefined ? RESOURCES : []),
    listTemplates: async () => (means.only === undefined ? TEMPLATES : []),
    readResource: async (uri) => {
      await app.refresh()
      return means.only === undefined ? readResource(means, uri) : undefined
    },
    listPrompts: async () => {
      await app.refresh()
      return means.only === undefined ? listPrompts(means) : []
    },
    getPrompt: async (name, given) => (means.only === undefined ? getPrompt(means, name, given) : undefined),
    complete: async (wish) => (means.only === undefined ? completeArgument(means, wish) : []),
  }
}

async function findOnly(means: McpMeans, ensembles: Awaited<ReturnType<typeof listEnsembles>>) {
  const { file } = await findNamedEnsemble(means.app, means.only ?? '')
  return ensembles.filter((ensemble) => ensemble.file === file)
}

import type { Config } from '../config/config.ts'
import { type FillMeans, fillVariables, readMcpServers } from '../config/mcp-servers.ts'
import { findHeaderSecrets, findSecrets } from '../trust/redaction.ts'
import type { App } from './app.ts'

/** What the settings of MCP servers give away to them: secret variables of their environment, keys in headers and addresses. */
export async function findMcpSecrets(
  config: Config,
  env: Pick<App, 'env'>['env'],
): Promise<ReadonlyMap<string, string>> {
  const { servers } = await readMcpServers(config)
  const secrets = servers.flatMap(({ name: server, words, folder }) => {
    const means: FillMeans = { variable: (each) => env.values.get(each), folder, home: env.values.get('HOME') }
    const fill = (map: { readonly [key: string]: string } = {}) =>
      Object.entries(map).map(([key, text]) => [key, fillVariables(text, means).text] as const)
    const found = [
      ...findSecrets([...fill(words.env), ...fill({ url: words.url ?? '' })]),
      ...findHeaderSecrets(fill(words.headers)),
    ]
    return found.map(([name, value]) => [`${server} ${name}`, value] as const)
  })
  return new Map(secrets)
}

import { RIGHTS } from '../../app/principal.ts'
import type { CallerMeans, FaceContext, FaceRoutes } from './means.ts'

export const METADATA_PATH = '/.well-known/oauth-protected-resource'

/** What a client with tokens has to know, as RFC 9728 has it; the address below it, like `/mcp`, is the resource's own. */
export function addProtectedResource(routes: FaceRoutes): void {
  const answer = (c: FaceContext) => {
    const { app } = c.get('means')
    const { oidc } = app.config.settings.serve ?? {}
    const path = c.req.path.slice(METADATA_PATH.length)
    return c.json({
      resource: `${originOf(c)}${path}`,
      resource_name: 'LLM Orchestrator',
      bearer_methods_supported: ['header'],
      ...(oidc
        ? {
            authorization_servers: [oidc.issuer],
            scopes_supported: Object.keys(oidc.scopes ?? {}).length > 0 ? Object.keys(oidc.scopes ?? {}) : SCOPES,
          }
        : {}),
    })
  }
  routes.get(METADATA_PATH, answer)
  routes.get(`${METADATA_PATH}/mcp`, answer)
}

const SCOPES = RIGHTS.map((right) => `llm-orc:${right}`)

/** As the settings say; what proxies say of it is not believed. */
function originOf(c: FaceContext, app: CallerMeans['app'] = c.get('means').app): string {
  const { public_url } = app.config.settings.serve ?? {}
  return public_url === undefined ? `http://${c.req.header('host') ?? 'localhost'}` : new URL(public_url).origin
}

/** `WWW-Authenticate` for an answer of 401, or of 403 because a token has not the scope. */
export function challenge(c: FaceContext, app: CallerMeans['app'], code: string): string | undefined {
  const error = ERRORS[code]
  if (error === undefined) return undefined
  const { oidc } = app.config.settings.serve ?? {}
  const place = c.req.path === '/mcp' ? `${METADATA_PATH}/mcp` : METADATA_PATH
  return [
    'Bearer realm="llm-orc"',
    ...(error === '' ? [] : [`error="${error}"`]),
    ...(oidc ? [`resource_metadata="${originOf(c, app)}${place}"`] : []),
  ].join(', ')
}

const ERRORS: { readonly [code: string]: string } = {
  credentials_missing: '',
  credentials_refused: 'invalid_token',
  access_denied: 'insufficient_scope',
}

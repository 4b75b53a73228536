import { ERROR_CODES, type ErrorCode, OrcError } from '../../events/errors.ts'
import type { FaceRoutes } from './means.ts'
import { statusOf } from './problem.ts'

/** What `type` of a problem leads to. */
export function addErrorPages(routes: FaceRoutes): void {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[]
  routes.get('/v1/errors', (c) => c.json({ errors: codes.toSorted().map(describeCode) }))
  routes.get('/v1/errors/:code', (c) => {
    const code = c.req.param('code')
    if (!Object.hasOwn(ERROR_CODES, code))
      throw new OrcError({
        code: 'not_found',
        message: `there is no code ${JSON.stringify(code.slice(0, 100))}`,
        hint: 'See them at /v1/errors',
      })
    return c.json(describeCode(code as ErrorCode))
  })
}

function describeCode(code: ErrorCode) {
  return { code, status: statusOf(code), ...ERROR_CODES[code] }
}

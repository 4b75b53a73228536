/** Stands between a test and the server: does every answer do what the OpenAPI document says? */
import { Validator } from '@cfworker/json-schema'
import type { ApiDocument } from './api-document.ts'

interface Answer {
  readonly content?: { readonly [type: string]: { readonly schema?: object } }
}

export interface Conformity {
  readonly violations: readonly string[]
  check(method: string, path: string, response: Response): Promise<void>
}

export function createConformity(document: ApiDocument): Conformity {
  const violations: string[] = []
  const check: Conformity['check'] = async (method, path, response) => {
    const place = new URL(path, 'http://x').pathname
    const say = (what: string) => violations.push(`${method} ${place} ${response.status}: ${what}`)
    const template = Object.keys(document.paths)
      .toSorted((a, b) => a.split('{').length - b.split('{').length)
      .find((each) => fits(each, place))
    const described = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()]
    // What is not described is told so, as a problem.
    const known = (described?.['responses'] ?? (response.status >= 400 ? PROBLEMS : undefined)) as
      | Record<string, Answer>
      | undefined
    if (!known) return void say('is not described')
    const answer =
      known[String(response.status)] ??
      known[`${String(response.status)[0]}XX`] ??
      (response.status >= 400 ? known['default'] : undefined)
    if (!answer) return void say('this status is not described')
    const type = response.headers.get('content-type')?.split(';')[0]
    if (!answer.content)
      return type === null || type === undefined ? undefined : void say(`it has content of type ${type}`)
    const media = answer.content[type ?? '']
    if (!media) return void say(`the type ${type} is not described`)
    if (!media.schema || !type?.includes('json')) return
    const schema = { ...media.schema, components: document['components'] }
    const { valid, errors } = new Validator(structuredClone(schema), '2020-12', false).validate(
      await response.clone().json(),
    )
    if (!valid) say(errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`).join('; '))
  }
  return { violations, check }
}

const PROBLEMS = {
  default: { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
}

function fits(template: string, path: string): boolean {
  const parts = template.split('/')
  const words = path.split('/')
  return parts.length === words.length && parts.every((part, index) => part.startsWith('{') || part === words[index])
}

import type { Given, Wording } from '../hint.ts'
import type { ApiDocument, Described } from './api-document.ts'
import generated from './openapi.generated.json' with { type: 'json' }

interface Place {
  readonly method: string
  readonly path: string
  readonly fields: ReadonlySet<string>
}

/** Where operations are found, by their names. */
const PLACES: ReadonlyMap<string, Place> = new Map(
  Object.entries((generated as unknown as ApiDocument).paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, described]): (readonly [string, Place])[] => {
      const name = described['x-operation']?.name
      return name === undefined ? [] : [[name, { method, path, fields: fieldsOf(described) }]]
    }),
  ),
)

/** Operations about a terminal that have their like here. */
const ALIKE: { readonly [name: string]: Place } = {
  'runs tail': { method: 'get', path: '/v1/runs/{run}/events', fields: new Set() },
}

/** How hints speak to whoever asks over HTTP: of addresses and fields. */
export const HTTP_WORDING: Wording = {
  operation: (name, input) => {
    const place = PLACES.get(name) ?? ALIKE[name]
    return place ? writePlace(place, input) : `llm-orc ${name} (on the server)`
  },
  field: (name, value) => (value === undefined ? name : `${name}=${value}`),
}

function writePlace({ method, path, fields }: Place, input: Given): string {
  const whole = path.replaceAll(/\{(\w+)\}/g, (hole, key: string) =>
    typeof input[key] === 'string' ? encodeURIComponent(input[key]) : hole,
  )
  const rest = Object.entries(input).filter(([field]) => fields.has(field))
  const line = `${method.toUpperCase()} ${whole}`
  if (rest.length === 0) return line
  if (method === 'post') return `${line} ${JSON.stringify(Object.fromEntries(rest))}`
  return `${line}?${rest.map(([field, value]) => `${field}=${encodeURIComponent(value)}`).join('&')}`
}

/** What stands in the body or the query. */
function fieldsOf({ parameters = [], requestBody }: Described): ReadonlySet<string> {
  const body = requestBody as
    | { readonly content: { readonly [type: string]: { readonly schema: { readonly properties?: object } } } }
    | undefined
  return new Set([
    ...parameters.flatMap((parameter) => (parameter.in === 'query' ? [parameter.name] : [])),
    ...Object.keys(body?.content['application/json']?.schema.properties ?? {}),
  ])
}

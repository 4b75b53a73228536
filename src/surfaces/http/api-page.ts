import type { ApiDocument, Described, Parameter } from './api-document.ts'
import type { FaceRoutes } from './means.ts'

/** The OpenAPI document, as it is and as a page. */
export function addApiPages(routes: FaceRoutes, document: ApiDocument): void {
  const text = JSON.stringify(document)
  const page = writePage(document)
  routes.get('/v1/openapi.json', (c) => c.body(text, 200, { 'content-type': 'application/json' }))
  routes.get('/docs', (c) =>
    c.body(page, 200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    }),
  )
  routes.get('/', (c) => c.redirect('/docs'))
}

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:60rem;margin:2rem auto;padding:0 1rem}
details{border-top:1px solid #8884;padding:.4rem 0}summary{cursor:pointer}code{font:14px ui-monospace,monospace}b{display:inline-block;min-width:4.5rem}
td{padding:.1rem 1rem .1rem 0;vertical-align:top}h2{margin-top:2rem}`

function writePage({ info, paths }: ApiDocument): string {
  const tags = new Map<string, string[]>()
  for (const [path, methods] of Object.entries(paths))
    for (const [method, described] of Object.entries(methods)) {
      const tag = String((described['tags'] as readonly string[] | undefined)?.[0] ?? 'others')
      tags.set(tag, [...(tags.get(tag) ?? []), writeMethod(path, method, described)])
    }
  // What only older programs ask for stands behind what is meant for everybody.
  const parts = [...tags]
    .toSorted(([a], [b]) => Number(a === 'older') - Number(b === 'older'))
    .map(([tag, entries]) => `<h2>${escape(tag)}</h2>${entries.join('')}`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escape(info.title)}</title><style>${STYLE}</style>
<h1>${escape(info.title)} ${escape(info.version)}</h1><p>${escape(info.description)} For programs: <a href="/v1/openapi.json">openapi.json</a>,
<a href="/v1/errors">errors</a>.</p>${parts.join('')}</html>`
}

function writeMethod(path: string, method: string, described: Described): string {
  const { parameters = [], summary } = described
  const rows = [...parameters.map(describeParameter), ...bodyFields(described)].map(
    ({ name, where, description }) =>
      `<tr><td><code>${escape(name)}</code><td>${escape(where)}<td>${escape(description)}</tr>`,
  )
  const table = rows.length > 0 ? `<table>${rows.join('')}</table>` : '<p>It takes nothing.</p>'
  return `<details><summary><b>${method.toUpperCase()}</b> <code>${escape(path)}</code> ${escape(summary)}</summary>${table}</details>`
}

interface Row {
  readonly name: string
  readonly where: string
  readonly description: string
}

function describeParameter({ name, in: where, required, ...rest }: Parameter): Row {
  return { name, where: required ? `${where}, required` : where, description: String(rest['description'] ?? '') }
}

function bodyFields(described: Described): Row[] {
  const body = described['requestBody'] as
    | { readonly content?: { readonly [type: string]: { readonly schema?: BodySchema } } }
    | undefined
  const schema = body?.content?.['application/json']?.schema
  return Object.entries(schema?.properties ?? {}).map(([name, { description = '' }]) => ({
    name,
    where: schema?.required?.includes(name) ? 'body, required' : 'body',
    description,
  }))
}

interface BodySchema {
  readonly properties?: { readonly [field: string]: { readonly description?: string } }
  readonly required?: readonly string[]
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

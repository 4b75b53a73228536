const TYPES = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])
const FORMATS = new Set(['date', 'time', 'date-time', 'duration', 'email', 'uuid', 'ipv4', 'ipv6', 'json-pointer'])

const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isTexts = (value: unknown) => Array.isArray(value) && value.every((key) => typeof key === 'string')

/** Keywords of JSON Schema with a limit of their own, and the form the limit has to have. What can be checked in linear time stands here. */
export const SCHEMA_LIMITS: { readonly [keyword: string]: (value: unknown) => boolean } = {
  type: (value) =>
    [value].flat().length > 0 && [value].flat().every((type) => typeof type === 'string' && TYPES.has(type)),
  enum: (value) => Array.isArray(value) && value.length > 0,
  const: () => true,
  required: isTexts,
  dependentRequired: (value) => isRecord(value) && Object.values(value).every(isTexts),
  minimum: isNumber,
  maximum: isNumber,
  exclusiveMinimum: isNumber,
  exclusiveMaximum: isNumber,
  multipleOf: (value) => isNumber(value) && (value as number) > 0,
  minLength: isCount,
  maxLength: isCount,
  minItems: isCount,
  maxItems: isCount,
  minContains: isCount,
  maxContains: isCount,
  minProperties: isCount,
  maxProperties: isCount,
  uniqueItems: (value) => typeof value === 'boolean',
  format: (value) => typeof value === 'string' && FORMATS.has(value),
}

/** Keywords that hold schemas: one, a list, or a map of them. */
export const SCHEMA_BRANCHES: { readonly [keyword: string]: 'one' | 'list' | 'map' } = {
  properties: 'map',
  dependentSchemas: 'map',
  $defs: 'map',
  definitions: 'map',
  items: 'one',
  additionalItems: 'one',
  additionalProperties: 'one',
  propertyNames: 'one',
  contains: 'one',
  not: 'one',
  if: 'one',
  // biome-ignore lint/suspicious/noThenProperty: the keyword is called so
  then: 'one',
  else: 'one',
  prefixItems: 'list',
  allOf: 'list',
  anyOf: 'list',
  oneOf: 'list',
}

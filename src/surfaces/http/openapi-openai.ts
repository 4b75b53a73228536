import type { Described, Schema } from './api-document.ts'

const string: Schema = { type: 'string' }
const integer: Schema = { type: 'integer' }
const object: Schema = { type: 'object' }

const failed = {
  description: 'What went wrong, in the form of this API.',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/OpenAiError' } } },
}

function describe(
  operationId: string,
  summary: string,
  { schema, ...more }: { readonly schema: string; readonly stream?: true; readonly [field: string]: unknown },
): Described {
  const { stream, ...fields } = more
  const content = {
    'application/json': { schema: { $ref: `#/components/schemas/${schema}` } },
    ...(stream ? { 'text/event-stream': { schema: string } } : {}),
  }
  const headers = stream ? { 'x-llm-orc-run': { schema: string, description: 'The run that answered.' } } : {}
  return {
    operationId,
    summary,
    tags: ['openai'],
    ...fields,
    responses: {
      '200': { description: 'The answer.', content, ...(stream ? { headers } : {}) },
      '4XX': failed,
      '5XX': failed,
    },
  }
}

function body(properties: { readonly [field: string]: Schema }, required: readonly string[]) {
  const schema = { type: 'object', properties, required }
  return { required: true, content: { 'application/json': { schema } } }
}

const model: Schema = { ...string, description: '`ensemble/NAME`, `chain/NAME`, or the name of a profile.' }
const stream: Schema = { type: 'boolean', default: false, description: 'Tell the answer as it is said, as events.' }
const input: Schema = { description: 'A text, or the conversation as a list of items.' }
const messages: Schema = {
  type: 'array',
  items: object,
  description: 'The conversation; its other fields as OpenAI has them.',
}

export const OPENAI_PATHS: { readonly [path: string]: { readonly [method: string]: Described } } = {
  '/v1/models': {
    get: describe('openaiModels', 'Everything that can be asked as a model.', { schema: 'OpenAiModels' }),
  },
  '/v1/models/{model}': {
    get: describe('openaiModel', 'One of them. Its id may hold slashes.', {
      schema: 'OpenAiModel',
      parameters: [{ name: 'model', in: 'path', required: true, schema: string, description: 'Its id.' }],
    }),
  },
  '/v1/chat/completions': {
    post: describe('openaiChat', 'Chat Completions: the next words of a conversation, whole or as a stream.', {
      schema: 'OpenAiCompletion',
      stream: true,
      requestBody: body({ model, messages, stream }, ['model', 'messages']),
    }),
  },
  '/v1/responses': {
    post: describe('openaiResponse', 'The Responses API: text and calls of functions, whole or as a stream.', {
      schema: 'OpenAiResponse',
      stream: true,
      requestBody: body(
        { model, input, instructions: { ...string, description: 'Goes before the conversation.' }, stream },
        ['model', 'input'],
      ),
    }),
  },
  '/v1/embeddings': {
    post: describe('openaiEmbeddings', 'Texts as vectors, by a profile of a model that makes them.', {
      schema: 'OpenAiEmbeddings',
      requestBody: body(
        {
          model,
          input: { description: 'A text, or a list of at most 2048.' },
          dimensions: { ...integer, description: 'How long the vectors are to be, where the model can.' },
          encoding_format: { enum: ['float', 'base64'], description: 'Numbers, or their bytes.' },
        },
        ['model', 'input'],
      ),
    }),
  },
}

const list = (data: string): Schema => ({
  type: 'object',
  properties: {
    object: { const: 'list' },
    data: { type: 'array', items: { $ref: `#/components/schemas/${data}` } },
  },
  required: ['object', 'data'],
})

export const OPENAI_SCHEMAS: { readonly [name: string]: Schema } = {
  OpenAiError: {
    type: 'object',
    properties: {
      error: {
        type: 'object',
        properties: { message: string, type: string, param: { type: ['string', 'null'] }, code: string },
        required: ['message', 'type', 'param', 'code'],
      },
    },
    required: ['error'],
  },
  OpenAiModel: {
    type: 'object',
    properties: {
      id: string,
      object: { const: 'model' },
      created: integer,
      owned_by: string,
      kind: { enum: ['profile', 'ensemble', 'chain'] },
      description: string,
      runnable: { const: false, description: 'There only when it could not answer here and now.' },
      reasons: { type: 'array', items: object, description: 'Why not: status and reason, and whose agent.' },
    },
    required: ['id', 'object', 'created', 'owned_by', 'kind'],
  },
  OpenAiModels: list('OpenAiModel'),
  OpenAiResponse: {
    type: 'object',
    properties: {
      id: string,
      object: { const: 'response' },
      created_at: integer,
      status: { enum: ['completed', 'incomplete'] },
      model: string,
      output: { type: 'array', items: object },
      usage: object,
    },
    required: ['id', 'object', 'created_at', 'status', 'model', 'output', 'usage'],
  },
  OpenAiEmbedding: {
    type: 'object',
    properties: {
      object: { const: 'embedding' },
      index: integer,
      embedding: { anyOf: [string, { type: 'array', items: { type: 'number' } }] },
    },
    required: ['object', 'index', 'embedding'],
  },
  OpenAiEmbeddings: {
    ...list('OpenAiEmbedding'),
    properties: { ...list('OpenAiEmbedding').properties, model: string, usage: object },
  },
  OpenAiCompletion: {
    type: 'object',
    properties: {
      id: string,
      object: { const: 'chat.completion' },
      created: integer,
      model: string,
      system_fingerprint: { ...string, description: 'The run that answered.' },
      choices: { type: 'array', items: object, minItems: 1, maxItems: 1 },
      usage: object,
    },
    required: ['id', 'object', 'created', 'model', 'system_fingerprint', 'choices', 'usage'],
  },
}

import type { Described, Parameter, Schema } from './api-document.ts'

/** The routes that are no operation: streams, batches' streams and pages. */

export const json = (schema: Schema, description = 'What came of it.') => ({
  description,
  content: { 'application/json': { schema } },
})
export const text = (type: string, description: string) => ({
  description,
  content: { [type]: { schema: { type: 'string' } } },
})
const object: Schema = { type: 'object' }
const string: Schema = { type: 'string' }
export const inPath = (name: string, description: string) => ({
  name,
  in: 'path' as const,
  required: true,
  description,
  schema: string,
})
const run = inPath('run', 'The id of the run, its beginning, or `latest`.')
export const name = inPath('name', 'Its name.')
const AFTER = {
  name: 'after',
  in: 'query' as const,
  description: 'Events after this one; 0, which is the default, is the beginning.',
  schema: { type: 'integer', minimum: 0 },
}
const LAST_EVENT_ID = {
  name: 'Last-Event-ID',
  in: 'header' as const,
  description: 'Sent by an EventSource that comes back; it wins over `after`.',
  schema: string,
}
/** On every address that waits for a run, or reads one. */
export const ON_DISCONNECT: Parameter = {
  name: 'on_disconnect',
  in: 'query',
  description:
    'What becomes of the run when this line breaks before it has ended: `detach`, it goes on; `cancel`, it is cancelled, which needs the right `run`.',
  schema: { type: 'string', enum: ['detach', 'cancel'], default: 'detach' },
}
const HEALTH: Schema = {
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['ok', 'degraded'] },
    version: string,
    problems: { type: 'array', items: { $ref: '#/components/schemas/Fault' } },
  },
  required: ['status', 'version'],
}

export const FIXED_PATHS: { readonly [path: string]: { readonly [method: string]: Described } } = {
  '/health': {
    get: {
      operationId: 'health',
      summary: 'Is the server there, and are its files in order?',
      tags: ['server'],
      responses: { '200': json(HEALTH) },
    },
  },
  '/.well-known/oauth-protected-resource': {
    get: {
      operationId: 'protected-resource',
      summary: 'Whose tokens are taken, as RFC 9728 has it.',
      tags: ['server'],
      security: [],
      responses: { '200': json(object) },
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics',
      summary: 'Counters for Prometheus.',
      tags: ['server'],
      responses: { '200': text('text/plain', 'The text format.') },
    },
  },
  '/docs': {
    get: {
      operationId: 'docs',
      summary: 'This document as a page.',
      tags: ['server'],
      responses: { '200': text('text/html', 'A page.') },
    },
  },
  '/v1/openapi.json': {
    get: { operationId: 'openapi', summary: 'This document.', tags: ['server'], responses: { '200': json(object) } },
  },
  '/v1/errors': {
    get: {
      operationId: 'errors',
      summary: 'Every code of an error, its status and what it means.',
      tags: ['server'],
      responses: {
        '200': json({
          type: 'object',
          properties: { errors: { type: 'array', items: { $ref: '#/components/schemas/ErrorCode' } } },
          required: ['errors'],
        }),
      },
    },
  },
  '/v1/errors/{code}': {
    get: {
      operationId: 'error',
      summary: 'One code.',
      tags: ['server'],
      parameters: [inPath('code', 'The code.')],
      responses: { '200': json({ $ref: '#/components/schemas/ErrorCode' }) },
    },
  },
  '/v1/runs/{run}/events': {
    get: {
      operationId: 'runEvents',
      summary: 'The events of a run as they are committed: a stream, or with `Accept: application/json` a page.',
      tags: ['runs'],
      parameters: [run, AFTER, LAST_EVENT_ID, ON_DISCONNECT],
      responses: {
        '200': {
          description:
            '`id` is the number of the event, `event` its type, `data` the event. Live text comes as `delta` without an id.',
          content: {
            'text/event-stream': { schema: string },
            'application/json': { schema: { $ref: '#/components/schemas/EventPage' } },
          },
        },
        '204': { description: 'The run has ended and all of it was seen: an EventSource stops asking.' },
      },
    },
  },
  '/v1/runs/{run}/ws': {
    get: {
      operationId: 'runSocket',
      summary: 'The same over a WebSocket, which also takes the words cancel, approve, deny, answer and steer.',
      tags: ['runs'],
      parameters: [run, AFTER, ON_DISCONNECT],
      responses: { '101': { description: 'A WebSocket.' } },
    },
  },
  '/v1/runs/{run}/values/{sha256}': {
    get: {
      operationId: 'runValue',
      summary: 'A content that was too large to stand in its event.',
      tags: ['runs'],
      parameters: [run, inPath('sha256', 'The digest that the event names.')],
      responses: { '200': text('text/plain', 'The content.') },
    },
  },
  '/v1/batches/{batch}/events': {
    get: {
      operationId: 'batchEvents',
      summary: 'What happens in a batch, as a stream: which item became which run, and how it ended.',
      tags: ['batches'],
      parameters: [inPath('batch', 'The id of the batch.'), AFTER, LAST_EVENT_ID],
      responses: {
        '200': text('text/event-stream', 'A stream.'),
        '204': { description: 'The batch has ended and all of it was seen.' },
      },
    },
  },
}

const integer: Schema = { type: 'integer' }

export const FIXED_SCHEMAS: { readonly [name: string]: Schema } = {
  Fault: {
    type: 'object',
    properties: {
      code: string,
      message: string,
      hint: string,
      severity: { type: 'string', enum: ['error', 'warning'] },
      file: string,
      line: integer,
      column: integer,
    },
    required: ['code', 'message'],
  },
  Problem: {
    type: 'object',
    properties: {
      type: { ...string, description: 'Where the code is explained.' },
      title: string,
      status: integer,
      detail: string,
      code: string,
      hint: { ...string, description: 'What to do.' },
      instance: { ...string, description: 'The id of the request.' },
      problems: { type: 'array', items: { $ref: '#/components/schemas/Fault' } },
    },
    required: ['type', 'title', 'status', 'detail', 'code', 'instance', 'problems'],
    additionalProperties: false,
  },
  ErrorCode: {
    type: 'object',
    properties: { code: string, status: integer, exit: integer, summary: string },
    required: ['code', 'status', 'exit', 'summary'],
    additionalProperties: false,
  },
  Event: {
    type: 'object',
    properties: {
      v: integer,
      run: string,
      seq: { type: 'integer', minimum: 1 },
      at: { ...integer, description: 'ms UTC' },
      lamport: integer,
      causes: { type: 'array' },
      actor: string,
      type: string,
      data: object,
      prev: { type: ['string', 'null'] },
      hash: string,
    },
    required: ['run', 'seq', 'at', 'type', 'data', 'hash'],
  },
  EventPage: {
    type: 'object',
    properties: {
      run: string,
      events: { type: 'array', items: { $ref: '#/components/schemas/Event' } },
      next: {
        ...integer,
        description: 'What to give as `after` for the next page; absent when there are no more events now.',
      },
    },
    required: ['run', 'events'],
    additionalProperties: false,
  },
}

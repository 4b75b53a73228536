import { expect, test } from 'vitest'
import type { ModelRequest } from '../events/messages.ts'
import { toChatBody } from './chat-request.ts'
import { toCallOptions } from './sdk-prompt.ts'

const request: ModelRequest = {
  provider: 'p',
  model: 'm',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }],
}

test('a schema of any object is JSON mode, every other one a schema', () => {
  expect(toChatBody({ ...request, response_schema: { type: 'object' } })).toMatchObject({
    response_format: { type: 'json_object' },
  })
  const schema = { type: 'object', properties: { a: { type: 'string' } } }
  expect(toChatBody({ ...request, response_schema: schema })).toMatchObject({
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
  })
})

test.each([
  ['auto', { type: 'auto' }],
  [
    { type: 'tool', toolName: 'look' },
    { type: 'tool', toolName: 'look' },
  ],
  [
    { type: 'function', function: { name: 'look' } },
    { type: 'tool', toolName: 'look' },
  ],
])('a tool is chosen in the words of Chat Completions or of the vendor: %j', (tool_choice, toolChoice) => {
  expect(toCallOptions({ ...request, options: { tool_choice } }, 'openai', {})).toMatchObject({ toolChoice })
})

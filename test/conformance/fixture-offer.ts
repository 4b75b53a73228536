/** What the official suite for servers wants to find, by its names; offered by the server that offers everything else. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  acceptedContent,
  type CallToolResult,
  type GetPromptResult,
  inputRequired,
  inputResponse,
  type ReadResourceResult,
  type ServerContext,
  type Tool,
} from '@modelcontextprotocol/server'
import { OrcError } from '../../src/events/errors.ts'
import type { JsonObject } from '../../src/events/values.ts'
import { type Answer, type Asking, describeTool, type Offer, type OfferedTool } from '../../src/surfaces/mcp/offer.ts'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA='

const say = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] })
const image = { type: 'image' as const, data: PNG, mimeType: 'image/png' }
const form = (message: string, name: string) =>
  inputRequired.elicit({
    mode: 'form',
    message,
    requestedSchema: { type: 'object', properties: { [name]: { type: 'string' } }, required: [name] },
  })
const NAME = form('What is your name?', 'name')
const sample = (text: string, maxTokens: number) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens })

type Act = (ask: Asking, given: JsonObject) => Promise<Answer<CallToolResult>> | Answer<CallToolResult>

const responsesOf = ({ mcp }: Asking) => mcp.mcpReq.inputResponses
const embed = (uri: string, mimeType: string, text: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType, text },
})

/** Asked and answered within the call, in either revision. */
async function elicit(ask: Asking, message: string, requestedSchema: object): Promise<Answer<CallToolResult>> {
  const said = inputResponse(responsesOf(ask), 'form')
  if (said.kind === 'elicit')
    return say(`Elicitation completed: action=${said.action}, content=${JSON.stringify(said.content ?? {})}`)
  return inputRequired({
    inputRequests: { form: inputRequired.elicit({ mode: 'form', message, requestedSchema: requestedSchema as never }) },
  })
}

const titled = ['First', 'Second', 'Third'].map((title, index) => ({
  const: `value${index + 1}`,
  title: `${title} Option`,
}))
const options = ['option1', 'option2', 'option3']

const ACTS: { readonly [name: string]: Act } = {
  test_simple_text: () => say('This is a simple text response for testing.'),
  test_image_content: () => ({ content: [image] }),
  test_audio_content: () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }),
  test_embedded_resource: () => ({
    content: [embed('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
  }),
  test_multiple_content_types: () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      image,
      embed('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ],
  }),
  test_tool_with_logging: async ({ mcp }) => {
    for (const line of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await mcp.mcpReq.log('info', line)
      await sleep(50)
    }
    return say('Logged three times.')
  },
  test_logging_tool: async ({ mcp }) => {
    await mcp.mcpReq.log('info', 'Only for those who asked for it')
    return say('Logged.')
  },
  test_error_handling: () => {
    throw new OrcError({ code: 'bad_input', message: 'This tool intentionally returns an error for testing' })
  },
  test_tool_with_progress: async ({ mcp }) => {
    for (const progress of [0, 50, 100]) {
      await tellProgress(mcp, progress)
      await sleep(50)
    }
    return say('Went on to the end.')
  },
  test_sampling: (ask, { prompt }) => {
    const said = inputResponse(responsesOf(ask), 'sample')
    if (said.kind === 'sampling') return say(`LLM response: ${JSON.stringify(said.result.content)}`)
    return inputRequired({ inputRequests: { sample: sample(String(prompt), 100) } })
  },
  test_missing_capability: () => inputRequired({ inputRequests: { sample: sample('Anything', 10) } }),
  test_elicitation: async (ask, { message }) => {
    const field = (description: string) => ({ type: 'string', description })
    return elicit(ask, String(message), {
      type: 'object',
      properties: { username: field("User's response"), email: field("User's email address") },
      required: ['username', 'email'],
    })
  },
  test_streaming_elicitation: async (ask) => {
    await tellProgress(ask.mcp, 1)
    const name = acceptedContent(responsesOf(ask), 'user_name')
    return name ? say('Thank you.') : inputRequired({ inputRequests: { user_name: NAME } })
  },
  test_elicitation_sep1034_defaults: (ask) =>
    elicit(ask, 'Please check', {
      type: 'object',
      properties: {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      },
    }),
  test_elicitation_sep1330_enums: (ask) =>
    elicit(ask, 'Please choose', {
      type: 'object',
      properties: {
        untitledSingle: { type: 'string', enum: options },
        titledSingle: { type: 'string', oneOf: titled },
        legacyEnum: {
          type: 'string',
          enum: ['opt1', 'opt2', 'opt3'],
          enumNames: ['Option One', 'Option Two', 'Option Three'],
        },
        untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
        titledMulti: { type: 'array', items: { anyOf: titled } },
      },
    }),
  test_input_required_result_elicitation: (ask) => {
    const { name } = acceptedContent<{ name?: unknown }>(responsesOf(ask), 'user_name') ?? {}
    return typeof name === 'string' ? say(`Hello, ${name}!`) : inputRequired({ inputRequests: { user_name: NAME } })
  },
  test_input_required_result_sampling: (ask) => {
    const said = inputResponse(responsesOf(ask), 'capital_question')
    if (said.kind === 'sampling') return say(JSON.stringify(said.result.content))
    return inputRequired({ inputRequests: { capital_question: sample('What is the capital of France?', 100) } })
  },
  test_input_required_result_list_roots: (ask) => {
    const said = inputResponse(responsesOf(ask), 'client_roots')
    if (said.kind === 'roots') return say(said.roots.map(({ uri }) => uri).join(' '))
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
  },
  test_input_required_result_request_state: async (ask) => {
    if (ask.mcp.mcpReq.requestState() !== undefined) return say('state-ok')
    return inputRequired({ inputRequests: { confirm: confirm() }, requestState: await ask.seal({ round: 1 }) })
  },
  test_input_required_result_tampered_state: async (ask) => {
    if (ask.mcp.mcpReq.requestState() !== undefined) return say('The state is whole.')
    return inputRequired({ inputRequests: { confirm: confirm() }, requestState: await ask.seal({ round: 1 }) })
  },
  test_input_required_result_multiple_inputs: async (ask) => {
    const responses = responsesOf(ask)
    const kinds = ['user_name', 'greeting', 'client_roots'].map((key) => inputResponse(responses, key).kind)
    if (!kinds.includes('missing')) return say(`All there: ${kinds.join(', ')}`)
    const inputRequests = {
      user_name: NAME,
      greeting: sample('Generate a greeting', 50),
      client_roots: inputRequired.listRoots(),
    }
    return inputRequired({ inputRequests, requestState: await ask.seal({ round: 1 }) })
  },
  test_input_required_result_multi_round: async (ask) => {
    const { round = 0 } = ask.mcp.mcpReq.requestState<{ round?: number }>() ?? {}
    if (round === 2) return say('Thank you for both.')
    const inputRequests =
      round === 0
        ? { step1: form('Step 1: What is your name?', 'name') }
        : { step2: form('Step 2: What is your favorite color?', 'color') }
    return inputRequired({ inputRequests, requestState: await ask.seal({ round: round + 1 }) })
  },
  test_input_required_result_capabilities: (ask) => {
    const { client } = ask
    const inputRequests = {
      ...(client?.elicitation ? { user_name: NAME } : {}),
      ...(client?.sampling ? { greeting: sample('Generate a greeting', 50) } : {}),
      ...(client?.roots ? { client_roots: inputRequired.listRoots() } : {}),
    }
    return Object.keys(inputRequests).length === 0 ? say('There is nobody to ask.') : inputRequired({ inputRequests })
  },
}

function confirm() {
  const requestedSchema = {
    type: 'object' as const,
    properties: { ok: { type: 'boolean' as const } },
    required: ['ok'],
  }
  return inputRequired.elicit({ mode: 'form', message: 'Please confirm', requestedSchema })
}

async function tellProgress({ mcpReq }: ServerContext, progress: number): Promise<void> {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return
  await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } })
}

const SCHEMAS: { readonly [name: string]: Tool['inputSchema'] } = {
  test_sampling: { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] },
  test_elicitation: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
}

const TOOLS: readonly OfferedTool[] = Object.entries(ACTS).map(([name, act]) => ({
  name,
  description: `What the suite calls ${name}.`,
  inputSchema: SCHEMAS[name] ?? { type: 'object' },
  call: async (given, ask) => act(ask, given),
}))

const user = (content: GetPromptResult['messages'][number]['content']) => ({ role: 'user' as const, content })
const text = (words: string) => ({ type: 'text' as const, text: words })

const PROMPTS: {
  readonly [name: string]: (given: Readonly<Record<string, string>>, ask: Asking) => Answer<GetPromptResult>
} = {
  test_simple_prompt: () => ({ messages: [user(text('This is a simple prompt for testing.'))] }),
  test_prompt_with_arguments: ({ arg1, arg2 }) => ({
    messages: [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
  }),
  test_prompt_with_embedded_resource: ({ resourceUri = '' }) => ({
    messages: [
      user(embed(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
      user(text('Please process the embedded resource above.')),
    ],
  }),
  test_prompt_with_image: () => ({ messages: [user(image), user(text('Please analyze the image above.'))] }),
  test_input_required_result_prompt: (_, ask) => {
    const { context } = acceptedContent<{ context?: string }>(responsesOf(ask), 'user_context') ?? {}
    if (context !== undefined) return { messages: [user(text(`Context: ${context}`))] }
    return inputRequired({ inputRequests: { user_context: form('What context should the prompt use?', 'context') } })
  },
}
const ARGUMENTS: { readonly [name: string]: readonly string[] } = {
  test_prompt_with_arguments: ['arg1', 'arg2'],
  test_prompt_with_embedded_resource: ['resourceUri'],
}

const RESOURCES: { readonly [uri: string]: ReadResourceResult['contents'][number] } = {
  'test://static-text': {
    uri: 'test://static-text',
    mimeType: 'text/plain',
    text: 'This is the content of the static text resource.',
  },
  'test://static-binary': { uri: 'test://static-binary', mimeType: 'image/png', blob: PNG },
  'test://watched-resource': { uri: 'test://watched-resource', mimeType: 'text/plain', text: 'Watched.' },
}

export const FIXTURE_OFFER: Offer = {
  instructions: 'For the suite.',
  listTools: async () => TOOLS.map(describeTool),
  findTool: async (name) => TOOLS.find((tool) => tool.name === name),
  listResources: async () =>
    Object.values(RESOURCES).map(({ uri, mimeType }) => ({
      uri,
      name: uri,
      description: uri,
      mimeType: mimeType ?? '',
    })),
  listTemplates: async () => [
    {
      uriTemplate: 'test://template/{id}/data',
      name: 'template',
      description: 'By its id.',
      mimeType: 'application/json',
    },
  ],
  readResource: async (uri) => {
    const known = RESOURCES[uri]
    if (known) return { contents: [known] }
    const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1]
    if (id === undefined) return undefined
    const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` })
    return { contents: [{ uri, mimeType: 'application/json', text: data }] }
  },
  listPrompts: async () =>
    Object.keys(PROMPTS).map((name) => ({
      name,
      description: `What the suite calls ${name}.`,
      arguments: (ARGUMENTS[name] ?? []).map((each) => ({ name: each, required: true })),
    })),
  getPrompt: async (name, given, ask) => PROMPTS[name]?.(given, ask),
  complete: async ({ typed }) => ['paris', 'park', 'party', 'test'].filter((word) => word.startsWith(typed)),
}

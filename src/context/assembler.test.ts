import { describe, expect, it } from 'vitest'
import { OrcError } from '../events/errors.ts'
import { ContextAssembler, ContextBudget, type ContextMessage } from './assembler.ts'

const user = (content: string): ContextMessage => ({ role: 'user', content })
const told = (content: string): ContextMessage => ({ role: 'assistant', content })
const assembler = new ContextAssembler()

describe('ContextAssembler', () => {
  it('does what the quick start of 000 does', async () => {
    const messages: ContextMessage[] = [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: 'Hello, how are you?' },
    ]
    const context = await assembler.build({
      messages,
      provider_caps: { max_tokens: 4000, max_input_tokens: 4000, max_output_tokens: 1000 },
      budget: new ContextBudget({ max_tokens_in: 1000 }),
    })
    expect(context.messages).toEqual(messages)
    expect(context.manifest).toMatchObject({ limit: 1000 })
    expect(new ContextBudget()).toEqual({
      max_tokens_in: 8000,
      bucket_pct: { recent: 0.35, retrieved: 0.45, directives: 0.2 },
    })
  })

  it('keeps two of three messages where three do not fit', () => {
    const messages = [told('x '.repeat(100)), told('y '.repeat(50)), user('z '.repeat(150))]
    const { messages: kept, manifest } = assembler.build({ messages, budget: { max_tokens_in: 240 } })
    expect(kept).toEqual(messages.slice(1))
    expect(manifest.parts.map(({ fate }) => fate)).toEqual(['dropped', 'kept', 'kept'])
  })

  it('has content of all three buckets, directives first, and nothing twice; a second call gets the same', () => {
    const request = {
      messages: [user('what now?')],
      directives: [
        { role: 'system', content: 'obey' },
        { role: 'system', content: 'obey' },
      ] as const,
      retrieved_context: [told('the sky is blue'), told('the sky is blue')],
    }
    const { messages } = assembler.build(request)
    expect(messages.map(({ content }) => content)).toContain('the sky is blue')
    expect(messages[0]?.content).toBe('obey')
    expect(messages.filter(({ content }) => content === 'the sky is blue')).toHaveLength(1)
    expect(assembler.build(request)).toEqual(assembler.build(request))
  })

  it('shortens one long message', () => {
    const { messages, manifest } = assembler.build({
      messages: [user('summarise')],
      retrieved_context: [told('word '.repeat(1000))],
      budget: { max_tokens_in: 300 },
    })
    expect(String(messages[0]?.content).length).toBeLessThan(2000)
    expect(manifest.parts[0]).toMatchObject({ fate: 'cut', why: 'too_long' })
    expect(manifest.tokens_after).toBeLessThanOrEqual(300)
  })

  it('keeps below what the provider takes, the answer left out', () => {
    const caps = { max_tokens: 500, max_output_tokens: 300, max_input_tokens: 450 }
    const { manifest } = assembler.build({ messages: [told('word '.repeat(500)), user('go')], provider_caps: caps })
    expect(manifest.limit).toBe(200)
    expect(manifest.tokens_after).toBeLessThanOrEqual(200)
  })

  it('refuses when directives and the last message alone are too long', () => {
    const build = () => assembler.build({ messages: [user('word '.repeat(500))], budget: { max_tokens_in: 100 } })
    expect(build).toThrow(OrcError)
    expect(build).toThrow(/the largest: recent 1 \(\d+\)/)
  })
})

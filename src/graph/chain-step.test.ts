import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChainStep, printChainStep } from './chain-step.ts'

const fault = (text: string) => {
  const read = parseChainStep(text)
  return read.ok ? read.step : `${read.fault.column} ${read.fault.part}: ${read.fault.message}`
}

const wordChars = [...'abcXYZ019_', 'é', 'ß', '語']
const word = fc.string({ unit: fc.constantFrom(...wordChars), minLength: 1, maxLength: 12 })
const model = fc.string({ unit: fc.constantFrom(...'abcXYZ019_.:/-'), minLength: 1, maxLength: 30 })

describe('a step of a chain', () => {
  it('is read as role, persona and model', () => {
    expect(fault('GenerateCode>/Developer)-gemini')).toEqual({
      role: 'GenerateCode',
      persona: 'Developer',
      model: 'gemini',
    })
    expect(fault(' Critique>/Tester)-anthropic-haiku\n')).toEqual({
      role: 'Critique',
      persona: 'Tester',
      model: 'anthropic-haiku',
    })
    expect(fault('Plan>/Default)-ollama/llama3.2:3b_q4')).toMatchObject({ model: 'ollama/llama3.2:3b_q4' })
    expect(fault('Plan>/Default)-a)-b')).toBe('17 model: the model "a)-b" cannot hold ")"')
  })

  it.each([
    ['', '1 step: the step is empty'],
    ['   ', '4 step: the step is empty'],
    ['Critique', '9 role: ">/" is missing after the role "Critique"'],
    ['Critique/Tester)-gemini', '9 role: ">/" is missing after the role "Critique"'],
    ['>/Tester)-gemini', '1 role: the role is missing'],
    ['Code Review>/Tester)-gemini', '5 role: the role "Code Review" cannot hold " "'],
    ['Critique>/)-gemini', '11 persona: the persona is missing'],
    ['Critique>/Tester', '17 persona: ")-" is missing after the persona "Tester"'],
    ['Critique>/Tester-gemini', '17 persona: ")-" is missing after the persona "Tester"'],
    ['  Critique>/Te-ster)-gemini', '15 persona: the persona "Te-ster" cannot hold "-"'],
    ['Critique>/Tester)-', '19 model: the model is missing'],
    ['Critique>/Tester)-gem ini', '22 model: the model "gem ini" cannot hold " "'],
    ['Critique>/Tester)-gemini;rm -rf /', '25 model: the model "gemini;rm -rf /" cannot hold ";"'],
    ['Critique>/Tester)-{{x}}', '19 model: the model "{{x}}" cannot hold "{"'],
  ])('%j says which part is wrong, and where', (text, said) => {
    expect(fault(text)).toBe(said)
  })

  it('every step that can be written is read back as it was', () => {
    fc.assert(
      fc.property(word, word, model, (role, persona, name) => {
        const step = { role, persona, model: name }
        expect(parseChainStep(printChainStep(step))).toEqual({ ok: true, step })
      }),
    )
  })

  it('any text is read or refused with a column inside it; a refusal holds nothing that a terminal obeys', () => {
    const pieces = fc.constantFrom(
      '>/',
      ')-',
      '>',
      '/',
      ')',
      '-',
      'Role',
      ' ',
      '\n',
      '\u001b[31m',
      '\u202e',
      '\0',
      '\ud800',
      '{{',
      '💥',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 60 }),
          fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const read = parseChainStep(text)
          if (read.ok) return expect(printChainStep(read.step)).toBe(text.trim())
          expect(read.fault.column).toBeGreaterThanOrEqual(1)
          expect(read.fault.column).toBeLessThanOrEqual(text.length + 1)
          expect(read.fault.message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
          expect(read.fault.message.isWellFormed()).toBe(true)
          return undefined
        },
      ),
    )
  })

  it('a hundred thousand characters are refused at once', () => {
    expect(fault(`${'a'.repeat(100_000)}>/b)-c`)).toMatch(/^501 step: the step is longer than 500/)
    expect(fault('>/'.repeat(100_000))).toMatch(/longer than 500/)
  })
})

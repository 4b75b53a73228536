import { describe, expect, it } from 'vitest'
import { Dialogue } from './dialogue.ts'

function converse(...chunks: string[]) {
  const shown: string[] = []
  const dialogue = new Dialogue((text) => shown.push(text))
  for (const chunk of chunks) dialogue.take(chunk)
  return { shown, result: dialogue.result() }
}

describe('Dialogue', () => {
  it('shows requests and keeps the last line of JSON', () => {
    const request = '{"type": "user_input_request", "prompt": "Name?"}\n'
    expect(
      converse(request.slice(0, 9), request.slice(9), 'hello\n', '{"a": 1}\n', '{"success": true}\n', 'bye\n'),
    ).toEqual({
      shown: ['Name? '],
      result: '{"success": true}\n',
    })
  })

  it('shows the open line a script waits at', () => {
    expect(converse('Name? ', 'Age? ', '{"n": 1}\n')).toEqual({ shown: ['Name? ', 'Age? '], result: '{"n": 1}\n' })
  })

  it('leaves output without questions alone, however it is cut', () => {
    expect(converse('{"a":\n', ' 1', '}\n')).toMatchObject({ result: '{"a":\n 1}\n' })
    expect(converse('{"a"', ': 1}')).toEqual({ shown: [], result: '{"a": 1}' })
  })

  it('takes text when no line is JSON', () => {
    expect(converse('{"type":"user_input_request"}\n', 'done\n')).toEqual({ shown: ['> '], result: 'done\n' })
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { rewordHint } from './hint.ts'
import { HTTP_WORDING } from './http/wording.ts'
import { MCP_WORDING } from './mcp/wording.ts'

const http = (hint: string) => rewordHint(hint, HTTP_WORDING)
const mcp = (hint: string) => rewordHint(hint, MCP_WORDING)

describe('hints in the words of another face', () => {
  test.each([
    ['See them with: llm-orc runs list --all', 'See them with: GET /v1/runs?all=true'],
    ['Look at it with: llm-orc runs show 1-a.', 'Look at it with: GET /v1/runs/1-a.'],
    ['Watch it with: llm-orc runs tail 1-a', 'Watch it with: GET /v1/runs/1-a/events'],
    [
      "llm-orc runs resolve 1-a 'pay/tool:x' done --answer '…'",
      'POST /v1/runs/1-a/resolve {"step":"pay/tool:x","outcome":"done","answer":"…"}',
    ],
    [
      'Go on: llm-orc runs resume 1-a --accept-changed. Or start a new run.',
      'Go on: POST /v1/runs/1-a/resume {"accept_changed":true}. Or start a new run.',
    ],
    [
      'llm-orc approvals give 1-a deploy (or: approvals deny)',
      'POST /v1/approvals/1-a/deploy/give (or: approvals deny)',
    ],
    ['Make one with `llm-orc init`, or name one.', 'Make one with llm-orc init (on the server), or name one.'],
    [
      'llm-orc run document-brief < notes.md, or: llm-orc run -p "Why?"',
      'POST /v1/runs {"target":"document-brief","input":"…"}, or: POST /v1/runs {"prompt":"Why?"}',
    ],
    ['Add --confirm to do it.', 'Add confirm=true to do it.'],
    ['Try again; look for a hanging llm-orc process.', 'Try again; look for a hanging llm-orc process.'],
    [
      'Keys that are known: llm-orc keys list, on the server.',
      'Keys that are known: llm-orc keys list, on the server.',
    ],
  ])('over HTTP: %s', (hint, said) => expect(http(hint)).toBe(said))

  test.each([
    ['`llm-orc ensembles list` shows all of them.', 'the tool list_ensembles shows all of them.'],
    ['Change it with: llm-orc profiles update', 'Change it with: the tool update_profile'],
    ['Watch it with: llm-orc runs tail 1-a', 'Watch it with: llm-orc runs tail 1-a (at a terminal)'],
    [
      'Go on: llm-orc runs resume 1-a --accept-changed. Or start a new run.',
      'Go on: llm-orc runs resume 1-a --accept-changed (at a terminal). Or start a new run.',
    ],
    [
      "Write `llm-orc runs resolve 1-a 'pay/tool:x' done --answer '…'` (or deny it)",
      "Write llm-orc runs resolve 1-a 'pay/tool:x' done --answer '…' (at a terminal) (or deny it)",
    ],
    ['Add --confirm to do it.', 'Add confirm: true to do it.'],
  ])('over MCP: %s', (hint, said) => expect(mcp(hint)).toBe(said))

  test('every command that a hint of the program names is one that faces can reword', () => {
    const root = join(import.meta.dirname, '..')
    const files = ['app', 'config', 'engine', 'events', 'graph', 'journal', 'sandbox', 'steps', 'tools'].flatMap(
      (room) =>
        readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((file) => join(root, room, file)),
    )
    const lines = files
      .filter((file) => file.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(file))
      .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    const hints = lines.flatMap((line) =>
      /^\s*(?:\*|\/\/)|summary:|describe\(/.test(line)
        ? []
        : [...line.matchAll(/[:'"`(] ?`?llm-orc [a-z].*$/g)].map(String),
    )
    expect(hints.length).toBeGreaterThan(40)
    expect(
      hints
        .filter((hint) => !hint.includes('on the server'))
        .filter((hint) =>
          /llm-orc (?!process)[a-z]/.test(http(hint).replaceAll(/llm-orc [a-z ]+\(on the server\)/g, '')),
        ),
    ).toEqual([])
  })
})

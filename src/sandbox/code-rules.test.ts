import { describe, expect, it } from 'vitest'
import { scanCode } from './code-rules.ts'
import type { CodeLanguage } from './syntax.ts'

async function rulesBroken(language: CodeLanguage, text: string): Promise<string[]> {
  const { findings } = await scanCode({ language, text })
  return findings.map(({ rule, wish }) => `${wish}: ${rule}`)
}

describe('code rules', () => {
  it.each<[CodeLanguage, string]>([
    [
      'python',
      'import json, math as m\nfrom datetime import date\nif __name__ == "__main__":\n    print(json.dumps({"a": m.pi}))\n',
    ],
    ['javascript', 'import { join } from "node:path"\nexport const run = (a) => ({ text: join("x", String(a)) })\n'],
    ['typescript', 'const f = (a: number): number => a + 1\nconsole.log(f(2))\n'],
    ['bash', 'for f in *.txt; do wc -l "$f"; done | sort | head -3\n'],
  ])('%s that only computes is clean', async (language, text) => {
    expect(await scanCode({ language, text })).toEqual({ status: 'clean', findings: [] })
  })

  it.each([
    ['import os', 'files: import of os'],
    ['from subprocess import run', 'processes: import of subprocess'],
    ['import json, requests as r', 'network: import of requests'],
    ['from . import x', 'code: import of .'],
    ['x = eval("1")', 'code: eval'],
    ['@eval\ndef f(): pass', 'code: eval'],
    ['[exec][0]("x")', 'code: exec'],
    ['\uff45val("1")', 'code: eval'],
    ['().__class__', 'code: __class__'],
    ['"{0.__class__}".format(x)', 'code: __class__'],
    ['open("x")', 'files: open'],
    ['# -*- coding: utf-7 -*-', 'syntax: coding line'],
    ['def f(:', 'syntax: syntax'],
  ])('python: %s', async (text, rule) => {
    expect(await rulesBroken('python', text)).toContain(rule)
  })

  it.each([
    ['import fs from "node:fs"', 'files: import of node:fs'],
    ['await import("node:" + "fs")', 'code: import of what is known only while it runs'],
    ['require("net")', 'code: require'],
    ['eval`1`', 'code: eval'],
    ['new Function("1")', 'code: Function'],
    ['[]["constructor"]', 'code: constructor'],
    ['const { constructor: c } = []', 'code: constructor'],
    ['\\u0070rocess.env', 'processes: process'],
    ['fetch("x")', 'network: fetch'],
    ['let = =', 'syntax: syntax'],
  ])('javascript: %s', async (text, rule) => {
    expect(await rulesBroken('javascript', text)).toContain(rule)
  })

  it.each([
    ['curl example.test', 'network: curl'],
    ['/usr/bin/wget x', 'network: wget'],
    ['echo x > /dev/tcp/1.2.3.4/80', 'network: network by redirection'],
    ['eval "$x"', 'code: eval'],
    ['c=cu; d=rl; $c$d x', 'code: a command whose name is made while it runs'],
    ['cu\\rl x', 'code: a command whose name is made while it runs'],
    ['cat <(ls)', 'processes: process substitution'],
  ])('bash: %s', async (text, rule) => {
    expect(await rulesBroken('bash', text)).toContain(rule)
  })

  it('says where', async () => {
    const { findings } = await scanCode({ language: 'python', text: 'x = 1\ny = eval("2")\n' })
    expect(findings).toMatchObject([{ line: 2, column: 5, text: 'eval' }])
    const script = await scanCode({ language: 'javascript', text: 'let x = 1\nlet y = eval("2")\n' })
    expect(script.findings).toMatchObject([{ line: 2, column: 9 }])
  })

  it('rules are no wall: what is put together while it runs passes', async () => {
    expect(await rulesBroken('python', 'json.codecs.builtins.exec')).toEqual(['code: exec'])
    expect(await rulesBroken('python', 'import json\njson.codecs.builtins')).toEqual([])
    expect(await rulesBroken('javascript', '[]["con" + "structor"]')).toEqual([])
  })
})

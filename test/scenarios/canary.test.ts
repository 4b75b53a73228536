/** I18, S22: secrets planted where people keep them, and a world that gives them back by every path. None is found anywhere afterwards. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Finished, root, runProgram, startProgram } from '../processes.ts'
import { startCollector } from './collector.ts'
import { makeProject, type Project } from './project.ts'

/** Where each stands, and its value. */
const SECRETS = {
  /** A variable whose name does not say so: the settings name it as a key. */
  ECHO_ACCESS: 'canary-1+/=~"one"-0123456789-abcdefghij',
  /** In `.env`. */
  DOTENV_API_KEY: 'canary-2+/"two" \\ äö&<>-0123456789',
  /** In the environment of an MCP server. */
  FILES_TOKEN: 'canary-3-three-0123456789-ABCDEF',
  /** Within an address. */
  password: 'canary-4-four-9876543210',
  /** In the environment, and nobody uses it. */
  OTHER_SECRET: 'canary-5-five-5555555555-xyz',
} as const
const PLANTED = ['.env', '.mcp.json', 'secret.txt']

let echo: { readonly url: string; prompts(): Promise<string>; stop(): void }
beforeAll(async () => {
  const child = spawn(process.execPath, [join(root, 'test', 'fixtures', 'echo-server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [port] = await once(createInterface({ input: child.stdout }), 'line')
  const url = `http://127.0.0.1:${port}`
  echo = { url, prompts: async () => (await fetch(`${url}/prompts`)).text(), stop: () => void child.kill('SIGKILL') }
})
afterAll(() => echo.stop())

function plant(files: Record<string, string>): Project {
  const provider = `{type: openai-compatible, base_url: "${echo.url}/v1", api_key_env: ECHO_ACCESS}`
  const project = makeProject({
    'config.yaml': `providers:\n  echo: ${provider}\n`,
    ...files,
  })
  writeFileSync(join(project.cwd, '.env'), `DOTENV_API_KEY='${SECRETS.DOTENV_API_KEY}'\n`)
  writeFileSync(join(project.cwd, 'secret.txt'), `the key is ${SECRETS.DOTENV_API_KEY}\nand ${SECRETS.ECHO_ACCESS}\n`)
  Object.assign(project.env, {
    ECHO_ACCESS: SECRETS.ECHO_ACCESS,
    DATABASE_URL: `postgres://user:${SECRETS.password}@db.example/x`,
    OTHER_SECRET: SECRETS.OTHER_SECRET,
    LLM_ORC_SANDBOX_FALLBACK: 'process',
  })
  return project
}

/** An ensemble of agents that do not wait for each other. */
function ensembleOf(agents: readonly string[]): string {
  return `name: leak\ndescription: gives away what it can\nagents:\n${agents.map((agent) => `  - ${agent}\n`).join('')}`
}

/** Every form of a secret that may not appear; base64 as it reads at each of its three places. */
function formsOf(secret: string): readonly Buffer[] {
  const bytes = Buffer.from(secret)
  const base64 = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes, Buffer.alloc(3)]).toString('base64')
    return whole.slice(shift === 0 ? 0 : shift + 1, Math.floor(((shift + bytes.length) * 8) / 6))
  })
  const texts = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    bytes.toString('hex'),
  ]
  return [...new Set(texts)].map((text) => Buffer.from(text))
}

function findLeaks(places: ReadonlyMap<string, Buffer>): readonly string[] {
  const leaks: string[] = []
  for (const [place, bytes] of places)
    for (const [name, secret] of Object.entries(SECRETS))
      for (const form of formsOf(secret)) {
        const at = bytes.indexOf(form)
        if (at >= 0) leaks.push(`${name} in ${place}: …${bytes.subarray(Math.max(0, at - 60), at + 80).toString()}…`)
      }
  return leaks
}

/** Everything that is left on disk, and what was said. */
async function gather(project: Project, said: readonly Finished[]): Promise<ReadonlyMap<string, Buffer>> {
  const places = new Map<string, Buffer>()
  for (const [index, { stdout, stderr }] of said.entries()) {
    places.set(`stdout ${index}`, Buffer.from(stdout))
    places.set(`stderr ${index}`, Buffer.from(stderr))
  }
  for (const folder of [project.cwd, project.env['HOME'] as string])
    for (const name of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!name.isFile() || PLANTED.includes(name.name)) continue
      const file = join(name.parentPath, name.name)
      places.set(file, readFileSync(file))
    }
  places.set('prompts', Buffer.from(await echo.prompts()))
  return places
}

/** A run, looked at afterwards in all the ways there are, and exported. */
async function runAndLook(project: Project, args: readonly string[], input?: string): Promise<readonly Finished[]> {
  const call = (words: readonly string[]) =>
    runProgram(words, { ...project, ...(input === undefined ? {} : { input }) })
  const said = [await call(['run', ...args])]
  for (const words of [
    ['runs', 'show', 'latest'],
    ['runs', 'show', 'latest', '--effects', '--output', 'json'],
    ['runs', 'export', 'latest', 'run.bundle'],
  ])
    said.push(await call(words))
  return said
}

const marks = (places: ReadonlyMap<string, Buffer>): string =>
  [...places]
    .map(([place, bytes]) => (place.endsWith('.bundle') || place.startsWith('std') ? bytes.toString() : ''))
    .join('\n')

// Each has a project of its own, and most of the time goes to waiting for models that stall.
describe.concurrent('I18 S22', () => {
  const MODELS = [
    ['a refusal that quotes the key in six forms', 'refuse/401'],
    ['a page that shows the header', 'refuse-text'],
    ['a bad request that quotes the key', 'refuse/400'],
    ['a missing model that quotes the key', 'refuse/404'],
    ['a server error that quotes the key', 'refuse/500'],
    ['a redirect to an address with the key', 'redirect'],
    ['headers with the key', 'headers'],
    ['a stream that is no JSON and holds the key', 'garbage'],
    ['an error within the stream', 'error-in-stream'],
    ['a line that breaks after the key', 'reset'],
    ['a silence after the key', 'stall'],
    ['an answer that tells the key letter by letter', 'letters'],
    ['reasoning that tells the key', 'reason'],
    ['usage that tells the key', 'usage'],
    ['a reason for the end that is the key', 'finish'],
    ['an answer that tells the key in six forms', 'plain'],
  ] as const

  test(`${MODELS.length} models that give their key away, live and afterwards`, { timeout: 120_000 }, async () => {
    const agents = MODELS.map(
      ([, model], i) => `{name: m${i}, provider: echo, model: "${model}", idle_timeout_seconds: 1, timeout_seconds: 5}`,
    )
    const project = plant({ 'ensembles/leak.yaml': ensembleOf(agents) })
    const json = await runProgram(['run', 'leak', 'say it', '--output', 'json', '--progress', 'json'], project)
    const said = [json, ...(await runAndLook(project, ['leak', 'say it', '--progress', 'inline']))]
    const places = await gather(project, said)
    expect(findLeaks(places)).toEqual([])
    expect(marks(places).split('[secret ECHO_ACCESS]').length).toBeGreaterThan(MODELS.length)
  })

  const SCRIPTS = [
    ['a script that prints its environment', 'env; cat /proc/self/environ | tr "\\\\0" "\\\\n"'],
    [
      'a script that asks for a variable it was not given',
      'echo "${ECHO_ACCESS:-none} ${OTHER_SECRET:-none}"; echo $DOTENV_API_KEY',
    ],
    ['a script that prints the file of keys', 'cat .env secret.txt'],
    ['a script that fails and tells the key', 'cat secret.txt >&2; exit 3'],
    ['a script that is stopped after telling it', 'cat secret.txt; sleep 20'],
    ['a script that ends by a signal', 'cat secret.txt; kill -9 $$'],
    ['a script that tells it in base64', 'base64 -w0 secret.txt; echo; od -An -tx1 -v secret.txt | tr -d " \\\\n"'],
    ['a script that reads the environment of its parent', 'tr "\\\\0" "\\\\n" < /proc/$PPID/environ'],
  ] as const

  test(`${SCRIPTS.length} scripts that print what they find`, { timeout: 120_000 }, async () => {
    const agents = SCRIPTS.map(
      ([, script], i) => `{name: s${i}, script: "${script.replaceAll('"', '\\"')}", timeout_seconds: 2}`,
    )
    const project = plant({ 'ensembles/leak.yaml': ensembleOf(agents) })
    const said = await runAndLook(project, ['leak', 'x'])
    const places = await gather(project, said)
    expect(findLeaks(places)).toEqual([])
    expect(marks(places)).toContain('[secret DOTENV_API_KEY]')
  })

  test('an agent whose tools read the file of keys, print the environment, and whose server tells its own', {
    timeout: 120_000,
  }, async () => {
    const server = join(root, 'test', 'fixtures', 'mcp-stdio.ts')
    const agents = [
      '{name: t0, provider: echo, model: \'call/read_file?{"path":"secret.txt"}\', tools: [read_file]}',
      '{name: t1, provider: echo, model: \'call/bash?{"command":"env; cat .env"}\', tools: [bash]}',
      '{name: t2, provider: echo, model: \'call/env?{}\', tools: ["mcp:files:env"]}',
      '{name: t3, provider: echo, model: \'call/search_files?{"pattern":"canary"}\', tools: [search_files]}',
    ]
    const project = plant({ 'ensembles/leak.yaml': ensembleOf(agents) })
    const servers = {
      files: { command: process.execPath, args: [server, '{}'], env: { FILES_TOKEN: SECRETS.FILES_TOKEN } },
    }
    writeFileSync(join(project.cwd, '.mcp.json'), JSON.stringify({ mcpServers: servers }))
    const trust = await runProgram(['mcp', 'servers', 'trust', 'files'], project)
    const digest = /--digest (\w+)/.exec(`${trust.stdout}${trust.stderr}`)?.[1]
    const trusted = digest ? await runProgram(['mcp', 'servers', 'trust', 'files', '--digest', digest], project) : trust
    const listed = await runProgram(['mcp', 'servers', 'list', '--output', 'json'], project)
    const said = await runAndLook(project, ['leak', 'x', '--allow', 'bash', '--allow', 'mcp:files:*', '--allow', 'env'])
    const places = await gather(project, [...said, trust, trusted, listed])
    expect(findLeaks(places)).toEqual([])
    expect(marks(places)).toContain('[secret DOTENV_API_KEY]')
    expect(marks(places)).toContain('[secret files FILES_TOKEN]')
    // Each of the tools was really called, and answered.
    const answered = [...new Set(marks(places).match(/t\d[^"\s]*\/tool:[^"\s]*/g))].map((key) => key.slice(0, 2))
    expect([...new Set(answered)].sort()).toEqual(['t0', 't1', 't2', 't3'])
  })

  test('keys in what a person says: input, a prompt in the definition, an answer, a fork', {
    timeout: 120_000,
  }, async () => {
    const agent = `{name: a, provider: echo, model: plain, system_prompt: ${JSON.stringify(`use ${SECRETS.OTHER_SECRET}`)}}`
    const project = plant({ 'ensembles/leak.yaml': ensembleOf([agent, '{name: b, script: "cat"}']) })
    // The definition is where the person put it; what is made of it is not.
    const file = join(project.cwd, '.llm-orc', 'ensembles', 'leak.yaml')
    const said = await runAndLook(project, ['leak', `my key is ${SECRETS.ECHO_ACCESS}`])
    const fork = ['runs', 'fork', 'latest', '--at', '3', '--prompt', `a=${SECRETS.password}`]
    const places = new Map(await gather(project, [...said, await runProgram(fork, project)]))
    places.delete(file)
    expect(findLeaks(places)).toEqual([])
    expect(marks(places)).toContain('[secret OTHER_SECRET]')
    const again = await runProgram(['runs', 'replay', 'latest'], project)
    expect(again.code).toBe(0)
  })

  test('a key in a file of settings that is wrong, in unknown words, and with LLM_ORC_DEBUG', {
    timeout: 60_000,
  }, async () => {
    const project = plant({ 'ensembles/leak.yaml': ensembleOf([`{name: a, modell: ${SECRETS.OTHER_SECRET}}`]) })
    const broken = plant({
      'config.yaml': `providers: {x: {api_key: "${SECRETS.OTHER_SECRET}"}}\ndefault_profile: [${SECRETS.ECHO_ACCESS}]\n`,
    })
    const debug = { ...broken, env: { ...broken.env, LLM_ORC_DEBUG: '1' } }
    const said = [
      await runProgram(['run', 'leak', 'x'], project),
      await runProgram(['run', SECRETS.ECHO_ACCESS, 'x'], project),
      await runProgram(['runs', 'show', SECRETS.ECHO_ACCESS, '--output', 'json'], project),
      await runProgram(['providers', 'list'], project),
      await runProgram(['doctor'], project),
      await runProgram(['run', '-p', 'x'], debug),
      await runProgram(['config', 'show', '--output', 'json'], debug),
    ]
    const places = new Map(
      said.flatMap(
        ({ stdout, stderr }, i) =>
          [
            [`stdout ${i}`, Buffer.from(stdout)],
            [`stderr ${i}`, Buffer.from(stderr)],
          ] as const,
      ),
    )
    expect(findLeaks(places)).toEqual([])
  })

  test('a process that is killed while the key is on its way, and the one that goes on', {
    timeout: 60_000,
  }, async () => {
    const project = plant({
      'ensembles/leak.yaml': ensembleOf([
        '{name: a, provider: echo, model: stall}',
        '{name: b, script: "cat secret.txt; sleep 30"}',
      ]),
    })
    const { child, done } = startProgram(['run', 'leak', 'x'], project)
    const journal = join(project.env['XDG_DATA_HOME'] as string, 'llm-orchestrator', 'journal.db')
    while (!existsSync(journal)) await sleep(50)
    await sleep(1_500)
    child.kill('SIGKILL')
    const killed = await done
    const ended = await runProgram(['runs', 'cancel', 'latest'], project)
    const places = await gather(project, [killed, ended, await runProgram(['runs', 'show', 'latest'], project)])
    expect(findLeaks(places)).toEqual([])
  })

  test('a server: what its addresses answer, its numbers, its log, its traces and a bundle', {
    timeout: 120_000,
  }, async () => {
    const failing = [
      'refuse/401',
      'refuse-text',
      'refuse/500',
      'redirect',
      'headers',
      'error-in-stream',
      'reset',
      'plain',
    ]
    const agents = failing.map((model, i) => `{name: m${i}, provider: echo, model: "${model}", timeout_seconds: 5}`)
    const project = plant({
      'ensembles/leak.yaml': ensembleOf(agents),
      'profiles/told.yaml': 'name: told\nprovider: echo\nmodel: plain\n',
      'profiles/refused.yaml': 'name: refused\nprovider: echo\nmodel: refuse/401\n',
    })
    const collector = await startCollector()
    Object.assign(project.env, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(SECRETS.ECHO_ACCESS)}`,
      LLM_ORC_DEBUG: '1',
    })
    const { child, done } = startProgram(['serve', '--port', '0'], project)
    const url = await new Promise<string>((resolve) => {
      createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
        const found = /Listening at (\S+)/.exec(line)?.[1]
        if (found) resolve(found)
      })
    })
    const answers = new Map<string, Buffer>()
    const ask = async (path: string, body?: object, method = body ? 'POST' : 'GET') => {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${url}${path}`, {
        method,
        headers,
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      const bytes = Buffer.concat([
        Buffer.from(JSON.stringify([...response.headers])),
        Buffer.from(await response.arrayBuffer()),
      ])
      answers.set(`${method} ${path} ${answers.size}`, bytes)
      return bytes.toString()
    }
    const key = SECRETS.ECHO_ACCESS
    const said = [{ role: 'user', content: 'say it' }]
    await ask('/v1/runs?wait=true', { target: 'leak', input: `my key is ${key}` })
    for (const model of ['told', 'refused'])
      for (const stream of [false, true]) {
        await ask('/v1/chat/completions', { model, messages: said, stream })
        await ask('/v1/responses', { model, input: key, stream })
      }
    await ask('/v1/embeddings', { model: 'refused', input: [key] })
    await ask('/run', { prompt: key, model: ['refused'], planner_model: 'refused' })
    await ask('/stream/run', { prompt: key, model: ['refused'], planner_model: 'refused' })
    await ask('/api/ensembles/leak/execute', { input: key })
    await ask('/v1/runs', { target: key })
    await ask('/v1/runs', { [key]: key })
    for (const path of ['events', 'replay', '']) await ask(`/v1/runs/latest/${path}`.replace(/\/$/, ''))
    for (const path of [
      '/metrics',
      '/health',
      '/docs',
      '/v1/openapi.json',
      '/v1/runs',
      '/v1/usage',
      '/v1/providers',
      '/v1/profiles',
      '/v1/artifacts',
      '/v1/recovery/show',
      '/v1/nothing',
      `/v1/runs/${encodeURIComponent(key)}`,
      `/v1/errors/${encodeURIComponent(key)}`,
    ])
      await ask(path)
    await ask('/v1/runs/doctor', {})
    await ask('/v1/providers/echo/test', {})
    await ask('/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: key, arguments: {} } })
    await ask('/v1/version', undefined, 'DELETE')
    const out = await runProgram(['runs', 'export', 'latest', 'run.bundle', '--redact'], project)
    child.kill('SIGTERM')
    const ended = await done
    collector.close()
    const places = new Map([...(await gather(project, [ended, out])), ...answers])
    places.set('spans', Buffer.from(JSON.stringify([collector.spans, collector.resources])))
    expect(findLeaks(places)).toEqual([])
    // It was really told: the marks stand where the key would have been.
    expect([...answers.values()].join('\n')).toContain('[secret ECHO_ACCESS]')
    expect(collector.spans.length).toBeGreaterThan(0)
    expect(answers.size).toBeGreaterThanOrEqual(33)
    console.log(`S22: ${answers.size} answers, ${collector.spans.length} spans, ${places.size} places`)
  })
})

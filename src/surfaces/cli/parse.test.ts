import { describe, expect, test } from 'vitest'
import { OrcError } from '../../events/errors.ts'
import { nameField, parseArguments } from './parse.ts'
import { TREE } from './quick.ts'
import { findPlace } from './tree.ts'

async function parse(...args: string[]) {
  const { command, input, settings } = await parseArguments(TREE, args)
  return { name: command.name, input, settings }
}

async function refuse(...args: string[]) {
  const error = await parseArguments(TREE, args).then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (!(error instanceof OrcError)) throw new Error(`${args.join(' ')} was not refused`)
  return error.problems
}

describe('command lines that are understood', () => {
  const table: readonly [string[], string, object, object?][] = [
    [['demo'], 'demo', {}],
    [['run', 'brief', 'some text'], 'run', { target: 'brief', input: 'some text' }],
    [['invoke', 'brief', '--input-data', 'x'], 'run', { target: 'brief', input: 'x' }],
    [['i', 'brief', '--input', 'x'], 'run', { target: 'brief', input: 'x' }],
    [['run', 'brief', 'argument', '--input', 'option'], 'run', { target: 'brief', input: 'argument' }],
    [['run', '-p', 'Why?', '-m', 'a', '--model', 'b'], 'run', { prompt: 'Why?', model: ['a', 'b'] }],
    [
      ['run', 'x', '--max-concurrent', '3', '--timeout-seconds=1.5'],
      'run',
      { target: 'x', max_concurrent: 3, timeout_seconds: 1.5 },
    ],
    [['run', 'x', '--timeout-seconds', '2m'], 'run', { target: 'x', timeout_seconds: 120 }],
    [['run', 'x', '--seed', '007'], 'run', { target: 'x', seed: '007' }],
    [['run', 'x', '--', '--not-an-option'], 'run', { target: 'x', input: '--not-an-option' }],
    [['run', 'x', '-'], 'run', { target: 'x', input: '-' }],
    [
      ['run', 'x', '--output-format', 'json', '--no-streaming'],
      'run',
      { target: 'x' },
      { output_format: 'json', streaming: false },
    ],
    [['run', 'x', '--streaming', '--detailed'], 'run', { target: 'x' }, { streaming: true, detailed: true }],
    [
      ['-q', '--no-color', 'run', 'x', '-o', 'text'],
      'run',
      { target: 'x' },
      { quiet: true, color: false, output: 'text' },
    ],
    [['--config-dir', 'runs', 'ensembles', 'list'], 'ensembles list', {}, { config_dir: 'runs' }],
    [['le', '--config-dir=here'], 'ensembles list', {}, { config_dir: 'here' }],
    [['list-ensembles'], 'ensembles list', {}],
    [['ensembles', 'validate', 'a.yaml'], 'ensembles check', { name: 'a.yaml' }],
    [['list-profiles'], 'profiles list', {}],
    [['lp'], 'profiles list', {}],
    [['test-provider', 'ollama'], 'providers test', { provider: 'ollama' }],
    [['sc', 'list', '--format', 'json'], 'scripts list', {}, { output_format: 'json' }],
    [['ar', 'show', 'brief', '--execution', 'latest'], 'artifacts show', { ensemble: 'brief', execution: 'latest' }],
    [
      ['scripts', 'test', 'a.py', '--parameters', '{"a":[1]}'],
      'scripts test',
      { name: 'a.py', parameters: { a: [1] } },
    ],
    [['init', '--project-name', 'p', '--no-scripts'], 'init', { project_name: 'p', scripts: false }],
    [['validate', 'run', 'v', '--verbose'], 'validate run', { name: 'v' }, { detailed: true }],
    [['runs', 'list', '--all', '--limit', '5'], 'runs list', { all: true, limit: 5 }],
    [['runs', 'prune', '--older-than', '2d'], 'runs prune', { older_than: 2 }],
    [['runs', 'delete', 'r', '--yes'], 'runs delete', { run: 'r', confirm: true }],
    [
      ['runs', 'resolve', 'r', 's', 'done', 'ok'],
      'runs resolve',
      { run: 'r', step: 's', outcome: 'done', answer: 'ok' },
    ],
  ]
  test.each(table)('%j', async (args, name, input, settings = {}) => {
    expect(await parse(...args)).toEqual({ name, input, settings })
  })
})

describe('B17: command lines that are refused, each with what to do', () => {
  const table: readonly [string[], string, RegExp, RegExp][] = [
    [['rum'], 'unknown_command', /unknown command 'rum'/, /Did you mean run\?/],
    [['runs', 'lst'], 'unknown_command', /'lst'/, /Did you mean list\?[^]*llm-orc runs --help/],
    [['help', 'bogus'], 'unknown_command', /'bogus'/, /llm-orc --help/],
    [['--quiet'], 'unknown_command', /a command is needed/, /llm-orc --help/],
    [['runs', '--quiet'], 'unknown_command', /runs needs a command/, /llm-orc runs --help/],
    [['run', 'x', '--sede', '1'], 'bad_input', /unknown option '--sede'/, /Did you mean --seed\?/],
    [['run', 'x', '--input'], 'bad_input', /argument missing/, /llm-orc run --help/],
    [['run', 'x', '- a list'], 'bad_input', /unknown option/, /Put -- before/],
    [['run', 'one', 'two', 'three'], 'bad_input', /too many arguments/, /in quotes/],
    [['runs', 'show'], 'bad_input', /missing required argument 'RUN'/, /llm-orc runs show --help/],
    [['runs', 'list', '--output', 'xml'], 'bad_input', /Allowed choices are rich, text, json/, /runs list --help/],
  ]
  test.each(table)('%j', async (args, code, message, hint) => {
    const [problem] = await refuse(...args)
    expect(problem).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.stringMatching(hint) })
  })

  test('all wrong values are told at once', async () => {
    const problems = await refuse('run', 'x', '--max-concurrent', '1.5', '--timeout-seconds', 'Infinity')
    expect(problems.map(({ message }) => message)).toEqual([
      '--max-concurrent wants a whole number, not "1.5"',
      '--timeout-seconds wants a number, not "Infinity"',
    ])
  })

  test.each(['', '0x10', '1e999', ' 1', '9007199254740993'])('%j is no whole number', async (text) => {
    expect(await refuse('runs', 'list', `--limit=${text}`)).toHaveLength(1)
  })

  test('control characters of a mistyped word do not come back', async () => {
    const [problem] = await refuse('\u001b[31mred')
    expect(problem?.message).not.toContain('\u001b')
  })
})

test('a field is called what the command line calls it', async () => {
  const { command } = await parseArguments(TREE, ['runs', 'prune'])
  expect(nameField(command, 'older_than')).toBe('--older-than')
  const { command: show } = await parseArguments(TREE, ['runs', 'show', 'x'])
  expect(nameField(show, 'run')).toBe('RUN')
})

test('the place of a command is found behind options', () => {
  expect(findPlace(TREE, ['-o', 'json', 'runs', '-q', 'list', '--all'])).toMatchObject({
    command: { name: 'runs list' },
    rest: ['-o', 'json', '-q', '--all'],
  })
  expect(findPlace(TREE, ['runs', 'bogus'])).toMatchObject({ group: { name: 'runs' }, rest: ['bogus'] })
  expect(findPlace(TREE, ['--', 'runs'])).toEqual({ rest: ['--', 'runs'] })
})

test('the options of every command stand together without a clash', async () => {
  for (const { name, arguments: wanted } of TREE.commands) {
    const words = wanted.flatMap(({ required, type }) => (required ? [type === 'integer' ? '1' : 'x'] : []))
    const error = await parseArguments(TREE, [...name.split(' '), ...words]).catch((caught: unknown) => caught)
    if (error instanceof Error) expect(error, name).toBeInstanceOf(OrcError)
  }
})

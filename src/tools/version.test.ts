import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAlias, isToolName, isVersion, parseToolReference, pickVersion, sortNewestFirst } from './version.ts'

const of = (version: string, ...aliases: string[]) => ({ version, aliases })
const pick = (versions: readonly string[], wanted: string) =>
  pickVersion(
    versions.map((version) => of(version)),
    wanted,
  )?.version

test('references', () => {
  expect(parseToolReference('calculator')).toEqual({ name: 'calculator', wanted: 'latest' })
  expect(parseToolReference('calculator@^1.2')).toEqual({ name: 'calculator', wanted: '^1.2' })
  expect(parseToolReference('a@>=1 <3')).toEqual({ name: 'a', wanted: '>=1 <3' })
  for (const text of [
    '',
    '@1',
    'a@',
    '1a',
    '../x',
    'a b',
    'a/b',
    'mcp:x:y',
    'ä',
    'a'.repeat(65),
    `a@${'1'.repeat(101)}`,
  ])
    expect(parseToolReference(text), text).toBeUndefined()
})

test('names, versions and aliases', () => {
  expect(['a', 'read_file', 'A-1'].every(isToolName)).toBe(true)
  expect(['1.2.3', '2.0.0-beta.1', '1.0.0+b'].map(isVersion)).toEqual([true, true, false])
  expect(['v1.2.3', '1.2', ' 1.2.3', '1.2.3 ', '01.2.3', ''].some(isVersion)).toBe(false)
  expect(['stable', 'next', 'lts-24'].every(isAlias)).toBe(true)
  expect(['1', 'x', '*', '^1', 'v1', '', '1.0.0'].some(isAlias)).toBe(false)
})

describe('the newest version that fits', () => {
  const all = ['1.0.0', '1.1.0', '1.10.0', '1.9.0', '2.0.0', '2.1.0-beta.1', '0.9.0']
  test.each([
    ['latest', '2.0.0'],
    ['^1', '1.10.0'],
    ['^1.2', '1.10.0'],
    ['~1.1', '1.1.0'],
    ['1', '1.10.0'],
    ['1.x', '1.10.0'],
    ['1.0.0', '1.0.0'],
    ['=1.9.0', '1.9.0'],
    ['>=1 <1.10', '1.9.0'],
    ['^1 || ^2', '2.0.0'],
    ['*', '2.0.0'],
    ['^2.1.0-beta', '2.1.0-beta.1'],
    ['^0.9', '0.9.0'],
    ['^3', undefined],
    ['stable', undefined],
  ])('%s is %s', (wanted, version) => expect(pick(all, wanted)).toBe(version))

  test('latest is a preview only where there is nothing else', () => {
    expect(pick(['1.0.0-a', '1.0.0-b'], 'latest')).toBe('1.0.0-b')
    expect(pick(['2.0.0-a', '1.0.0'], 'latest')).toBe('1.0.0')
    expect(pick([], 'latest')).toBeUndefined()
  })

  test('an alias is the newest version that claims it; it cannot take the place of latest', () => {
    const versions = [of('1.0.0', 'stable', 'latest'), of('1.1.0', 'stable'), of('2.0.0')]
    expect(pickVersion(versions, 'stable')?.version).toBe('1.1.0')
    expect(pickVersion(versions, 'latest')?.version).toBe('2.0.0')
  })
})

describe('ranges, of any versions', () => {
  const number = fc.integer({ min: 0, max: 3 })
  const version = fc.tuple(number, number, number).map((parts) => parts.join('.'))
  const versions = fc.uniqueArray(version, { maxLength: 20 })
  const parse = (text: string) => text.split('.').map(Number) as [number, number, number]
  const isNewer = (a: string, b: string) => {
    const [left, right] = [parse(a), parse(b)]
    const at = left.findIndex((part, index) => part !== right[index])
    return at >= 0 && (left[at] as number) > (right[at] as number)
  }
  const newestOf = (list: readonly string[]) =>
    list.reduce<string | undefined>(
      (best, each) => (best === undefined || isNewer(each, best) ? each : best),
      undefined,
    )

  test('^1 never picks 2, and a caret picks what plain counting picks', () => {
    fc.assert(
      fc.property(versions, version, (list, least) => {
        expect(pick(list, '^1')?.startsWith('2') ?? false).toBe(false)
        const [major, minor, patch] = parse(least)
        const fits = list.filter((each) => {
          const [a, b, c] = parse(each)
          if (isNewer(least, each) || a !== major) return false
          if (major > 0) return true
          return b === minor && (minor > 0 || c === patch)
        })
        expect(pick(list, `^${least}`)).toBe(newestOf(fits))
      }),
      { numRuns: 500, seed: 1 },
    )
  })

  test('exact, latest, tilde and the order are what plain counting says, whatever order they are found in', () => {
    fc.assert(
      fc.property(versions, version, (list, wanted) => {
        expect(pick(list, wanted)).toBe(list.includes(wanted) ? wanted : undefined)
        expect(pick(list, 'latest')).toBe(newestOf(list))
        const [major, minor] = parse(wanted)
        const near = list.filter((each) => each.startsWith(`${major}.${minor}.`) && !isNewer(wanted, each))
        expect(pick(list, `~${wanted}`)).toBe(newestOf(near))
        expect(sortNewestFirst(list.map((each) => of(each)))[0]?.version).toBe(newestOf(list))
        expect(pick(list.toReversed(), '^1 || ^2')).toBe(pick(list, '^1 || ^2'))
      }),
      { numRuns: 500, seed: 2 },
    )
  })

  test('no words break it, and nothing is picked that is not there', () => {
    fc.assert(
      fc.property(versions, fc.string({ maxLength: 100 }), (list, wanted) => {
        const picked = pick(list, wanted)
        expect(picked === undefined || list.includes(picked)).toBe(true)
      }),
      { numRuns: 500, seed: 3 },
    )
  })
})

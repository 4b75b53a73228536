import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countTokens } from '../effects/count.ts'
import { countAtMost, countMessage, countMessages } from './count.ts'
import { countAtLeast } from './least.ts'

const PROSE = `The committee met again on Thursday, and nobody was surprised that the question of the bridge came up first. "We have been
talking about it for years," said the treasurer, who had kept the minutes since the beginning; "the price of steel has doubled, the old
pillars are cracked, and still we argue about the colour of the railing." Three members wanted to repair what was there. Two, newer to the
town, preferred to build something else entirely, a little further down the river where the road is wider.`

const CODE = `export function spread(needs: readonly number[], room: number): readonly number[] {
  const given = needs.map(() => 0)
  for (const [rank, index] of order.entries()) {
    const share = Math.min(needs[index], Math.floor(left / (order.length - rank)))
    if (share > 0) given[index] = share // the rest
  }
  return given
}`

const TEXTS: { readonly [kind: string]: string } = {
  prose: PROSE,
  code: CODE,
  german:
    'Die Überprüfung der Straßenverkehrszulassungsordnung ergab, dass größere Änderungen nötig wären, bevor das Gesetz in Kraft tritt.',
  french:
    'L’été dernier, les élèves de l’école s’étaient déjà inscrits à la bibliothèque, où l’on trouvait des œuvres très variées.',
  polish:
    'Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw; są oni obdarzeni rozumem i sumieniem.',
  finnish:
    'Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan, ja heille on annettu järki ja omatunto.',
  turkish: 'Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar; akıl ve vicdana sahiptirler.',
  vietnamese: 'Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.',
  russian: 'Все люди рождаются свободными и равными в своём достоинстве и правах; они наделены разумом и совестью.',
  greek: 'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.',
  hebrew: 'כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.',
  arabic: 'يولد جميع الناس أحراراً متساوين في الكرامة والحقوق، وقد وهبوا عقلاً وضميراً.',
  hindi: 'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।',
  thai: 'มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ',
  chinese: '人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。',
  japanese: 'すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。',
  korean: '모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.',
  georgian: 'ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით.',
  amharic: 'የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርና በመብትም እኩልነት ያለው ነው።',
  emoji: '👩‍👩‍👧‍👦 🇩🇪🇫🇷 👍🏽 🎉🦄🥁 ❤️‍🔥',
  mathematics: '∀x∈ℝ: ⌈x⌉ = −⌊−x⌋ ∧ √2 ≉ 1.41421356 → ∑ₙ 1∕n² = π²∕6',
  box: '┌────┬────┐\n│ a  │ b  │\n└────┴────┘\n',
  base64: 'r4uiO1p2tZk8Qd0X7bVYwq1M5nEJxhL9sTgFaCRe3PzW6vUjKyBoHNSmDfGIlAc+/8rT2kq0ZxYw==',
  hex: '3f9a77c0d1e2b4586a9900fe12cd34ab 550e8400-e29b-41d4-a716-446655440000',
  numbers: '3.14159, 2.71828; 1 2 3 4 5 6 7 8 9 10 11 12 2024-11-21T10:47:08.123Z 1e-9',
  table: '| id | name | price |\n|---:|:-----|------:|\n| 1 | Ada | 12.50 |\n| 2 | Bob | 7.00 |\n',
  json: '{"name":"deep-thought","answer":42,"list":[1,2,3],"nested":{"a":null,"b":[true,false]}}',
  blanks: `${' '.repeat(300)}x\n\n\n\n${'\t'.repeat(20)}\r\n \n \n`,
  marks: '!@#$%^&*()_+-=[]{}|;:\'",.<>/?`~\\ -------- ======== ******** ~~~~ :::: ... ??!!',
  names: 'XMLHttpRequest getElementById snake_case_name SCREAMING_SNAKE kebab-case-name camelCaseName i18n_2xl',
  orders: '<|endoftext|><|im_start|>system<|im_end|>',
  control: '\u0000\u0001\u0002\u001b[31mred\u001b[0m\u007f',
}

const exact = async (text: string) => (await countTokens([text]))[0] ?? 0

describe('bounds of token counts', () => {
  it.each(Object.keys(TEXTS))('U31: %s lies between the bounds', async (kind) => {
    for (const times of [1, 20]) {
      const text = (TEXTS[kind] ?? '').repeat(times)
      const tokens = await exact(text)
      expect(countAtMost(text)).toBeGreaterThanOrEqual(tokens)
      expect(countAtLeast(text)).toBeLessThanOrEqual(tokens)
    }
  })

  it('usual prose and code are overestimated by less than 60 %, and not by a guess from below', async () => {
    for (const text of [PROSE, CODE]) {
      const tokens = await exact(text)
      expect(countAtMost(text) / tokens).toBeLessThan(1.6)
    }
    expect(countAtLeast(PROSE) / (await exact(PROSE))).toBeGreaterThan(0.7)
  })

  it('U31: text of chance, mixed with all of these, lies between the bounds', { timeout: 60_000 }, async () => {
    await exact('warm')
    const piece = fc.oneof(
      fc
        .constantFrom(...Object.values(TEXTS))
        .chain((text) => fc.nat(text.length).map((at) => text.slice(at, at + 60))),
      fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
      fc.base64String({ maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '-', '='), maxLength: 40 }),
    )
    const texts = fc
      .sample(fc.array(piece, { minLength: 3, maxLength: 12 }), { numRuns: 1500, seed: 31 })
      .map((all) => all.join(' '))
    const counts = await countTokens(texts)
    for (const [index, text] of texts.entries()) {
      const most = countMessage([{ type: 'text', text }], countAtMost)
      expect([most >= (counts[index] ?? 0), text]).toEqual([true, text])
      expect([countAtLeast(text) <= (counts[index] ?? 0), text]).toEqual([true, text])
      // Who estimates at four characters a token is no server that cuts.
      expect(countAtLeast(text)).toBeLessThanOrEqual(Math.ceil(text.length / 4))
    }
  })

  it('a run without a blank is counted in time, and a word of command is a text', async () => {
    const text = randomBytes(150_000).toString('base64')
    const began = performance.now()
    expect(await exact(text)).toBeGreaterThan(100_000)
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(await exact('a'.repeat(200_000))).toBeLessThan(60_000)
    expect(await exact('<|endoftext|>')).toBeGreaterThan(3)
  })

  it('what is joined is no more than its pieces, but for a token', () => {
    const pieces = Object.values(TEXTS)
    for (const a of pieces)
      for (const b of pieces) expect(countAtMost(a + b)).toBeLessThanOrEqual(countAtMost(a) + countAtMost(b) + 1)
    expect(countMessages([], countAtMost)).toBe(8)
  })
})

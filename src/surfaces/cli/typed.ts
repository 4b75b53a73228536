import type { Problem } from '../../events/errors.ts'
import type { Argument, Option } from './tree.ts'

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

type Typed = { readonly value: unknown } | { readonly problem: Problem }

/**
 * A word of the command line as the type its field wants. Ranges are the schema's business. Fields that count seconds or
 * days also take a unit: `90s`, `5m`, `12h`, `30d`.
 */
export function readTyped(part: Option | Argument, text: string, name: string): Typed {
  const refuse = (wanted: string): Typed => ({
    problem: { code: 'bad_input', message: `${name} wants ${wanted}, not ${JSON.stringify(text.slice(0, 80))}` },
  })
  if (part.choices && !part.choices.includes(text)) return refuse(`one of ${part.choices.join(', ')}`)
  switch (part.type) {
    case 'number': {
      const number = readNumber(text) ?? readDuration(part, text)
      return number === undefined ? refuse('a number') : { value: number }
    }
    case 'integer': {
      const number = readNumber(text) ?? readDuration(part, text)
      return number !== undefined && Number.isSafeInteger(number) ? { value: number } : refuse('a whole number')
    }
    case 'boolean':
      return text === 'true' || text === 'false' ? { value: text === 'true' } : refuse('true or false')
    case 'json':
      return readJson(text) ?? refuse('JSON')
    default:
      return { value: text }
  }
}

/** Plain decimal numbers: nothing hexadecimal, no Infinity, no empty word. */
function readNumber(text: string): number | undefined {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))
    ? Number(text)
    : undefined
}

function readDuration(part: Option | Argument, text: string): number | undefined {
  const base = part.placeholder === 'DAYS' ? SECONDS.d : part.placeholder === 'SECONDS' ? 1 : undefined
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  if (base === undefined || amount === undefined) return undefined
  return (Number(amount) * SECONDS[unit as keyof typeof SECONDS]) / base
}

function readJson(text: string): Typed | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

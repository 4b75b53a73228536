import type { Json, JsonObject } from '../../events/values.ts'
import { isMap } from '../../graph/report.ts'
import type { Path } from '../../graph/yaml.ts'
import type { Notes } from './notes.ts'

/** One value of a document being read. Whatever is asked for counts as looked at; a value of another type than asked for is reported. */
export class Piece {
  readonly value: Json | undefined
  readonly path: Path
  readonly notes: Notes

  constructor(notes: Notes, value: Json | undefined, path: Path = []) {
    this.notes = notes
    this.value = value
    this.path = path
  }

  /** The keys of a map; none of anything else. */
  get keys(): readonly string[] {
    return isMap(this.value) ? Object.keys(this.value) : []
  }

  has(key: string): boolean {
    return isMap(this.value) && this.value[key] !== undefined && this.value[key] !== null
  }

  get(key: string): Piece {
    const path = [...this.path, key]
    if (isMap(this.value) && Object.hasOwn(this.value, key)) this.notes.see(path)
    return new Piece(
      this.notes,
      isMap(this.value) ? ((this.value as JsonObject)[key] as Json | undefined) : undefined,
      path,
    )
  }

  /** The value of a map's key when it is a map too; else an empty piece. */
  map(key: string): Piece {
    const found = this.get(key)
    if (found.value === undefined || found.value === null || isMap(found.value)) return found
    found.notes.lose(found.path, 'is not a map of keys, as the format wants it')
    return new Piece(this.notes, undefined, found.path)
  }

  entries(): readonly (readonly [string, Piece])[] {
    return this.keys.map((key) => [key, this.get(key)])
  }

  /** The items of a list. A single value that is no list counts as a list of one where `lone` is allowed. */
  list(key: string, lone = false): readonly Piece[] {
    const found = this.get(key)
    if (found.value === undefined || found.value === null) return []
    if (Array.isArray(found.value)) return found.items()
    if (lone) return [found]
    found.notes.lose(found.path, 'is not a list, as the format wants it')
    return []
  }

  items(): readonly Piece[] {
    if (!Array.isArray(this.value)) return []
    return this.value.map((item: Json, index) => {
      this.notes.see([...this.path, index])
      return new Piece(this.notes, item, [...this.path, index])
    })
  }

  /** Text; numbers and truth values as they are written. Empty text counts as absent. */
  text(key: string): string | undefined {
    return this.get(key).asText()
  }

  asText(): string | undefined {
    const { value } = this
    if (typeof value === 'string') return value.trim() === '' ? undefined : value
    if (typeof value === 'number' || typeof value === 'boolean') return String(value)
    if (value !== undefined && value !== null) this.notes.lose(this.path, 'is not text, as the format wants it')
    return undefined
  }

  /** A number, also one in quotes. */
  number(key: string): number | undefined {
    const { value, path } = this.get(key)
    if (value === undefined || value === null || value === '') return undefined
    const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN
    if (Number.isFinite(number)) return number
    this.notes.lose(path, 'is not a number, as the format wants it')
    return undefined
  }

  texts(key: string): readonly { readonly text: string; readonly path: Path }[] {
    return this.list(key, true).flatMap((item) => {
      const text = item.asText()
      return text === undefined ? [] : [{ text, path: item.path }]
    })
  }

  /** The value as it is, whatever stands below. */
  whole(key: string): Json | undefined {
    const { value, path } = this.get(key)
    if (value !== undefined) this.notes.take(path)
    return value
  }
}

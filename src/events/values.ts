/** Plain JSON: what requests, answers, inputs and outputs are made of. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** Bytes kept beside a digest. The salt lies with the bytes and goes with them, so removed content cannot be guessed back. */
export interface Content {
  /** 64 hex characters; its ASCII bytes are hashed in front of the content. */
  readonly salt: string
  /** UTF-8 text (for `application/json`: canonical JSON). */
  readonly text: string
}

/**
 * Content that came from a person, a model, a tool or a file, named by its digest.
 * `sha256` = SHA-256(salt ‖ bytes) in hex; `inline` (at most 4 KiB) is left out of the event hash.
 */
export interface Value {
  readonly sha256: string
  readonly bytes: number
  readonly type: string
  readonly inline?: Content
}

export const INLINE_LIMIT = 4096

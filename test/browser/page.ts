/** What runs in the page: the verifier, with SHA-256 and the event loop of the browser. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { OrcError } from '../../src/events/errors.ts'
import { type Means, verifyBundle } from '../golden/verify-bundle.ts'

const channel = new MessageChannel()
const waiting: (() => void)[] = []
channel.port1.addEventListener('message', () => waiting.shift()?.())
channel.port1.start()

const means: Means = {
  sha256: (text) => bytesToHex(sha256(utf8ToBytes(text))),
  startDigest: () => {
    const running = sha256.create()
    return {
      update: (bytes) => void running.update(typeof bytes === 'string' ? utf8ToBytes(bytes) : bytes),
      hex: () => bytesToHex(running.digest()),
    }
  },
  drain: () =>
    new Promise((resolve) => {
      waiting.push(resolve)
      channel.port2.postMessage(null)
    }),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

/** Fetches a bundle and verifies it, with one byte changed if told so; a damaged one is answered with its problems. */
async function verify(path: string, flip?: number) {
  const bytes = new Uint8Array(await (await fetch(path)).arrayBuffer())
  if (flip !== undefined) bytes[flip] = (bytes[flip] as number) ^ 1
  try {
    return await verifyBundle(bytes, means)
  } catch (error) {
    if (error instanceof OrcError) return { problems: error.problems.map(({ code, message }) => ({ code, message })) }
    throw error
  }
}

export type VerifyInPage = typeof verify

Object.assign(globalThis, { verify })

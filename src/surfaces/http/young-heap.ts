import { setFlagsFromString } from 'node:v8'

/**
 * From now on the space for new objects grows no more. Under many streams V8 would let it grow to 128 MiB, however little is alive: what
 * a server gains by that is not worth what it takes. A space that was chosen (`--max-semi-space-size`) is respected, for it is a limit, too.
 */
export function keepYoungHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/** What every operation works with. Made once per process by `createApp`. */
export interface App {
  readonly cwd: string
}

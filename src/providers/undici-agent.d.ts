/** The agent alone: the package's main file also loads its fetch, WebSocket and cache, a third of a second-long start. */
declare module 'undici/lib/dispatcher/agent.js' {
  import { Agent } from 'undici'
  export default Agent
}

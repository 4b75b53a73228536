/** What `--format` takes; kept by itself, so that help loads no importer. */
export const FORMAT_NAMES = [
  'claude',
  'dify',
  'litellm',
  'promptflow',
  'crewai',
  'cagent',
  'taskgraph',
  'chains',
  'capabilities',
] as const

/**
 * The one list of codes. A test compares it with docs/errors.md; every code has a heading there.
 * `exit` is the process exit code when this failure ends a command.
 */
export const ERROR_CODES = {
  approval_denied: { exit: 3, summary: 'Policy or a person did not allow it.' },
  bad_input: { exit: 2, summary: 'Something in the request is missing or has the wrong form.' },
  budget_exhausted: { exit: 5, summary: 'The budget does not pay for another call.' },
  price_unknown: { exit: 5, summary: 'A model without a known price under a limit on cost.' },
  tool_ambiguous: { exit: 2, summary: 'An agent has two tools of the same name.' },
  tool_loop: { exit: 1, summary: 'The model called the same tool again and again with the same result.' },
  tool_turns_exhausted: { exit: 1, summary: 'The model still wanted tools when its turns were used up.' },
  unknown_command: { exit: 2, summary: 'There is no such command.' },
  not_found: { exit: 2, summary: 'The thing that was named does not exist.' },
  journal_busy: { exit: 1, summary: 'Other processes kept the journal locked for too long.' },
  journal_damaged: { exit: 1, summary: 'A record of the journal is missing or cannot be read.' },
  journal_failed: { exit: 1, summary: 'The journal could not be opened or written.' },
  journal_newer: { exit: 78, summary: 'The journal was written by a newer version of this program.' },
  journal_unreadable: { exit: 78, summary: 'The file is not a journal of this program, or it is corrupt.' },
  assertion_invalid: { exit: 2, summary: 'An assertion of a validation section cannot be read.' },
  chain_invalid: { exit: 2, summary: 'A chain has a step that cannot be read, or none at all.' },
  workflow_invalid: { exit: 2, summary: 'A workflow has a wrong or missing part.' },
  param_invalid: { exit: 2, summary: 'A parameter of a workflow is missing, unknown or of the wrong type.' },
  name_ambiguous: { exit: 2, summary: 'A name means several things that can be run.' },
  governor_alone: { exit: 1, summary: 'Limits of providers cannot be shared with other processes at the moment.' },
  gate_rejected: { exit: 1, summary: 'A person did not let the workflow go on.' },
  command_refused: { exit: 2, summary: 'A command of an agent is on the list of refused words.' },
  condition_invalid: { exit: 2, summary: 'A condition or another expression of an ensemble cannot be right.' },
  dependency_cycle: { exit: 2, summary: 'Steps wait for each other in a circle.' },
  dependency_unknown: { exit: 2, summary: 'A step depends on a step that does not exist.' },
  ensemble_cycle: { exit: 2, summary: 'Ensembles run each other in a circle.' },
  ensemble_invalid: { exit: 2, summary: 'An ensemble file has a wrong or missing part.' },
  loop_unbounded: { exit: 2, summary: 'A loop has no limit.' },
  name_duplicate: { exit: 2, summary: 'Two steps have the same name.' },
  name_refused: { exit: 2, summary: 'A name cannot be used safely as a file name.' },
  not_yet_supported: { exit: 2, summary: 'The file uses a key that this version reads but cannot run.' },
  capability_unknown: { exit: 2, summary: 'A task of a plan requires a capability that no model has.' },
  plan_failed: { exit: 1, summary: 'No task of a plan came to a result that could be put together.' },
  plan_invalid: { exit: 2, summary: 'A plan cannot be carried out as it is.' },
  plan_rejected: { exit: 1, summary: 'A person did not approve of a plan.' },
  plan_rights: { exit: 2, summary: 'A plan asks for more than the run that is to carry it out may do.' },
  plan_too_large: { exit: 2, summary: 'A plan has more tasks, or more in a row, than are allowed.' },
  profile_cycle: { exit: 2, summary: 'Model profiles fall back to each other in a circle.' },
  no_model_fits: { exit: 2, summary: 'No model is what an agent requires.' },
  quote_unbounded: { exit: 5, summary: 'There is no limit on what a run may cost, and there is to be one.' },
  profile_missing: { exit: 2, summary: 'A model profile does not exist.' },
  retry_unsafe: { exit: 2, summary: 'A script may be repeated although nothing says that this is safe.' },
  script_missing: { exit: 2, summary: 'A script does not exist.' },
  template_invalid: { exit: 2, summary: 'A template or a `${...}` reference cannot be right.' },
  template_unresolved: { exit: 1, summary: 'A template or a `${...}` reference found no value.' },
  unknown_key: { exit: 2, summary: 'A file uses a key that is not part of the format.' },
  yaml_invalid: { exit: 2, summary: 'The file is not YAML or JSON of the accepted kind.' },
  artifact_refused: { exit: 2, summary: 'A folder of artifacts is not one that may be written, read or deleted.' },
  artifact_unreadable: { exit: 2, summary: 'A stored artifact is damaged or has an unknown form.' },
  config_invalid: { exit: 78, summary: 'A configuration file cannot be used as it is.' },
  config_missing: { exit: 78, summary: 'A configuration file or folder that was named does not exist.' },
  file_unreadable: { exit: 2, summary: 'A file is there but cannot be read.' },
  setting_untrusted: { exit: 3, summary: 'A project sets what only its user may set.' },
  home_missing: { exit: 78, summary: 'There is no home folder to keep settings and data in.' },
  answer_restarted: { exit: 1, summary: 'An answer that was being shown broke off and was begun anew.' },
  aborted: { exit: 130, summary: 'A call was aborted before it ended.' },
  context_cut: { exit: 1, summary: 'A server has read less than it was sent, and did not say so.' },
  context_overflow: { exit: 1, summary: 'A request is longer than the model can read.' },
  malformed_response: { exit: 1, summary: 'A server answered with something that is not an answer of a model.' },
  model_not_found: { exit: 2, summary: 'The provider does not have the model.' },
  breaker_open: { exit: 1, summary: 'A model failed so often in a row that it is not asked for a while.' },
  provider_auth: { exit: 78, summary: 'A provider has no key, or refused it.' },
  provider_error: { exit: 1, summary: 'A provider failed.' },
  provider_overloaded: { exit: 1, summary: 'A provider has too much to do.' },
  provider_quota: { exit: 1, summary: 'The account at a provider has no credit left.' },
  provider_timeout: { exit: 1, summary: 'A model call took longer than it may.' },
  provider_unknown: { exit: 2, summary: 'There is no provider of this name.' },
  provider_unreachable: { exit: 1, summary: 'A provider cannot be reached.' },
  rate_limited: { exit: 1, summary: 'A provider asks to slow down.' },
  request_refused: { exit: 1, summary: 'A provider refused a request as it is.' },
  script_invalid: { exit: 2, summary: 'The script of a scripted provider is not understood.' },
  stream_stalled: { exit: 1, summary: 'An answer stopped arriving.' },
  stream_truncated: { exit: 1, summary: 'An answer ended without saying that it was complete.' },
  definition_changed: { exit: 2, summary: 'A file of the definition is not the one the run began with.' },
  empty_answer: { exit: 1, summary: 'A model answered without any text.' },
  needs_terminal: { exit: 2, summary: 'An interactive script has nobody to ask.' },
  output_too_large: { exit: 1, summary: 'A script printed more than is kept.' },
  script_failed: { exit: 1, summary: 'A script ended with an exit code other than 0.' },
  script_killed: { exit: 1, summary: 'A script was ended by a signal.' },
  script_not_started: { exit: 1, summary: 'A script could not be started.' },
  script_reported_failure: { exit: 1, summary: 'A script said that it failed.' },
  script_timeout: { exit: 1, summary: 'A script did not end within its time limit.' },
  confirmation_needed: { exit: 2, summary: 'This removes something for good and was not confirmed.' },
  nothing_to_validate: { exit: 2, summary: 'The ensemble has no `validation:` section.' },
  step_diverged: { exit: 1, summary: 'A step asked something else than its journal says.' },
  run_taken: { exit: 1, summary: 'Another process has taken over the run.' },
  run_held: { exit: 1, summary: 'The run is being driven by another process.' },
  bundle_damaged: { exit: 1, summary: 'A bundle is not what its writer wrote, or is no bundle.' },
  bundle_newer: { exit: 78, summary: 'A bundle was written by a newer version of this program.' },
  bundle_too_large: { exit: 2, summary: 'A bundle is larger than bundles may be.' },
  content_removed: { exit: 2, summary: 'A step needs content that has been removed from the record.' },
  fork_refused: { exit: 2, summary: 'The run cannot be forked in this way.' },
  fork_too_late: { exit: 2, summary: 'What the fork is to change has already happened at that event.' },
  project_differs: { exit: 2, summary: 'A run belongs to another project than the one here.' },
  run_differs: { exit: 2, summary: 'Another run of the same name is in the journal.' },
  run_sealed: { exit: 2, summary: 'An imported run can be read, verified and forked, but not continued.' },
  upgrade_refused: { exit: 2, summary: 'A run that has begun cannot take a changed definition over.' },
  run_rests: { exit: 4, summary: 'The run waits for somebody to answer.' },
  run_ended: { exit: 2, summary: 'The run has ended; it takes no commands any more.' },
  timeout: { exit: 1, summary: 'A step took longer than its time limit.' },
  calls_exhausted: {
    exit: 5,
    summary: 'A step made all the model calls it may make, over retries, fallbacks and repairs together.',
  },
  bad_proposal: { exit: 1, summary: 'A step proposed steps that cannot be added.' },
  not_json: { exit: 1, summary: 'Something that has to be plain JSON was not.' },
  step_threw: { exit: 1, summary: 'The code of a step threw an error.' },
  condition_failed: { exit: 1, summary: 'A condition or another expression could not be computed.' },
  ensemble_missing: { exit: 2, summary: 'An ensemble does not exist.' },
  ensemble_too_deep: { exit: 1, summary: 'Ensembles run inside each other more than five levels deep.' },
  inner_failed: { exit: 1, summary: 'What a step runs inside itself failed.' },
  input_key_missing: { exit: 1, summary: 'The key that `input_key` picks is not there.' },
  items_invalid: { exit: 1, summary: 'What a step should go over is not a list.' },
  items_too_many: { exit: 1, summary: 'A list has more items than a step takes.' },
  kind_unknown: { exit: 78, summary: 'This program has no step of that kind.' },
  no_executor: { exit: 78, summary: 'Nothing here can perform that kind of effect.' },
  executor_crashed: { exit: 1, summary: 'The code that performs an effect threw an error.' },
  abandoned: { exit: 1, summary: 'An effect was told to stop and did not answer.' },
  effect_unknown: { exit: 1, summary: 'Nobody knows whether an effect happened.' },
  resolved_as_failed: { exit: 1, summary: 'A person said that the effect failed, or never happened.' },
  import_conflict: { exit: 2, summary: 'An import would write over a file that says something else.' },
  import_refused: { exit: 2, summary: 'A file of another program cannot be converted.' },
  import_unknown: { exit: 2, summary: 'A file is of no format that can be imported.' },
  output_failed: { exit: 1, summary: 'The result could not be written to standard output.' },
  replay_differs: { exit: 1, summary: 'A run, executed again from its journal, does not come out the same.' },
  check_unknown: { exit: 2, summary: 'A `verify` block names a check that does not exist.' },
  verification_failed: { exit: 1, summary: 'No model gave an answer that passed its checks.' },
  output_invalid: { exit: 1, summary: 'A model gave no output that follows its `output_schema`.' },
  nothing_to_assemble: { exit: 1, summary: 'None of the answers that were to be assembled is there.' },
  no_ballots: { exit: 1, summary: 'Nobody cast a vote.' },
  address_refused: { exit: 3, summary: 'A tool asked for an address that it may not ask.' },
  fetch_failed: { exit: 1, summary: 'A tool got nothing that can be used from an address.' },
  file_exists: { exit: 2, summary: 'A file is there already.' },
  migration_failed: { exit: 1, summary: 'Arguments could not be turned into those of another version of a tool.' },
  migration_missing: { exit: 2, summary: 'No migrations lead from one version of a tool to the other.' },
  path_refused: { exit: 3, summary: 'A tool asked for a path that it may not touch.' },
  text_not_found: { exit: 1, summary: 'The text to replace does not stand in the file exactly once.' },
  tool_changed: { exit: 3, summary: 'A tool is not what it was when the run began.' },
  tool_failed: { exit: 1, summary: 'A tool failed, or said so.' },
  tool_invalid: { exit: 2, summary: 'The folder of a tool has a wrong or missing part.' },
  tool_missing: { exit: 2, summary: 'There is no such tool, or not in this version.' },
  code_refused: { exit: 3, summary: 'Code breaks the rules for code, or the rules could not be tried on it.' },
  sandbox_missing: { exit: 78, summary: 'The sandbox that was asked for is not there.' },
  sandbox_refused: { exit: 3, summary: 'A sandbox cannot be set up as it was asked for.' },
  sandbox_unproved: { exit: 78, summary: 'A sandbox does not hold on this machine what it promises.' },
  sandbox_escaped: { exit: 1, summary: 'An attack got out of a sandbox that promises otherwise.' },
  mcp_error: { exit: 1, summary: 'An MCP server answered a call with an error of the protocol.' },
  mcp_flood: { exit: 1, summary: 'An MCP server sent more than is taken, and was left.' },
  mcp_login_needed: { exit: 78, summary: 'An MCP server wants a login.' },
  mcp_login_refused: { exit: 3, summary: 'The login that an MCP server asks for is not safe.' },
  mcp_protocol: { exit: 1, summary: 'An MCP server answered with something that is no answer.' },
  mcp_server_missing: { exit: 2, summary: 'There is no MCP server of this name, or it is switched off.' },
  mcp_server_untrusted: { exit: 3, summary: 'A project brings an MCP server that nobody has looked at yet.' },
  mcp_timeout: { exit: 1, summary: 'An MCP server did not answer in time.' },
  mcp_tool_failed: { exit: 1, summary: 'A tool of an MCP server says that it failed.' },
  mcp_tool_refused: { exit: 1, summary: 'A tool of an MCP server is described in a way that cannot be used.' },
  mcp_unreachable: { exit: 1, summary: 'An MCP server cannot be started or reached, or it ended.' },
  mcp_variable_missing: { exit: 78, summary: 'An MCP server needs a variable that is not set.' },
  body_invalid: { exit: 2, summary: 'The body of a request is not JSON of the accepted kind.' },
  body_too_large: { exit: 2, summary: 'The body of a request is larger than requests may be.' },
  cursor_invalid: { exit: 2, summary: 'A stream of events was asked for from a place where it has none.' },
  headers_too_many: { exit: 2, summary: 'A request has more headers than requests may have.' },
  host_refused: { exit: 3, summary: 'A request names a host or an origin that this server does not answer.' },
  media_type_refused: { exit: 2, summary: 'The body of a request is of a type that is not taken.' },
  method_refused: { exit: 2, summary: 'An address does not take this method.' },
  shutting_down: { exit: 1, summary: 'The server is shutting down and takes nothing new.' },
  access_denied: { exit: 3, summary: 'The caller has no right to do this.' },
  access_limited: { exit: 1, summary: 'The caller has asked for more than its limits allow.' },
  credentials_missing: { exit: 3, summary: 'The server wants a key or a token.' },
  credentials_refused: { exit: 3, summary: 'A key or a token is not good here.' },
  identity_unreachable: { exit: 1, summary: 'Who asks cannot be decided, so nobody is let in.' },
  key_exists: { exit: 2, summary: 'There is a key of this name already.' },
  keys_unreadable: { exit: 78, summary: 'The file of the access keys cannot be read.' },
  bind_refused: { exit: 3, summary: 'A server would be open to other machines without access control.' },
  address_in_use: { exit: 1, summary: 'Another program listens at this address already.' },
  cache_needs_files: { exit: 2, summary: 'A script is to be cached and names no files it depends on.' },
  cache_unusable: { exit: 1, summary: 'The cache cannot be read or written.' },
  internal: { exit: 1, summary: 'The program itself is broken; please report it.' },
} as const satisfies Record<string, { exit: number; summary: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/** Where a problem stands in a file; lines and columns count from 1. */
export interface Place {
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/** One expected failure as data: what, where, and what to do next. */
export interface Problem extends Place {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
  readonly severity?: 'error' | 'warning'
}

/** A problem without severity is an error. */
export function isError({ severity }: Pick<Problem, 'severity'>): boolean {
  return severity !== 'warning'
}

/** The same, with what stands in the way before what is only worth knowing. */
export function errorsFirst(problems: readonly Problem[]): readonly Problem[] {
  return [...problems.filter(isError), ...problems.filter((problem) => !isError(problem))]
}

/** The only error class: an expected failure on its way to the user. Programming errors stay ordinary `Error`s. */
export class OrcError extends Error {
  readonly problems: readonly Problem[]
  constructor(problems: Problem | readonly Problem[]) {
    const list = Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem]
    super(list.map((problem) => problem.message).join('\n'))
    this.name = 'OrcError'
    this.problems = list
  }
  get code(): ErrorCode {
    return this.problems[0]?.code ?? 'internal'
  }
}

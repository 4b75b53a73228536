/** The public door of the package: the engine, its words, and the ways to build on them. */
export { createNodeWorld } from './app/node-world.ts'
export {
  type AssembledContext,
  type AssembleRequest,
  ContextAssembler,
  ContextBudget,
  type ContextMessage,
  type ProviderCaps,
} from './context/assembler.ts'
export { buildContext } from './context/build.ts'
export type {
  BuiltContext,
  ContextBudget as ContextLimits,
  ContextGroup,
  ContextPart,
  Manifest,
  ManifestEntry,
} from './context/part.ts'
export type { Delta, EffectAsk, EffectOrder, EffectOutcome, Executor, Safety } from './engine/effect.ts'
export {
  createRun,
  DEFAULT_LIMITS,
  ENGINE_VERSION,
  type Run,
  type RunPlan,
  readEvents,
  resumeRun,
  startRun,
  type Verdict,
  verifyRun,
} from './engine/engine.ts'
export type { RunEnd } from './engine/live.ts'
export {
  type Inputs,
  type StepContext,
  StepFailure,
  type StepKind,
  type StepOutcome,
  type StepResult,
  type StepView,
} from './engine/step.ts'
export type { EnginePorts, EngineWorld, RunLease, Watcher } from './engine/world.ts'
export { ERROR_CODES, type ErrorCode, OrcError, type Problem } from './events/errors.ts'
export type { Event, EventData, EventOf, EventType, RunLimits, RunStatus } from './events/event.ts'
export type { Message, MessagePart, ModelAnswer, ModelRequest, Usage } from './events/messages.ts'
export type { Json, JsonObject, Value } from './events/values.ts'
export { createReport } from './events/views/report.ts'
export { reportToMarkdown } from './events/views/report-markdown.ts'
export type { RunReport } from './events/views/run-report.ts'
export { compileEnsemble } from './graph/ensemble-compile.ts'
export { parseEnsemble } from './graph/ensemble-parse.ts'
export type { Edge, GraphStep, StepGraph } from './graph/step-graph.ts'
export type { Blob, BlobStore, Journal } from './journal/journal.ts'
export { createMemoryJournal } from './journal/memory.ts'
export { openSqliteJournal } from './journal/sqlite.ts'
export type { ModelInfo, ModelPart, Provider } from './providers/provider.ts'

import { tameDrawing } from '../render/tame.ts'
import { showApprovals, showDecision, showExplanation, showOneApproval } from './approvals.ts'
import { showArtifact, showArtifacts, showCleanup, showDeletedArtifact } from './artifacts.ts'
import { showBatches, showOneBatch } from './batches.ts'
import { showBisection } from './bisect.ts'
import { showBudgets } from './budgets.ts'
import { showExport, showImport } from './bundles.ts'
import { showCache, showClearedCache } from './cache.ts'
import { showChainRun, showChains, showDeletedChain, showOneChain, showSavedChain, showWorkflows } from './chains.ts'
import { showComparison } from './compare.ts'
import { showHealth } from './doctor.ts'
import { showEdit, showEntry, showOneRole, showOverview, showRunnable } from './edits.ts'
import { showCheck, showDrawing, showEnsembles, showOneEnsemble } from './ensembles.ts'
import { showImported } from './import.ts'
import { showInit } from './init.ts'
import { showKeys, showNewKey, showRevokedKeys } from './keys.ts'
import { showMcpServer, showMcpServers } from './mcp.ts'
import { showModels, showOneModel } from './models.ts'
import type { Page, Show, Shown } from './page.ts'
import { showPlain } from './plain.ts'
import { showPlan } from './plan.ts'
import { showLimits, showProfiles, showProviders, showProviderTest } from './providers.ts'
import { showQuote } from './quote.ts'
import { showRecoveries } from './recovery.ts'
import { showImaginedRoutes, showRoutes } from './routes.ts'
import { showRunResult } from './run.ts'
import { showDeletedRun, showOneRun, showPruned, showReplay, showRuns } from './runs.ts'
import { showSandboxBench, showSandboxCheck, showSandboxes } from './sandbox.ts'
import { showOneScript, showScripts, showScriptTest } from './scripts.ts'
import { showMigration, showNewTool, showOneTool, showTools, showToolTest } from './tools.ts'
import { showUpgrade } from './upgrade.ts'
import { showUsage } from './usage.ts'
import { showValidation } from './validate.ts'

/** By the operation's name; each takes that operation's result. */
const SHOWS: { readonly [operation: string]: Show<never> } = {
  demo: showRunResult,
  init: showInit,
  import: showImported,
  run: showRunResult,
  quote: showQuote,
  usage: showUsage,
  plan: showPlan,
  'runs resume': showRunResult,
  'runs cancel': showRunResult,
  'runs resolve': showRunResult,
  'runs steer': showRunResult,
  'runs fork': showRunResult,
  'runs export': showExport,
  'runs import': showImport,
  'runs compare': showComparison,
  'runs bisect': showBisection,
  'runs upgrade': showUpgrade,
  'routes explain': showRoutes,
  'routes what-if': showImaginedRoutes,
  batch: showOneBatch,
  'batches show': showOneBatch,
  'batches resume': showOneBatch,
  'batches cancel': showOneBatch,
  'batches list': showBatches,
  'runs list': showRuns,
  'recovery show': showRecoveries,
  'runs show': showOneRun,
  'runs tail': () => ({ text: '' }),
  'runs replay': showReplay,
  'runs doctor': showHealth,
  'runs delete': showDeletedRun,
  'runs prune': showPruned,
  'ensembles list': showEnsembles,
  'ensembles show': showOneEnsemble,
  'ensembles check': showCheck,
  'ensembles update': showEdit,
  'ensembles runnable': showRunnable,
  'profiles update': showEdit,
  'library show': showEntry,
  'roles show': showOneRole,
  overview: showOverview,
  'approvals list': showApprovals,
  'approvals show': showOneApproval,
  'approvals give': showRunResult,
  'approvals deny': showRunResult,
  'policy check': showDecision,
  'policy explain': showExplanation,
  'ensembles graph': showDrawing,
  'mcp servers list': showMcpServers,
  'mcp servers test': showMcpServer,
  'mcp probe': showMcpServer,
  'chain list': showChains,
  'chain show': showOneChain,
  'chain run': showChainRun,
  'chain save': showSavedChain,
  'chain delete': showDeletedChain,
  'workflow list': showWorkflows,
  'workflow run': showRunResult,
  'validate run': showValidation,
  'validate category': showValidation,
  'validate all': showValidation,
  'artifacts list': showArtifacts,
  'artifacts show': showArtifact,
  'artifacts delete': showDeletedArtifact,
  'artifacts cleanup': showCleanup,
  'cache show': showCache,
  'cache clear': showClearedCache,
  'scripts list': showScripts,
  'scripts show': showOneScript,
  'scripts test': showScriptTest,
  'tools list': showTools,
  'tools show': showOneTool,
  'tools test': showToolTest,
  'tools new': showNewTool,
  'tools migrate': showMigration,
  'sandbox list': showSandboxes,
  'sandbox check': showSandboxCheck,
  'sandbox bench': showSandboxBench,
  'providers list': showProviders,
  'providers limits': showLimits,
  'providers test': showProviderTest,
  'profiles list': showProfiles,
  'budgets list': showBudgets,
  'keys create': showNewKey,
  'keys list': showKeys,
  'keys revoke': showRevokedKeys,
  'models list': showModels,
  'models show': showOneModel,
}

export function showResult(operation: string, result: unknown, page: Page): Shown {
  const show = (SHOWS[operation] ?? showPlain) as Show<unknown>
  const { text, aside } = show(result, page)
  return {
    text: page.terminal ? tameDrawing(text, page.style) : text,
    // Whatever becomes of stdout, this is for a person.
    ...(aside === undefined ? {} : { aside: tameDrawing(aside, page.style) }),
  }
}

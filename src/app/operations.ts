import type { Operation } from './operation.ts'
import { analyzeArtifact, measureEnsemble } from './operations/analysis.ts'
import { denyApproval, giveApproval, listApprovals, showApproval } from './operations/approvals.ts'
import {
  cleanupArtifactsOperation,
  deleteArtifactOperation,
  listArtifactsOperation,
  showArtifactOperation,
} from './operations/artifacts.ts'
import { batchOperation, cancelBatch, listBatches, resumeBatch, showBatch } from './operations/batches.ts'
import { bisectRuns } from './operations/bisect.ts'
import { listBudgets } from './operations/budgets.ts'
import { exportRun, importRun } from './operations/bundles.ts'
import { clearCacheOperation, showCacheOperation } from './operations/cache.ts'
import {
  deleteChain,
  listChains,
  listWorkflows,
  runChain,
  runWorkflow,
  saveChain,
  showChain,
} from './operations/chains.ts'
import { demo } from './operations/demo.ts'
import { doctor } from './operations/doctor.ts'
import { createEnsemble, deleteEnsemble, updateEnsemble } from './operations/ensemble-edits.ts'
import { checkEnsemble, drawEnsemble, listEnsemblesOperation, showEnsemble } from './operations/ensembles.ts'
import { compareRunsOperation, forkRunOperation } from './operations/forks.ts'
import { importOperation } from './operations/import.ts'
import { init } from './operations/init.ts'
import { createKey, listKeys, revokeKey } from './operations/keys.ts'
import {
  browseLibrary,
  copyFromLibrary,
  describeLibrary,
  searchLibrary,
  showLibraryEntry,
} from './operations/library.ts'
import {
  addMcpServer,
  listMcpServers,
  probeMcp,
  removeMcpServer,
  testMcpServer,
  trustMcpServer,
} from './operations/mcp.ts'
import { serveMcp } from './operations/mcp-serve.ts'
import { listModelsOperation, showModel } from './operations/models.ts'
import { overviewOperation } from './operations/overview.ts'
import { planOperation } from './operations/plan.ts'
import { checkPolicy, explainPolicy } from './operations/policy.ts'
import { createProfile, deleteProfile, updateProfile } from './operations/profile-edits.ts'
import { listProfiles } from './operations/profiles.ts'
import { listLimits, listProviders, testProvider } from './operations/providers.ts'
import { quoteOperation } from './operations/quote.ts'
import { showRecovery } from './operations/recovery.ts'
import { listRoles, showRole } from './operations/roles.ts'
import { explainRoutes, imagineRoutes } from './operations/routes.ts'
import { runOperation } from './operations/run.ts'
import { checkRunnableOperation } from './operations/runnable.ts'
import {
  cancelRun,
  deleteRun,
  listRuns,
  pruneRuns,
  replayRun,
  resolveStep,
  resumeRunOperation,
  showRun,
  steerRun,
  tailRun,
} from './operations/runs.ts'
import { benchSandboxes, checkSandboxes, listSandboxes } from './operations/sandbox.ts'
import { createScript, deleteScript } from './operations/script-edits.ts'
import { listScriptsOperation, showScript, testScript } from './operations/scripts.ts'
import { serveOperation } from './operations/serve.ts'
import { listToolsOperation, migrateTool, newTool, showTool, testTool } from './operations/tools.ts'
import { upgradeRun } from './operations/upgrade.ts'
import { usageOperation } from './operations/usage.ts'
import { validateAll, validateCategory, validateRun } from './operations/validate.ts'
import { version } from './operations/version.ts'

/** Everything a user can ask for. Every face is generated from this table. */
export const operations: readonly Operation[] = [
  demo,
  init,
  importOperation,
  runOperation,
  quoteOperation,
  usageOperation,
  planOperation,
  listEnsemblesOperation,
  showEnsemble,
  checkEnsemble,
  drawEnsemble,
  checkRunnableOperation,
  measureEnsemble,
  createEnsemble,
  updateEnsemble,
  deleteEnsemble,
  listChains,
  showChain,
  runChain,
  saveChain,
  deleteChain,
  listWorkflows,
  runWorkflow,
  validateRun,
  validateCategory,
  validateAll,
  listRuns,
  showRun,
  tailRun,
  replayRun,
  cancelRun,
  resumeRunOperation,
  resolveStep,
  steerRun,
  doctor,
  showRecovery,
  listApprovals,
  showApproval,
  giveApproval,
  denyApproval,
  checkPolicy,
  explainPolicy,
  exportRun,
  importRun,
  forkRunOperation,
  compareRunsOperation,
  bisectRuns,
  upgradeRun,
  explainRoutes,
  imagineRoutes,
  deleteRun,
  pruneRuns,
  listArtifactsOperation,
  showArtifactOperation,
  analyzeArtifact,
  deleteArtifactOperation,
  cleanupArtifactsOperation,
  showCacheOperation,
  clearCacheOperation,
  listScriptsOperation,
  showScript,
  testScript,
  createScript,
  deleteScript,
  browseLibrary,
  showLibraryEntry,
  searchLibrary,
  copyFromLibrary,
  describeLibrary,
  listRoles,
  showRole,
  listToolsOperation,
  showTool,
  testTool,
  newTool,
  migrateTool,
  listSandboxes,
  checkSandboxes,
  benchSandboxes,
  listMcpServers,
  addMcpServer,
  removeMcpServer,
  trustMcpServer,
  testMcpServer,
  probeMcp,
  listProviders,
  listLimits,
  testProvider,
  listProfiles,
  createProfile,
  updateProfile,
  deleteProfile,
  listBudgets,
  listModelsOperation,
  showModel,
  batchOperation,
  listBatches,
  showBatch,
  resumeBatch,
  cancelBatch,
  createKey,
  listKeys,
  revokeKey,
  serveOperation,
  serveMcp,
  overviewOperation,
  version,
] as unknown as readonly Operation[]

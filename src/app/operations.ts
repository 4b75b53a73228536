import type { Operation } from './operation.ts'
import { denyApproval, giveApproval, listApprovals, showApproval } from './operations/approvals.ts'
import {
  cleanupArtifactsOperation,
  deleteArtifactOperation,
  listArtifactsOperation,
  showArtifactOperation,
} from './operations/artifacts.ts'
import { bisectRuns } from './operations/bisect.ts'
import { exportRun, importRun } from './operations/bundles.ts'
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
import { checkEnsemble, drawEnsemble, listEnsemblesOperation, showEnsemble } from './operations/ensembles.ts'
import { compareRunsOperation, forkRunOperation } from './operations/forks.ts'
import { importOperation } from './operations/import.ts'
import { init } from './operations/init.ts'
import {
  addMcpServer,
  listMcpServers,
  probeMcp,
  removeMcpServer,
  testMcpServer,
  trustMcpServer,
} from './operations/mcp.ts'
import { planOperation } from './operations/plan.ts'
import { checkPolicy, explainPolicy } from './operations/policy.ts'
import { listProfiles } from './operations/profiles.ts'
import { listProviders, testProvider } from './operations/providers.ts'
import { runOperation } from './operations/run.ts'
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
import { listScriptsOperation, showScript, testScript } from './operations/scripts.ts'
import { listToolsOperation, migrateTool, newTool, showTool, testTool } from './operations/tools.ts'
import { upgradeRun } from './operations/upgrade.ts'
import { validateAll, validateCategory, validateRun } from './operations/validate.ts'
import { version } from './operations/version.ts'

/** Everything a user can ask for. Every face is generated from this table. */
export const operations: readonly Operation[] = [
  demo,
  init,
  importOperation,
  runOperation,
  planOperation,
  listEnsemblesOperation,
  showEnsemble,
  checkEnsemble,
  drawEnsemble,
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
  deleteRun,
  pruneRuns,
  listArtifactsOperation,
  showArtifactOperation,
  deleteArtifactOperation,
  cleanupArtifactsOperation,
  listScriptsOperation,
  showScript,
  testScript,
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
  testProvider,
  listProfiles,
  version,
] as unknown as readonly Operation[]

/** For authors of providers, journals, step kinds and tools: the fakes and contract suites that ours pass too. */
export { createVirtualWorld, type VirtualWorld } from './engine/virtual-world.ts'
export { describeJournal } from './journal/journal.contract.ts'
export { createMemoryJournal } from './journal/memory.ts'
export { describeTool } from './tools/tool.contract.ts'

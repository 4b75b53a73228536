import { askUserTool } from './builtin/ask-user.ts'
import { bashTool } from './builtin/bash.ts'
import type { Builtin } from './builtin/builtin.ts'
import { editFileTool } from './builtin/edit-file.ts'
import { httpFetchTool } from './builtin/http-fetch.ts'
import { listFilesTool } from './builtin/list-files.ts'
import { readFileTool } from './builtin/read-file.ts'
import { searchFilesTool } from './builtin/search-files.ts'
import { writeFileTool } from './builtin/write-file.ts'

/** The tools that ship with the program. Their names belong to them: no folder can hold another tool of that name. */
export const BUILTINS: readonly Builtin[] = [
  readFileTool,
  writeFileTool,
  editFileTool,
  listFilesTool,
  searchFilesTool,
  bashTool,
  httpFetchTool,
  askUserTool,
]

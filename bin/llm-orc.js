#!/usr/bin/env node
// Plain old JavaScript, readable by any Node: says what is missing before newer syntax is loaded.
;(function start() {
  var wanted = [24, 16]
  var found = process.versions.node.split('.').map(Number)
  if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
    process.stderr.write(
      'llm-orc needs Node ' +
        wanted.join('.') +
        ' or newer; this is Node ' +
        process.versions.node +
        '.\n' +
        'Install Node 24 LTS (https://nodejs.org), or put it beside the program: npm install node@24\n' +
        'and start it with: npx llm-orc\n',
    )
    process.exitCode = 78
    return
  }
  // Compiled code is kept in the user's own cache folder, never in a shared one.
  var home = process.env.XDG_CACHE_HOME || (process.env.HOME && process.env.HOME + '/.cache')
  if (home) process.getBuiltinModule('node:module').enableCompileCache(home + '/llm-orchestrator/compile')
  void import('../dist/main.js')
})()

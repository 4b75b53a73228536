// Names the agents that ran and those that were skipped.
// Input: dependencies
// Output: success, ran, skipped
// Safety: pure
let text = ''
for await (const chunk of process.stdin) text += chunk
const { dependencies } = JSON.parse(text)
const named = (status) => Object.keys(dependencies).filter((name) => dependencies[name].status === status)
console.log(JSON.stringify({ success: true, ran: named('success'), skipped: named('skipped') }))

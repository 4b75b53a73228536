// A notice says when, and is short enough for the board.
let input = ''
for await (const chunk of process.stdin) input += chunk
const notice = JSON.parse(input).input
const success = /\b(at|until|from)\b/.test(notice) && notice.length <= 80
console.log(JSON.stringify({ success, notice }))

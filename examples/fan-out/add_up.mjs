// Sums up what was measured.
// Input: parameters measured (list), shouted (list)
// Output: success, words, letters, last
// Safety: pure
const { measured, shouted } = JSON.parse(process.env.AGENT_PARAMETERS)
const letters = measured.reduce((sum, one) => sum + one.letters, 0)
console.log(JSON.stringify({ success: true, words: measured.map((one) => one.word), letters, shouted: shouted.length }))

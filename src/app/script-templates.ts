/** Scripts that work as they are and keep the contract: JSON on standard input, one JSON object with `success` on standard output. */
export function scriptTemplate(language: '.py' | '.mjs', template: 'basic' | 'extraction'): string {
  return TEMPLATES[language][template]
}

const TEMPLATES = {
  '.mjs': {
    basic: `// Gives its input back; change what stands between reading and printing.
// Input: {"input": "any text", "parameters": {}} on standard input
// Output: {"success": true, "data": ...}
// Safety: pure
let text = ''
for await (const chunk of process.stdin) text += chunk
const { input = '', parameters = {} } = JSON.parse(text || '{}')
console.log(JSON.stringify({ success: true, data: input, parameters }))
`,
    extraction: `// Picks fields out of JSON.
// Input: {"input": "{...}", "parameters": {"fields": ["name"]}} on standard input
// Output: {"success": true, "data": {"name": ...}}
// Safety: pure
let text = ''
for await (const chunk of process.stdin) text += chunk
const { input = '{}', parameters = {} } = JSON.parse(text || '{}')
try {
  const data = typeof input === 'string' ? JSON.parse(input || '{}') : input
  const fields = parameters.fields ?? Object.keys(data)
  console.log(JSON.stringify({ success: true, data: Object.fromEntries(fields.map((field) => [field, data[field] ?? null])) }))
} catch (error) {
  console.log(JSON.stringify({ success: false, error: error.message }))
  process.exitCode = 1
}
`,
  },
  '.py': {
    basic: `"""Gives its input back; change what stands between reading and printing."""
# Input: {"input": "any text", "parameters": {}} on standard input
# Output: {"success": true, "data": ...}
# Safety: pure
import json
import sys

given = json.loads(sys.stdin.read() or "{}")
print(json.dumps({"success": True, "data": given.get("input", ""), "parameters": given.get("parameters", {})}))
`,
    extraction: `"""Picks fields out of JSON."""
# Input: {"input": "{...}", "parameters": {"fields": ["name"]}} on standard input
# Output: {"success": true, "data": {"name": ...}}
# Safety: pure
import json
import sys

given = json.loads(sys.stdin.read() or "{}")
try:
    data = given.get("input") or "{}"
    data = json.loads(data) if isinstance(data, str) else data
    fields = given.get("parameters", {}).get("fields") or list(data)
    print(json.dumps({"success": True, "data": {field: data.get(field) for field in fields}}))
except (ValueError, AttributeError) as error:
    print(json.dumps({"success": False, "error": str(error)}))
    sys.exit(1)
`,
  },
} as const

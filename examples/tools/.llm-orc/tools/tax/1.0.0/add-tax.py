"""Reads the arguments as JSON, prints {success, data} or {success, error} as JSON."""
import json
import sys

amount = json.load(sys.stdin)["amount"]
if amount < 0:
    result = {"success": False, "error": "an amount cannot be negative"}
else:
    result = {"success": True, "data": {"total": round(amount * 1.19, 2)}}
json.dump(result, sys.stdout)

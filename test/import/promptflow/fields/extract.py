import json
from promptflow.core import tool

@tool
def extract(given):
    if isinstance(given, dict):
        return {"name": given.get("name", "")}
    try:
        return {"name": json.loads(given).get("name", "")}
    except ValueError:
        return {"name": "unknown"}

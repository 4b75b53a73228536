import re
from promptflow import tool


@tool
def grade(truth, answer):
    same = re.sub(r"\W", "", str(truth)).lower() == re.sub(r"\W", "", str(answer)).lower()
    return {"same": same, "note": "exact" if same else "different"}

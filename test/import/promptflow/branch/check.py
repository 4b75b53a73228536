from promptflow.core import tool


@tool
def check(question: str, limit: int) -> dict:
    return {"short": len(question) < limit, "words": len(question.split())}

"""Whether an answer is what `output_schema` asks for, as the router checks it:
that it is JSON, and an object with all that is required."""

from __future__ import annotations

import json
from typing import Any

_SHOWN_CHARACTERS_MAX = 100


def check_output(
    content: str, schema: dict[str, Any] | None
) -> tuple[bool | None, list[str]]:
    """Whether it is, and why not; None without a schema."""
    if not schema:
        return None, []
    try:
        answer = json.loads(content)
    except ValueError:
        shown = content[:_SHOWN_CHARACTERS_MAX]
        return False, [f"Response is not valid JSON: {shown}"]
    if schema.get("type") != "object":
        return True, []
    if not isinstance(answer, dict):
        return False, ["Response is not a JSON object"]
    errors = [
        f"Missing required field: {name}"
        for name in schema.get("required", ())
        if name not in answer
    ]
    return not errors, errors

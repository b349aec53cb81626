"""A chat in OpenAI's form, which OpenAI and the gateway take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from llm_gateway.exceptions import ResponseValidationError
from llm_gateway.providers.structured import (
    object_schema,
    schema_name,
    strict_schema,
    validated_text,
)
from llm_gateway.types import LLMMessage, TokenUsage

T = TypeVar("T")


def chat_request(
    messages: Sequence[LLMMessage],
    response_model: type[Any],
    model: str,
    max_tokens: int,
    temperature: float | None,
) -> dict[str, Any]:
    """The body of a request whose answer has the form of the model."""
    schema = object_schema(response_model)
    strict = strict_schema(schema)
    return {
        "model": model,
        "max_completion_tokens": max_tokens,
        **({} if temperature is None else {"temperature": temperature}),
        "messages": [dict(message) for message in messages],
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": schema_name(response_model),
                "schema": strict or schema,
                "strict": strict is not None,
            },
        },
    }


def chat_content(
    completion: Mapping[str, Any], response_model: type[T], usage: TokenUsage
) -> T:
    """What a completion says; ResponseValidationError if it does not fit."""
    choices = completion.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    choice = _object(first)
    message = _object(choice.get("message"))
    content = message.get("content")
    refusal = message.get("refusal")
    if refusal:
        reason = "the model refuses; its words are in `refusal`"
    elif choice.get("finish_reason") == "length":
        reason = "it was cut off; raise LLM_MAX_TOKENS"
    elif not content or not isinstance(content, str):
        reason = f"it is empty ({choice.get('finish_reason')})"
    else:
        return validated_text(response_model, content, usage)
    raise ResponseValidationError(
        response_model.__name__,
        reason,
        usage,
        str(refusal) if refusal else None,
    )


def _object(told: object) -> Mapping[str, Any]:
    """Of what is no object, an empty one."""
    return told if isinstance(told, dict) else {}

"""Anthropic's API, by Anthropic's SDK: the extra `anthropic`.

The form of the answer is that of a tool which the model must call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import anthropic

from llm_gateway.exceptions import ResponseValidationError
from llm_gateway.providers.retrying import advice_on_status
from llm_gateway.providers.sdk_provider import SdkProvider
from llm_gateway.providers.structured import (
    object_schema,
    schema_name,
    validated,
)
from llm_gateway.types import LLMMessage, TokenUsage

T = TypeVar("T")

# Why an answer ends before its end, and what helps.
_CUT_OFF = {
    "max_tokens": "raise LLM_MAX_TOKENS",
    "model_context_window_exceeded": "ask with fewer tokens",
}


class AnthropicProvider(SdkProvider):
    """Asks Anthropic's models; `attempts` are all, the first one among them."""

    name = "anthropic"

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        attempts: int = 3,
        timeout_s: float = 120.0,
    ) -> None:
        super().__init__(api_key, base_url, attempts, timeout_s)
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key, base_url=base_url, timeout=timeout_s, max_retries=0
        )

    async def close(self) -> None:
        await self._client.close()

    def _request(
        self,
        messages: Sequence[LLMMessage],
        response_model: type[Any],
        model: str,
        max_tokens: int,
        temperature: float | None,
    ) -> dict[str, Any]:
        tool = schema_name(response_model)
        request: dict[str, Any] = {
            "model": model,
            "max_tokens": max_tokens,
            "messages": [dict(m) for m in messages if m["role"] != "system"],
            "tools": [
                {
                    "name": tool,
                    "description": "Takes the answer.",
                    "input_schema": object_schema(response_model),
                }
            ],
            "tool_choice": {"type": "tool", "name": tool},
        }
        system = [m["content"] for m in messages if m["role"] == "system"]
        if system:
            request["system"] = "\n\n".join(system)
        if temperature is not None:
            # SDKs of today name no argument for it, since new models take none.
            request["extra_body"] = {"temperature": temperature}
        return request

    async def _ask(self, request: dict[str, Any]) -> Any:
        return await self._client.messages.create(**request)

    def _advice(self, error: BaseException) -> float | None:
        if isinstance(error, anthropic.APIStatusError):
            return advice_on_status(
                error.status_code, error.response.headers.get("retry-after")
            )
        # It was never answered: no connection, or a time-out.
        return 0.0 if isinstance(error, anthropic.APIConnectionError) else None

    def _tokens(self, answer: Any) -> tuple[int, int]:
        told = getattr(answer, "usage", None)
        return (
            getattr(told, "input_tokens", 0) or 0,
            getattr(told, "output_tokens", 0) or 0,
        )

    def _content(
        self, answer: Any, response_model: type[T], usage: TokenUsage
    ) -> T:
        if answer.stop_reason in _CUT_OFF:
            # What there is of the tool's input may fit, and is not all.
            raise ResponseValidationError(
                response_model.__name__,
                f"it was cut off ({answer.stop_reason}); "
                + _CUT_OFF[answer.stop_reason],
                usage,
            )
        for block in answer.content:
            if block.type == "tool_use":
                return validated(response_model, block.input, usage)
        raise ResponseValidationError(
            response_model.__name__,
            f"the model did not fill it in ({answer.stop_reason})",
            usage,
        )

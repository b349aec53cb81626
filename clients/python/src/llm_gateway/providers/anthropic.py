"""Anthropic's API, by Anthropic's SDK: the extra `anthropic`.

The form of the answer is that of a tool which the model must call.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import anthropic

from llm_gateway.cost import build_token_usage, is_priced
from llm_gateway.exceptions import ProviderError, ResponseValidationError
from llm_gateway.providers.retrying import advice_on_status, retrying
from llm_gateway.providers.structured import (
    object_schema,
    schema_name,
    validated,
)
from llm_gateway.types import LLMMessage, LLMResponse

if TYPE_CHECKING:
    from llm_gateway.config import GatewayConfig

T = TypeVar("T")


class AnthropicProvider:
    """Asks Anthropic's models; `attempts` are all, the first one among them."""

    name = "anthropic"

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        attempts: int = 3,
        timeout_s: float = 120.0,
    ) -> None:
        # The SDK's own attempts would multiply ours.
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key, base_url=base_url, timeout=timeout_s, max_retries=0
        )
        self._attempts = attempts

    @classmethod
    def from_config(cls, config: GatewayConfig) -> AnthropicProvider:
        return cls(
            config.get_api_key(),
            config.base_url,
            config.max_retries,
            float(config.timeout_seconds),
        )

    async def complete(
        self,
        messages: Sequence[LLMMessage],
        response_model: type[T],
        model: str,
        max_tokens: int = 4096,
        temperature: float | None = 0.0,
    ) -> LLMResponse[T]:
        request = _request(
            messages, response_model, model, max_tokens, temperature
        )

        async def attempt() -> Any:
            return await self._client.messages.create(**request)

        begun = time.monotonic()
        try:
            message = await retrying(
                attempt, attempts=self._attempts, advice=_advice
            )
        except Exception as error:
            raise ProviderError(self.name, error) from error
        told = getattr(message, "usage", None)
        usage = build_token_usage(
            model,
            getattr(told, "input_tokens", 0) or 0,
            getattr(told, "output_tokens", 0) or 0,
        )
        for block in message.content:
            if block.type == "tool_use":
                content = validated(response_model, block.input, usage)
                break
        else:
            raise ResponseValidationError(
                response_model.__name__,
                f"the model did not fill it in ({message.stop_reason})",
                usage,
            )
        return LLMResponse(
            content=content,
            usage=usage,
            model=model,
            provider=self.name,
            latency_ms=(time.monotonic() - begun) * 1000,
            metadata={
                "cost_known": is_priced(model),
                "request_id": getattr(message, "_request_id", None),
            },
        )

    async def close(self) -> None:
        await self._client.close()


def _request(
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


def _advice(error: BaseException) -> float | None:
    if isinstance(error, anthropic.APIStatusError):
        return advice_on_status(
            error.status_code, error.response.headers.get("retry-after")
        )
    # It was never answered: no connection, or a time-out.
    return 0.0 if isinstance(error, anthropic.APIConnectionError) else None

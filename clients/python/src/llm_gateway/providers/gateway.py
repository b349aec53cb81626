"""llm-gateway itself as the provider: `GATEWAY_URL=http://host:8080`.

It is asked by its HTTP listener, so nothing needs to be installed. It routes,
retries and falls back; what it charges is the cost, to the nano-dollar.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from llm_gateway.exceptions import ProviderError, ResponseValidationError
from llm_gateway.http_json import (
    HttpAnswer,
    HttpFailureError,
    JsonHttp,
    configured_http,
    retry_advice,
)
from llm_gateway.observability.tracing import trace_headers
from llm_gateway.providers.openai_format import chat_content, chat_request
from llm_gateway.providers.retrying import retrying
from llm_gateway.types import LLMMessage, LLMResponse, TokenUsage

if TYPE_CHECKING:
    from llm_gateway.config import GatewayConfig

T = TypeVar("T")

# The gateway ends a call at the time it is told; its answer needs to travel.
_TRAVEL_S = 5.0
# The parts of a cost that are none of the input.
_OUTPUT = ("output", "reasoning", "audio_output", "image_output")


class GatewayProvider:
    """Asks a gateway; `attempts` are all, the first one among them.

    The gateway retries by itself. Another attempt is made here only where it
    could not be reached, or says when to come back.
    """

    name = "gateway"

    def __init__(
        self,
        url: str,
        key: str | None = None,
        attempts: int = 3,
        timeout_s: float = 120.0,
        ca: str | None = None,
    ) -> None:
        self._http = JsonHttp(url, key, ca)
        self._attempts = attempts
        self._timeout_s = timeout_s

    @classmethod
    def from_config(cls, config: GatewayConfig) -> GatewayProvider:
        if not config.base_url:
            raise ValueError("set GATEWAY_URL, such as http://127.0.0.1:8080")
        key = config.api_key.get_secret_value() if config.api_key else None
        # What is wrong is told by its variable.
        configured_http(
            (
                "GATEWAY_URL"
                if config.base_url == config.gateway_url
                else "LLM_BASE_URL",
                config.base_url,
            ),
            (
                "GATEWAY_KEY"
                if config.api_key == config.gateway_key
                else "LLM_API_KEY",
                key,
            ),
            config.gateway_ca,
        )
        return cls(
            config.base_url,
            key,
            config.max_retries,
            float(config.timeout_seconds),
            config.gateway_ca,
        )

    async def complete(
        self,
        messages: Sequence[LLMMessage],
        response_model: type[T],
        model: str,
        max_tokens: int = 4096,
        temperature: float | None = 0.0,
    ) -> LLMResponse[T]:
        request = chat_request(
            messages, response_model, model, max_tokens, temperature
        )
        headers = {
            "x-llmgateway-details": "true",
            "x-llmgateway-timeout": f"{self._timeout_s:g}s",
            **trace_headers(),
        }

        async def attempt() -> HttpAnswer:
            return await self._http.ask(
                "POST",
                "/v1/chat/completions",
                request,
                self._timeout_s + _TRAVEL_S,
                headers,
            )

        begun = time.monotonic()
        try:
            answer = await retrying(
                attempt, attempts=self._attempts, advice=retry_advice
            )
        except HttpFailureError as error:
            if error.reason == "response_validation":
                raise ResponseValidationError(
                    response_model.__name__, str(error)
                ) from error
            raise ProviderError(self.name, error) from error
        except Exception as error:
            raise ProviderError(self.name, error) from error
        told = answer.json
        if not isinstance(told, dict):
            raise ProviderError(
                self.name, ValueError("it answers with no JSON object")
            )
        usage = _usage(told)
        return LLMResponse(
            content=chat_content(told, response_model, usage),
            usage=usage,
            model=str(told.get("model") or model),
            provider=self.name,
            latency_ms=(time.monotonic() - begun) * 1000,
            metadata={
                "cost_known": _is_amount(told.get("cost_usd")),
                "request_id": answer.headers.get("x-request-id"),
                "route": answer.headers.get("x-llmgateway-route"),
                "served_by": told.get("provider"),
            },
        )

    async def close(self) -> None:
        """Nothing is kept between calls."""


def _usage(told: dict[str, Any]) -> TokenUsage:
    usage = told.get("usage")
    parts = told.get("cost_breakdown")
    if not isinstance(usage, dict):
        usage = {}
    if not isinstance(parts, dict):
        parts = {}
    cost = _usd(told.get("cost_usd"))
    output = sum(
        _usd(usd) for name, usd in parts.items() if name.startswith(_OUTPUT)
    )
    # Both add up to what was charged, however it was rounded.
    output = min(output, cost)
    return TokenUsage(
        _tokens(usage.get("prompt_tokens")),
        _tokens(usage.get("completion_tokens")),
        cost - output if parts else cost,
        output,
    )


def _is_amount(told: object) -> TypeGuard[float]:
    # No larger one is finite, as a float.
    return isinstance(told, (int, float)) and 0 <= told <= sys.float_info.max


def _usd(told: object) -> float:
    """Of what is no amount, 0: an answer is paid for, and not lost by it."""
    return float(told) if _is_amount(told) else 0.0


def _tokens(told: object) -> int:
    if isinstance(told, bool) or not isinstance(told, int):
        return 0
    return max(told, 0)

"""OpenAI's API, or one like it, by OpenAI's SDK: the extra `openai`.

The form of the answer is a `json_schema`, strict where strict mode can say it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import openai

from llm_gateway.cost import build_token_usage, is_priced
from llm_gateway.exceptions import ProviderError
from llm_gateway.providers.openai_format import chat_content, chat_request
from llm_gateway.providers.retrying import advice_on_status, retrying
from llm_gateway.types import LLMMessage, LLMResponse

if TYPE_CHECKING:
    from llm_gateway.config import GatewayConfig

T = TypeVar("T")


class OpenAIProvider:
    """Asks OpenAI's models; `attempts` are all, the first one among them."""

    name = "openai"

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        attempts: int = 3,
        timeout_s: float = 120.0,
    ) -> None:
        # The SDK's own attempts would multiply ours.
        self._client = openai.AsyncOpenAI(
            api_key=api_key, base_url=base_url, timeout=timeout_s, max_retries=0
        )
        self._attempts = attempts

    @classmethod
    def from_config(cls, config: GatewayConfig) -> OpenAIProvider:
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
        request = chat_request(
            messages, response_model, model, max_tokens, temperature
        )

        async def attempt() -> Any:
            return await self._client.chat.completions.create(**request)

        begun = time.monotonic()
        try:
            completion = await retrying(
                attempt, attempts=self._attempts, advice=_advice
            )
        except Exception as error:
            raise ProviderError(self.name, error) from error
        told = completion.usage
        usage = build_token_usage(
            model,
            told.prompt_tokens if told else 0,
            told.completion_tokens if told else 0,
        )
        return LLMResponse(
            content=chat_content(
                completion.model_dump(), response_model, usage
            ),
            usage=usage,
            model=model,
            provider=self.name,
            latency_ms=(time.monotonic() - begun) * 1000,
            metadata={
                "cost_known": is_priced(model),
                "request_id": getattr(completion, "_request_id", None),
            },
        )

    async def close(self) -> None:
        await self._client.close()


def _advice(error: BaseException) -> float | None:
    if isinstance(error, openai.APIStatusError):
        # A quota that is spent stays so, whatever its status is.
        if error.code == "insufficient_quota":
            return None
        return advice_on_status(
            error.status_code, error.response.headers.get("retry-after")
        )
    # It was never answered: no connection, or a time-out.
    return 0.0 if isinstance(error, openai.APIConnectionError) else None

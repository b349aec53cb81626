"""OpenAI's API, or one like it, by OpenAI's SDK: the extra `openai`.

The form of the answer is a `json_schema`, strict where strict mode can say it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import openai

from llm_gateway.providers.openai_format import chat_content, chat_request
from llm_gateway.providers.retrying import advice_on_status
from llm_gateway.providers.sdk_provider import SdkProvider
from llm_gateway.types import LLMMessage, TokenUsage

T = TypeVar("T")


class OpenAIProvider(SdkProvider):
    """Asks OpenAI's models; `attempts` are all, the first one among them."""

    name = "openai"

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        attempts: int = 3,
        timeout_s: float = 120.0,
    ) -> None:
        super().__init__(api_key, base_url, attempts, timeout_s)
        self._client = openai.AsyncOpenAI(
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
        return chat_request(
            messages, response_model, model, max_tokens, temperature
        )

    async def _ask(self, request: dict[str, Any]) -> Any:
        return await self._client.chat.completions.create(**request)

    def _advice(self, error: BaseException) -> float | None:
        if isinstance(error, openai.APIStatusError):
            # A quota that is spent stays so, whatever its status is.
            if error.code == "insufficient_quota":
                return None
            return advice_on_status(
                error.status_code, error.response.headers.get("retry-after")
            )
        # It was never answered: no connection, or a time-out.
        return 0.0 if isinstance(error, openai.APIConnectionError) else None

    def _tokens(self, answer: Any) -> tuple[int, int]:
        told = answer.usage
        if not told:
            return 0, 0
        return told.prompt_tokens, told.completion_tokens

    def _content(
        self, answer: Any, response_model: type[T], usage: TokenUsage
    ) -> T:
        return chat_content(answer.model_dump(), response_model, usage)

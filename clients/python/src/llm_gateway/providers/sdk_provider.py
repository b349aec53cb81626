"""What providers that ask by a vendor's SDK have in common.

A vendor's class makes the request and the call, and says what the answer holds.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from llm_gateway.cost import build_token_usage, is_priced
from llm_gateway.exceptions import ProviderError
from llm_gateway.providers.retrying import retrying
from llm_gateway.types import LLMMessage, LLMResponse, TokenUsage

if TYPE_CHECKING:
    from typing_extensions import Self

    from llm_gateway.config import GatewayConfig

T = TypeVar("T")


class SdkProvider(abc.ABC):
    """Asks by an SDK; `attempts` are all, the first one among them."""

    name: ClassVar[str]

    @abc.abstractmethod
    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        attempts: int = 3,
        timeout_s: float = 120.0,
    ) -> None:
        self._attempts = attempts

    @classmethod
    def from_config(cls, config: GatewayConfig) -> Self:
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
        request = self._request(
            messages, response_model, model, max_tokens, temperature
        )

        async def attempt() -> Any:
            return await self._ask(request)

        begun = time.monotonic()
        try:
            answer = await retrying(
                attempt, attempts=self._attempts, advice=self._advice
            )
        except Exception as error:
            raise ProviderError(self.name, error) from error
        usage = build_token_usage(model, *self._tokens(answer))
        return LLMResponse(
            content=self._content(answer, response_model, usage),
            usage=usage,
            model=model,
            provider=self.name,
            latency_ms=(time.monotonic() - begun) * 1000,
            metadata={
                "cost_known": is_priced(model),
                "request_id": getattr(answer, "_request_id", None),
            },
        )

    @abc.abstractmethod
    async def close(self) -> None: ...

    @abc.abstractmethod
    def _request(
        self,
        messages: Sequence[LLMMessage],
        response_model: type[Any],
        model: str,
        max_tokens: int,
        temperature: float | None,
    ) -> dict[str, Any]: ...

    @abc.abstractmethod
    async def _ask(self, request: dict[str, Any]) -> Any:
        """Once; the SDK's own attempts would multiply ours."""

    @abc.abstractmethod
    def _advice(self, error: BaseException) -> float | None:
        """As `retrying` asks for it."""

    @abc.abstractmethod
    def _tokens(self, answer: Any) -> tuple[int, int]:
        """Of the input, and of the output."""

    @abc.abstractmethod
    def _content(
        self, answer: Any, response_model: type[T], usage: TokenUsage
    ) -> T: ...

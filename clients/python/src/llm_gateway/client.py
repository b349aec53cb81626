"""LLMClient, the one class that most programs need."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from pydantic import BaseModel

from llm_gateway.config import GatewayConfig
from llm_gateway.cost import CostTracker
from llm_gateway.exceptions import ResponseValidationError
from llm_gateway.observability.logging import configure_logging
from llm_gateway.observability.tracing import (
    configure_tracing,
    traced_llm_call,
)
from llm_gateway.providers.base import LLMProvider
from llm_gateway.registry import build_provider
from llm_gateway.types import LLMMessage, LLMResponse

T = TypeVar("T")

_log = logging.getLogger(__name__)
_ROLES = ("user", "assistant", "system")


class LLMClient:
    """Asks the model that the environment names.

        async with LLMClient() as llm:
            response = await llm.complete(messages, Answer)

    Another provider is another LLM_PROVIDER, and no other code. Costs add up
    over the client's life: who wants a limit for each user or session makes a
    client for each. Calls may run at the same time, in one event loop.

    Args:
      config: what to use in place of the environment.
      provider_instance: asked in place of what the configuration names.
    """

    def __init__(
        self,
        config: GatewayConfig | None = None,
        provider_instance: LLMProvider | None = None,
    ) -> None:
        self._config = config or GatewayConfig()
        configure_logging(self._config)
        configure_tracing(self._config)
        self._costs = CostTracker(
            self._config.cost_limit_usd, self._config.cost_warn_usd
        )
        self._provider = provider_instance or build_provider(self._config)
        self._name = (
            self._config.provider
            if provider_instance is None
            else getattr(
                provider_instance, "name", type(provider_instance).__name__
            )
        )
        self._closed = False

    async def complete(
        self,
        messages: Sequence[LLMMessage],
        response_model: type[T],
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> LLMResponse[T]:
        """Asks for one answer in the form of `response_model`.

        What is not given is as the configuration says; `max_tokens` 0, too.

        Raises:
          CostLimitExceededError: the limit is spent. Either no provider was
            asked, or `response` has the answer that reached it.
          ResponseValidationError: the answer does not fit.
          ProviderError: the provider failed, also after further attempts.
          TypeError, ValueError: what was asked makes no sense.
        """
        self._check(messages, response_model)
        asked = model or self._config.model
        async with self._costs.call_under_way():
            self._check_open()  # It may have waited.
            with traced_llm_call(model=asked, provider=self._name) as span:
                begun = time.monotonic()
                try:
                    response = await self._provider.complete(
                        messages,
                        response_model,
                        asked,
                        max_tokens=max_tokens or self._config.max_tokens,
                        temperature=(
                            self._config.temperature
                            if temperature is None
                            else temperature
                        ),
                    )
                except ResponseValidationError as error:
                    # It was answered, so it is paid for.
                    if error.usage is not None:
                        span.tell_usage(error.usage)
                        self._costs.record(error.usage)
                    raise
                if not response.latency_ms:
                    response.latency_ms = (time.monotonic() - begun) * 1000
                span.tell(response)
                try:
                    self._costs.record(response.usage, response)
                finally:
                    self._log(response)
        return response

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("this LLMClient is closed; make a new one")

    def _check(
        self, messages: Sequence[LLMMessage], response_model: type[T]
    ) -> None:
        self._check_open()
        if not isinstance(response_model, type) or not issubclass(
            response_model, BaseModel
        ):
            raise TypeError(
                f"response_model is {response_model!r}; it must be a class "
                "derived from pydantic.BaseModel"
            )
        if isinstance(messages, str) or not isinstance(messages, Sequence):
            raise TypeError(
                f"messages is {type(messages).__name__}; it must be a list of "
                "dicts with role and content"
            )
        if not messages:
            raise ValueError("messages is empty; ask something")
        for index, message in enumerate(messages):
            if not isinstance(message, Mapping):
                raise TypeError(
                    f"messages[{index}] is {type(message).__name__}; it must "
                    "be a dict with role and content"
                )
            if message.get("role") not in _ROLES:
                raise ValueError(
                    f"messages[{index}]['role'] is {message.get('role')!r}; "
                    f"it must be one of {', '.join(_ROLES)}"
                )
            if not isinstance(message.get("content"), str):
                raise ValueError(f"messages[{index}]['content'] must be a text")

    def _log(self, response: LLMResponse[Any]) -> None:
        _log.info(
            "LLM call completed",
            extra={
                "provider": response.provider,
                "model": response.model,
                "input_tokens": response.usage.input_tokens,
                "output_tokens": response.usage.output_tokens,
                "cost_usd": response.usage.total_cost_usd,
                "latency_ms": round(response.latency_ms, 1),
                "cumulative_cost_usd": self._costs.total_cost_usd,
            },
        )

    @property
    def config(self) -> GatewayConfig:
        return self._config

    @property
    def total_cost_usd(self) -> float:
        """What all calls of this client have cost."""
        return self._costs.total_cost_usd

    @property
    def total_tokens(self) -> int:
        return self._costs.total_tokens

    @property
    def call_count(self) -> int:
        return self._costs.call_count

    def cost_summary(self) -> dict[str, Any]:
        """Tokens, dollars and calls of this client."""
        return self._costs.summary()

    async def close(self) -> None:
        """Lets the provider go; may be called again."""
        if self._closed:
            return
        self._closed = True
        await self._provider.close()

    async def __aenter__(self) -> LLMClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

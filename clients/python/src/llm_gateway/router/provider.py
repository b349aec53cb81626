"""What the router sends prompts to, and a provider for tests.

A provider is any object with `send`; ProviderError says how it failed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol


class ProviderError(Exception):
    """A provider failed. `code` is TIMEOUT, RATE_LIMITED, SERVER_ERROR,
    AUTH_ERROR, INVALID_REQUEST, or one of the provider's own."""

    def __init__(
        self,
        message: str,
        code: str = "PROVIDER_ERROR",
        retryable: bool = False,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.retryable = retryable
        self.details = details

    def __str__(self) -> str:
        return f"ProviderError({self.code}): {self.message}"


@dataclass(frozen=True)
class ProviderResponse:
    """A provider's answer. `finish_reason` is stop, length or tool_use."""

    content: str
    model: str
    input_tokens: int
    output_tokens: int
    request_id: str
    provider_id: str
    cached: bool = False
    finish_reason: str = "stop"


class PromptProvider(Protocol):
    """What register_provider takes."""

    def send(
        self,
        model_id: str,
        prompt: str,
        max_tokens: int = 4096,
        temperature: float = 0.0,
        timeout_ms: int = 30000,
        structured_output: dict[str, Any] | None = None,
        tools: list[dict[str, Any]] | None = None,
    ) -> ProviderResponse:
        """Raises ProviderError."""


class MockProvider:
    """Answers without a network, as it was told to, and keeps what it was
    asked in `calls`.

        provider = MockProvider(fail_after=2)  # The third call fails.

    Thread-safe.
    """

    def __init__(
        self,
        provider_id: str = "mock",
        default_response: str = "Mock response",
        default_model: str = "mock-model-1",
        default_input_tokens: int = 100,
        default_output_tokens: int = 50,
        fail_after: int | None = None,
        fail_with: Exception | None = None,
        responses: Iterable[ProviderResponse] | None = None,
        latency_ms: float = 0,
    ) -> None:
        """`responses` are the answers to the first calls, in order; behind
        them, and without them, it answers `default_response`, as the model that
        is asked for or, if none is, `default_model`. After `fail_after` calls,
        each one fails with `fail_with`, a SERVER_ERROR if None."""
        self.provider_id = provider_id
        self._lock = threading.Lock()
        self._text = default_response
        self._model = default_model
        self._tokens = (default_input_tokens, default_output_tokens)
        self._fail_after = fail_after
        self._fail_with = fail_with
        self._responses = list(responses or ())
        self._latency_ms = latency_ms
        self.calls: list[dict[str, Any]] = []

    @property
    def call_count(self) -> int:
        return len(self.calls)

    def reset(self) -> None:
        """Forgets all calls, and begins anew."""
        with self._lock:
            self.calls = []

    def send(
        self,
        model_id: str,
        prompt: str,
        max_tokens: int = 4096,
        temperature: float = 0.0,
        timeout_ms: int = 30000,
        structured_output: dict[str, Any] | None = None,
        tools: list[dict[str, Any]] | None = None,
    ) -> ProviderResponse:
        with self._lock:
            number = len(self.calls)
            self.calls.append(
                {
                    "model_id": model_id,
                    "prompt": prompt,
                    "max_tokens": max_tokens,
                    "temperature": temperature,
                    "timeout_ms": timeout_ms,
                    "structured_output": structured_output,
                    "tools": tools,
                }
            )
        if self._latency_ms > 0:
            time.sleep(self._latency_ms / 1000)
        if self._fail_after is not None and number >= self._fail_after:
            raise self._fail_with or ProviderError(
                "the mock provider was told to fail", "SERVER_ERROR", True
            )
        if number < len(self._responses):
            return self._responses[number]
        return ProviderResponse(
            content=self._text,
            model=model_id or self._model,
            input_tokens=self._tokens[0],
            output_tokens=self._tokens[1],
            request_id=f"mock-{number + 1}",
            provider_id=self.provider_id,
        )

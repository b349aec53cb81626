"""What tokens cost, and what a client has spent.

Sums are kept in whole nano-dollars, so that a million small calls add up to
what they cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from llm_gateway.exceptions import CostLimitExceededError
from llm_gateway.types import LLMResponse, TokenUsage

_log = logging.getLogger(__name__)

_NANOS_PER_USD = 1_000_000_000


class Price(NamedTuple):
    """US dollars for a million tokens."""

    input_per_1m: float
    output_per_1m: float


# By the exact name of the model. Through the gateway costs are the gateway's,
# by prices that it keeps current; these are for calls without it.
_PRICING: dict[str, Price] = {
    "claude-haiku-4-5-20251001": Price(0.80, 4.00),
    "claude-opus-4-20250514": Price(15.00, 75.00),
    "claude-sonnet-4-5-20250514": Price(3.00, 15.00),
    "gpt-4.1": Price(2.00, 8.00),
    "gpt-4.1-mini": Price(0.40, 1.60),
    "gpt-4.1-nano": Price(0.10, 0.40),
    "gpt-4o": Price(2.50, 10.00),
    "gpt-4o-mini": Price(0.15, 0.60),
}


def register_pricing(
    model: str, input_per_1m: float, output_per_1m: float
) -> None:
    """Says what a model costs, for all clients; replaces what was known.

    Raises ValueError for a price that is negative or no number.
    """
    price = Price(input_per_1m, output_per_1m)
    for name, usd in price._asdict().items():
        if not math.isfinite(usd) or usd < 0:
            raise ValueError(
                f"{name} of '{model}' is {usd}; a price is 0 or more dollars "
                "for a million tokens"
            )
    _PRICING[model] = price


def is_priced(model: str) -> bool:
    """Whether the price of exactly this model is known."""
    return model in _PRICING


def calculate_cost(
    model: str, input_tokens: int, output_tokens: int
) -> tuple[float, float]:
    """Dollars for input and output; both 0 where the price is not known."""
    price = _PRICING.get(model)
    if price is None:
        return 0.0, 0.0
    return (
        input_tokens * price.input_per_1m / 1_000_000,
        output_tokens * price.output_per_1m / 1_000_000,
    )


def build_token_usage(
    model: str, input_tokens: int, output_tokens: int
) -> TokenUsage:
    """The tokens with what they cost by the prices that are known here."""
    return TokenUsage(
        input_tokens,
        output_tokens,
        *calculate_cost(model, input_tokens, output_tokens),
    )


class CostTracker:
    """Adds up what calls took, and says when it is too much.

    A warning is logged once, when `cost_warn_usd` is reached. Once
    `cost_limit_usd` is reached `check` and `record` raise
    CostLimitExceededError. None or 0 is no limit. Thread-safe.

        async with tracker.call_under_way():
            response = ...
            tracker.record(response.usage, response)

    Of calls made together another waits while those under way, at what calls
    have cost in the mean, would reach the limit; the first one, of which
    nothing is known, has gone alone. So the limit is passed by no more than
    what those under way cost above the mean.
    """

    def __init__(
        self,
        cost_limit_usd: float | None = None,
        cost_warn_usd: float | None = None,
    ) -> None:
        self._limit_usd = cost_limit_usd
        self._warn_usd = cost_warn_usd
        self._lock = threading.Lock()
        self._under_way = 0
        self._has_ended = False
        # For those that wait: each is told when it may look again.
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._zero()

    def _zero(self) -> None:
        self._input_tokens = 0
        self._output_tokens = 0
        self._cost_nanos = 0
        self._calls = 0
        self._warned = False

    def check(self) -> None:
        """Raises where the limit is spent, before a call is made."""
        self._refuse_beyond(None)

    @contextlib.asynccontextmanager
    async def call_under_way(self) -> AsyncIterator[None]:
        """Around a call; raises where the limit is spent, before it begins."""
        await self._begin()
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._has_ended = True
            self._wake_next()

    async def _begin(self) -> None:
        has_waited = False
        while True:
            with self._lock:
                is_spent = self._is_spent()
                if is_spent or self._has_room():
                    self._under_way += not is_spent
                    break
                turn = asyncio.get_running_loop().create_future()
                # Whose turn it was stays before those that came later.
                if has_waited:
                    self._waiting.appendleft(turn)
                else:
                    self._waiting.append(turn)
            has_waited = True
            try:
                await turn
            except BaseException:
                with self._lock, contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
                self._wake_next()
                raise
        self._wake_next()
        if is_spent:
            self._refuse_beyond(None)

    def _has_room(self) -> bool:
        if not self._limit_usd or not self._under_way:
            return True
        mean = self.total_cost_usd / max(1, self._calls)
        expected = self.total_cost_usd + mean * self._under_way
        return self._has_ended and expected < self._limit_usd

    def _wake_next(self) -> None:
        """Who is woken wakes the next one, unless there is no room."""
        while True:
            with self._lock:
                if not self._waiting:
                    return
                turn = self._waiting.popleft()
            with contextlib.suppress(RuntimeError):  # Its loop has ended.
                turn.get_loop().call_soon_threadsafe(_wake, turn)
                return

    def record(
        self, usage: TokenUsage, response: LLMResponse[Any] | None = None
    ) -> None:
        """Adds a call that was made; it is counted also where this raises."""
        with self._lock:
            self._input_tokens += usage.input_tokens
            self._output_tokens += usage.output_tokens
            self._cost_nanos += round(usage.total_cost_usd * _NANOS_PER_USD)
            self._calls += 1
            total = self.total_cost_usd
            warns = (
                bool(self._warn_usd)
                and not self._warned
                and total >= (self._warn_usd or 0)
            )
            self._warned = self._warned or warns
        if warns:
            _log.warning(
                "$%.4f are spent; LLM_COST_WARN_USD is $%.4f",
                total,
                self._warn_usd,
            )
        self._refuse_beyond(response)

    def _is_spent(self) -> bool:
        return bool(self._limit_usd) and self.total_cost_usd >= (
            self._limit_usd or 0
        )

    def _refuse_beyond(self, response: LLMResponse[Any] | None) -> None:
        if self._is_spent():
            raise CostLimitExceededError(
                self.total_cost_usd, self._limit_usd or 0, response
            )

    @property
    def total_cost_usd(self) -> float:
        return self._cost_nanos / _NANOS_PER_USD

    @property
    def total_tokens(self) -> int:
        return self._input_tokens + self._output_tokens

    @property
    def call_count(self) -> int:
        return self._calls

    def summary(self) -> dict[str, Any]:
        """All of it, for a log line."""
        return {
            "total_input_tokens": self._input_tokens,
            "total_output_tokens": self._output_tokens,
            "total_tokens": self.total_tokens,
            "total_cost_usd": round(self.total_cost_usd, 6),
            "call_count": self._calls,
        }

    def reset(self) -> None:
        """Forgets everything; the warning may come again."""
        with self._lock:
            self._zero()


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)

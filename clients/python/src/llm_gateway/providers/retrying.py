"""Asks once more where that may help, and says when it may not.

    text = await retrying(ask, attempts=3, advice=advice_on)

`advice` tells of an error how many seconds to wait at the least, 0 where
nobody said, and None where another try cannot help.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
)

T = TypeVar("T")
Advice = Callable[[BaseException], "float | None"]

# Whoever is told to wait longer hears the failure instead.
WAIT_S_MAX = 60.0
# A time-out on the way, a conflict, too many requests, and the server's own.
_STATUSES = frozenset((408, 409, 429, 500, 502, 503, 504, 529))

_back_off = wait_exponential(multiplier=1, min=1, max=10)


async def retrying(
    attempt: Callable[[], Awaitable[T]],
    *,
    attempts: int,
    advice: Advice,
    sleep: Callable[[float], Awaitable[None]] | None = None,
) -> T:
    """Calls `attempt` up to `attempts` times, 1 at the least.

    Between two there are 1, 2, 4, 8 and then 10 seconds, or as long as
    `advice` says if that is more. What the last one raised is raised.
    """

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        told = advice(error) if error is not None else None
        return max(_back_off(state), told or 0.0)

    retryer = AsyncRetrying(
        stop=stop_after_attempt(max(1, attempts)),
        wait=wait,
        retry=retry_if_exception(lambda error: advice(error) is not None),
        sleep=sleep or asyncio.sleep,
        reraise=True,
    )
    return await retryer(attempt)


def advice_on_status(status: int, retry_after: str | None) -> float | None:
    """Of an answer by HTTP, with its header `retry-after` in seconds."""
    if status not in _STATUSES:
        return None
    try:
        seconds = float(retry_after) if retry_after else 0.0
    except ValueError:
        seconds = 0.0  # A date; the usual wait will do.
    return seconds if 0 <= seconds <= WAIT_S_MAX else None

"""Whether a failed call is made again, and after how long.

The gateway retries what its providers fail, so a client that did it again would
multiply the attempts. It repeats only what the gateway has turned away without
asking a provider, and when the gateway says so:

    policy.wait_s(error, attempt=1, repeatable=False)  # None: not at all.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from llm_gateway.exceptions import ConfigurationError
from llm_gateway.rpc.errors import CallError

# Another replica, or this one in a moment, may serve it.
_LATER = frozenset(
    {
        "CONCURRENCY_LIMITED",
        "CONTEXT_SERVICE_UNAVAILABLE",
        "DRAINING",
        "IDENTITY_UNAVAILABLE",
        "OVERLOADED",
    }
)
# The same, but only the gateway knows when: without a push-back never.
_WHEN_TOLD = frozenset({"CIRCUIT_OPEN", "RATE_LIMITED", "STORE_UNAVAILABLE"})
# A provider may have been asked before it was found out.
_PERHAPS_DONE = frozenset({"LEDGER_UNAVAILABLE"})
_BACKOFF_S = 0.2
_BACKOFF_LIMIT_S = 5.0
# A wait looks at least so often whether it is over.
_LOOK_S = 1.0


@dataclass(frozen=True)
class RetryPolicy:
    """How often a call is made, and how long it waits in between.

    A push-back that is longer than `wait_s_max` is the caller's affair: the
    error that it came with is raised at once.
    """

    attempts_max: int = 3  # In all; 1 for no retries.
    wait_s_max: float = 30.0

    def __post_init__(self) -> None:
        if not isinstance(self.attempts_max, int):
            raise ConfigurationError({"attempts_max": "is no whole number"})
        if self.attempts_max < 1:
            raise ConfigurationError(
                {"attempts_max": f"is {self.attempts_max}; it is at least 1"}
            )
        if self.wait_s_max < 0:
            raise ConfigurationError(
                {"wait_s_max": f"is {self.wait_s_max}; it is at least 0"}
            )

    def wait_s(
        self, error: CallError, attempt: int, repeatable: bool
    ) -> float | None:
        """How long to wait after attempt number `attempt`, counted from 1;
        None if there is to be no other.

        A call is `repeatable` if nothing is done twice where nobody knows how
        far it had come, as when the connection broke.
        """
        if attempt >= self.attempts_max:
            return None
        told = error.pushback_ms
        if not _may_be_repeated(error, told is not None, repeatable):
            return None
        if told is None:
            return _backoff_s(attempt)
        wait = told / 1000
        return wait if 0 <= wait <= self.wait_s_max else None


class RetryBudget:
    """Keeps the retries of a client few, as gRPC's `retryThrottling` does.

    Each failure takes a token and each success gives back a tenth; there are
    no retries while half of them or fewer are left. Thread-safe.
    """

    _TOKENS_MAX = 10.0
    _TOKENS_OF_SUCCESS = 0.1

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens = self._TOKENS_MAX

    def succeeded(self) -> None:
        with self._lock:
            self._tokens = min(
                self._TOKENS_MAX, self._tokens + self._TOKENS_OF_SUCCESS
            )

    def failed(self) -> bool:
        """Whether there may be a retry."""
        with self._lock:
            self._tokens = max(0.0, self._tokens - 1)
            return self._tokens > self._TOKENS_MAX / 2


class RetryWaits:
    """The waits of all calls of a client for their next attempts.

        waits.wait(8.0, lambda: is_cancelled)
        # And in another thread: is_cancelled = True; waits.look()

    Thread-safe.
    """

    def __init__(self, sleep: Callable[[float], None] | None = None) -> None:
        """`sleep` waits instead, to its end."""
        self._sleep = sleep
        self._news = threading.Condition()

    def wait(self, seconds: float, is_over: Callable[[], bool]) -> None:
        """Until then, or `is_over` when somebody has everybody look."""
        if self._sleep is not None:
            self._sleep(seconds)
            return
        until = time.monotonic() + seconds
        with self._news:
            # A signal's handler on this thread may call `look` just before it
            # waits, and then wakes nobody.
            while (left := until - time.monotonic()) > 0:
                if self._news.wait_for(is_over, min(left, _LOOK_S)):
                    break

    def look(self) -> None:
        """Has all that wait look whether it is over."""
        with self._news:
            self._news.notify_all()


def _may_be_repeated(error: CallError, is_told: bool, repeatable: bool) -> bool:
    if error.reason in _LATER:
        return True
    if error.reason in _WHEN_TOLD:
        return is_told
    if error.reason in _PERHAPS_DONE:
        return repeatable
    # Nobody answered, or not to the end.
    return not error.reason and error.code == "UNAVAILABLE" and repeatable


def _backoff_s(attempt: int) -> float:
    most = min(_BACKOFF_LIMIT_S, _BACKOFF_S * 2.0 ** (attempt - 1))
    return random.uniform(most / 2, most)

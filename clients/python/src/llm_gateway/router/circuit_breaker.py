"""CircuitBreaker keeps a provider that fails from being asked for a while.

  CLOSED --(failure_threshold in a row)--> OPEN
  OPEN --(recovery_timeout_ms since the last failure)--> HALF_OPEN
  HALF_OPEN --(a success)--> CLOSED     HALF_OPEN --(a failure)--> OPEN

    if breaker.allow_request():
        ...
        breaker.record_success()  # Or record_failure(), or release().

Thread-safe.
"""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


class CircuitState(str, enum.Enum):
    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


@dataclass
class CircuitBreakerConfig:
    """When the breaker opens, for how long, and how many requests try then
    whether the provider has recovered."""

    failure_threshold: int = 3  # At least 1.
    recovery_timeout_ms: int = 30000  # At least 0.
    half_open_max: int = 1  # At least 1.


class CircuitBreaker:
    def __init__(
        self,
        config: CircuitBreakerConfig,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` tells seconds that never go back."""
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._state = CircuitState.CLOSED
        self._failures = 0  # In a row.
        self._failed_at = 0.0
        self._probes = 0  # Admitted since it became half open.

    @property
    def state(self) -> CircuitState:
        """Its state now. OPEN becomes HALF_OPEN when this, or anything else,
        looks at it."""
        with self._lock:
            return self._state_now()

    def allow_request(self) -> bool:
        """Whether a request may go. Whoever was told so says how it went."""
        with self._lock:
            state = self._state_now()
            if state is CircuitState.OPEN:
                return False
            if state is CircuitState.HALF_OPEN:
                if self._probes >= self._config.half_open_max:
                    return False
                self._probes += 1
            return True

    def record_success(self) -> None:
        with self._lock:
            self._state = CircuitState.CLOSED
            self._failures = 0

    def record_failure(self) -> None:
        now = self._clock()
        with self._lock:
            half_open = self._state_now() is CircuitState.HALF_OPEN
            self._failures += 1
            self._failed_at = now
            if half_open or self._failures >= self._config.failure_threshold:
                self._state = CircuitState.OPEN

    def release(self) -> None:
        """Takes back what allow_request has admitted: the provider was not
        asked, so nothing is known of it."""
        with self._lock:
            if self._state is CircuitState.HALF_OPEN and self._probes > 0:
                self._probes -= 1

    def _state_now(self) -> CircuitState:
        if self._state is CircuitState.OPEN:
            rested_ms = (self._clock() - self._failed_at) * 1000
            if rested_ms >= self._config.recovery_timeout_ms:
                self._state = CircuitState.HALF_OPEN
                self._probes = 0
        return self._state

"""How calls have gone."""

from __future__ import annotations

import functools
from typing import Any

from llm_gateway.http_json import reading_answer
from llm_gateway.services.listeners import (
    ADMIN,
    ADMIN_TIMEOUT_S,
    operator_listener,
)

_HOURS_MAX = 24


class GatewayTracer:
    """What a running gateway knows of its calls. Raises GatewayError."""

    async def get_trace_metrics(self, hours: int = 24) -> dict[str, Any]:
        """`total_traces`, `successful_traces`, `error_rate` (0 to 1),
        `avg_duration_ms`, and `operations` by name, of the last `hours`.

        Raises ValueError for hours that are not 1 to 24.
        """
        if not 1 <= hours <= _HOURS_MAX:
            raise ValueError(f"hours is {hours}; it must be 1 to {_HOURS_MAX}")
        answer = await operator_listener().ask(
            "GET",
            f"{ADMIN}/traces/metrics?hours={hours}",
            timeout_s=ADMIN_TIMEOUT_S,
        )
        with reading_answer():
            return dict(answer.json)


@functools.lru_cache(maxsize=1)
def get_tracer() -> GatewayTracer:
    return GatewayTracer()

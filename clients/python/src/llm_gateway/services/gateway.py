"""How the gateway fares."""

from __future__ import annotations

import functools
from typing import Any

from llm_gateway.http_json import reading_answer
from llm_gateway.services.listeners import (
    ADMIN,
    ADMIN_TIMEOUT_S,
    caller_listener,
    has_operator_listener,
    operator_listener,
)


class RunningGateway:
    """A gateway that runs elsewhere. Raises GatewayError."""

    async def health_check(self) -> dict[str, Any]:
        """`overall_status`, healthy or degraded, and `providers` by name.

        With GATEWAY_ADMIN_URL it is what operators are told, with `problems`
        in words; without it, what every caller is.
        """
        if has_operator_listener():
            answer = await operator_listener().ask(
                "GET", ADMIN + "/health", timeout_s=ADMIN_TIMEOUT_S
            )
            with reading_answer():
                return dict(answer.json)
        answer = await caller_listener().ask(
            "GET", "/gateway/health", timeout_s=ADMIN_TIMEOUT_S
        )
        with reading_answer():
            return {
                "overall_status": answer.json["status"],
                "providers": {
                    name: {"status": "healthy" if is_well else "degraded"}
                    for name, is_well in answer.json["providers"].items()
                },
            }


@functools.lru_cache(maxsize=1)
def get_llm_gateway() -> RunningGateway:
    return RunningGateway()

"""Where the gateway is, and who we are there.

| variable | |
| --- | --- |
| GATEWAY_URL | the HTTP listener; if it is not set, that of `make run` |
| GATEWAY_KEY | the caller's key, if the gateway asks for one |
| GATEWAY_ADMIN_URL | the operators' HTTP listener, `listeners.admin_http` |
| GATEWAY_OPERATOR_KEY | the operator's key, if it asks for one |
| GATEWAY_CA | a PEM file with the issuer of their certificates |
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from llm_gateway.environment import EnvironmentSettings
from llm_gateway.exceptions import GatewayError
from llm_gateway.http_json import JsonHttp, configured_http

T = TypeVar("T")

ADMIN = "/api/admin/gateway"
# Of a question to an operator's path; those of callers take as long as a model.
ADMIN_TIMEOUT_S = 30.0


class _Listeners(EnvironmentSettings):
    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    url: str = "http://127.0.0.1:8080"
    key: SecretStr | None = None
    admin_url: str | None = None
    operator_key: SecretStr | None = None
    ca: str | None = None


def caller_listener() -> JsonHttp:
    """The listener that programs call."""
    listeners = _Listeners()
    return configured_http(
        ("GATEWAY_URL", listeners.url),
        ("GATEWAY_KEY", _secret(listeners.key)),
        listeners.ca,
    )


def has_operator_listener() -> bool:
    return _Listeners().admin_url is not None


def operator_listener() -> JsonHttp:
    """The listener that operators ask; GatewayError if nobody said where."""
    listeners = _Listeners()
    if listeners.admin_url is None:
        raise GatewayError(
            "only operators are told that: set GATEWAY_ADMIN_URL to the "
            "gateway's listeners.admin_http, such as http://127.0.0.1:50053, "
            "and GATEWAY_OPERATOR_KEY if it asks for a key"
        )
    return configured_http(
        ("GATEWAY_ADMIN_URL", listeners.admin_url),
        ("GATEWAY_OPERATOR_KEY", _secret(listeners.operator_key)),
        listeners.ca,
    )


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


def in_own_loop(asked: Coroutine[Any, Any, T]) -> T:
    """Waits for it, also where a loop runs already in this thread."""
    answer: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(asyncio.run(asked))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="llm_gateway")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return answer[0]

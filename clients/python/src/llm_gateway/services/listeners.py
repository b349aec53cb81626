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
import contextlib
import contextvars
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
    """Waits for it, also where a loop runs already in this thread. Who stops
    waiting, as by Ctrl-C, cancels it, and goes on once it has ended."""
    answer: list[T] = []
    failure: list[BaseException] = []
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []
    is_left = threading.Event()
    # A join() that was interrupted says in some Pythons that the thread ended,
    # or never; an event does not.
    is_over = threading.Event()

    async def cancellable() -> T:
        task = asyncio.ensure_future(asked)
        running.append((asyncio.get_running_loop(), task))
        if is_left.is_set():
            task.cancel()
        return await task

    def run() -> None:
        try:
            answer.append(asyncio.run(cancellable()))
        except BaseException as error:
            failure.append(error)
        finally:
            is_over.set()

    # The span that is open here is so there.
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(run,), name="llm_gateway"
    )
    try:
        thread.start()
        is_over.wait()
    except BaseException:
        is_left.set()
        for loop, task in running:
            with contextlib.suppress(RuntimeError):  # It is over already.
                loop.call_soon_threadsafe(task.cancel)
        if thread.is_alive():
            is_over.wait()
        raise
    thread.join()
    if failure:
        raise failure[0]
    return answer[0]

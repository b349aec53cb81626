"""JSON by HTTP, for the gateway's own paths.

    http = JsonHttp("http://127.0.0.1:8080", key="...")
    answer = await http.ask("POST", "/v1/chat/completions", {...}, 30.0)

On asyncio's streams, so that leaving a call closes its connection at once and
the gateway hears of it. Each call has a connection of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.message
import functools
import http.client
import io
import json
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from llm_gateway.exceptions import ConfigurationError, GatewayError
from llm_gateway.providers.retrying import WAIT_S_MAX

_HEAD_BYTES_MAX = 256 * 1024
_BODY_BYTES_MAX = 64 * 1024 * 1024
_CONNECT_TIMEOUT_S = 10.0
_TLS_CONTEXTS_MAX = 8


class UnreachableError(GatewayError):
    """There is no connection, so nothing was asked."""


class BrokenAnswerError(GatewayError, ConnectionError):
    """It was asked, and what came is no answer of a gateway: it broke off, or
    has another form. Whether the call has run is not known."""


class AnswerTimeoutError(GatewayError, TimeoutError):
    """It was asked, and did not answer in time."""


class HttpFailureError(GatewayError):
    """The gateway refused, or the call failed behind it.

    Fields:
      status: of HTTP.
      reason: one word of the gateway's closed list, in lower case, such as
        `budget_exhausted`; "" where it says none.
      request_id: by which operators find the call.
      retry_after_s: when it may be asked again; None if it must not be, since
        that cannot help or the gateway has tried again already.
    """

    def __init__(
        self,
        status: int,
        message: str,
        reason: str = "",
        request_id: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        self.status = status
        self.reason = reason
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        super().__init__(f"{status} {reason}: {message}".replace(" :", ":"))


def retry_advice(error: BaseException) -> float | None:
    """For `retrying`: only where the gateway could not be reached, or says
    when to come back. It has tried everything else by itself."""
    if isinstance(error, UnreachableError):
        return 0.0
    if isinstance(error, HttpFailureError):
        wait = error.retry_after_s
        return wait if wait is not None and wait <= WAIT_S_MAX else None
    return None


@dataclass(frozen=True)
class HttpAnswer:
    """An answer of status 2xx."""

    headers: email.message.Message
    json: Any


@contextlib.contextmanager
def reading_answer() -> Iterator[None]:
    """Around what takes fields out of an answer: BrokenAnswerError where they
    are not there."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        told = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BrokenAnswerError(
            f"the answer has not the form of a gateway's: {told}"
        ) from error


def url_problem(url: str) -> str | None:
    """Why it is no address of a gateway; None if it is one."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.hostname
        if is_address and "@" in parts.netloc:
            return "has a user or a password, which nobody is shown; give a key"
        if is_address and parts.port != 0 and url.isprintable():
            return None
    except ValueError:  # Of a port, or of brackets.
        pass
    return "is no address of a gateway; it must be like http://127.0.0.1:8080"


def is_key(key: str | None) -> bool:
    return key is None or (key.isascii() and key.isprintable())


def configured_http(
    url: tuple[str, str], key: tuple[str, str | None], ca: str | None
) -> JsonHttp:
    """By what variables say, whose names are given; ConfigurationError names
    those that are wrong."""
    problems = {}
    problem = url_problem(url[1])
    if problem is not None:
        problems[url[0]] = f"{_without_password(url[1])!r} {problem}"
    if not is_key(key[1]):
        problems[key[0]] = "has characters of no key; keys are printable ASCII"
    if ca is not None and not problems:
        try:
            _tls_context(ca)
        except OSError as error:  # ssl.SSLError, too.
            problems["GATEWAY_CA"] = (
                f"is {ca!r}; it must be a PEM file with the issuer of the "
                f"gateway's certificate ({error})"
            )
    if problems:
        raise ConfigurationError(problems)
    return JsonHttp(url[1], key[1], ca)


def _without_password(url: str) -> str:
    """As it may be shown."""
    _, at, after = url.rpartition("@")
    return f"...{at}{after}" if at else url


def _tls_context(ca: str | None) -> ssl.SSLContext:
    """Reading the certificates takes 50 ms, so it is done anew only where a
    file of them has changed. Raises OSError."""
    if ca is not None:
        return _read_tls_context(ca, (_version(ca),))
    paths = ssl.get_default_verify_paths()
    versions = []
    for path in (paths.cafile, paths.capath):
        try:
            versions.append(_version(path) if path else None)
        except OSError:
            versions.append(None)
    return _read_tls_context(None, tuple(versions))


def _version(path: str) -> tuple[str, int, int]:
    told = os.stat(path)
    return os.path.abspath(path), told.st_mtime_ns, told.st_size


@functools.lru_cache(maxsize=_TLS_CONTEXTS_MAX)
def _read_tls_context(
    ca: str | None, versions: tuple[tuple[str, int, int] | None, ...]
) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


class JsonHttp:
    """One listener of the gateway; calls may run at the same time.

    Args:
      url: as http://host:port or https://..., with a path before ours if need
        be.
      key: sent as `authorization: Bearer`.
      ca: a PEM file with the issuer of its certificate; None: the system's.

    Raises ValueError for a URL that is none, OSError for a `ca` that is none.
    """

    def __init__(
        self, url: str, key: str | None = None, ca: str | None = None
    ) -> None:
        problem = url_problem(url)
        if problem is not None:
            raise ValueError(f"{_without_password(url)!r} {problem}")
        if not is_key(key):
            raise ValueError("the gateway's key has characters of no key")
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._authority = parts.netloc.rpartition("@")[2]
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._prefix = parts.path.rstrip("/")
        self._key = key
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._tls = _tls_context(ca)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        timeout_s: float = 30.0,
        headers: dict[str, str] | None = None,
    ) -> HttpAnswer:
        """Asks once. Raises UnreachableError, HttpFailureError,
        AnswerTimeoutError after `timeout_s` in all, or BrokenAnswerError;
        ValueError for headers that cannot be sent."""
        try:
            return await asyncio.wait_for(
                self._ask(method, path, body, headers or {}), timeout_s
            )
        except asyncio.TimeoutError:
            raise AnswerTimeoutError(
                f"{method} {path}: no answer in {timeout_s:g} s"
            ) from None

    async def _ask(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> HttpAnswer:
        request = self._request(method, path, body, headers)
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(
                    self._host,
                    self._port,
                    ssl=self._tls,
                    limit=_HEAD_BYTES_MAX,
                ),
                _CONNECT_TIMEOUT_S,
            )
        except (OSError, asyncio.TimeoutError) as error:
            raise UnreachableError(
                f"no gateway at {self._authority}: "
                f"{str(error) or 'it does not answer'}"
            ) from error
        try:
            writer.write(request)
            await writer.drain()
            status, told = await _head(reader)
            content = await _body(reader, told)
        except asyncio.IncompleteReadError as error:
            raise BrokenAnswerError(
                f"{self._authority} closed the connection in its answer"
            ) from error
        except asyncio.LimitOverrunError as error:
            raise BrokenAnswerError(
                f"{self._authority} answers with a head over "
                f"{_HEAD_BYTES_MAX} bytes"
            ) from error
        except BrokenAnswerError:
            raise
        except (OSError, ValueError, http.client.HTTPException) as error:
            # The connection broke, or a number of HTTP is none.
            raise BrokenAnswerError(
                f"{self._authority} gives no answer by HTTP: {error}"
            ) from error
        finally:
            writer.transport.abort()
        return _answer(status, told, content)

    def _request(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> bytes:
        content = b"" if body is None else json.dumps(body).encode()
        fields = {
            "host": self._authority,
            "accept": "application/json",
            "connection": "close",
            **headers,
        }
        if body is not None:
            fields["content-type"] = "application/json"
            fields["content-length"] = str(len(content))
        if self._key:
            fields["authorization"] = f"Bearer {self._key}"
        for name, value in fields.items():
            if "\r" in value or "\n" in value:
                raise ValueError(f"the header '{name}' has a line break")
        lines = [f"{method} {self._prefix}{path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


async def _head(
    reader: asyncio.StreamReader,
) -> tuple[int, email.message.Message]:
    """The final status and its fields; 1xx are passed over."""
    while True:
        line, _, fields = (await reader.readuntil(b"\r\n\r\n")).partition(
            b"\r\n"
        )
        words = line.split(maxsplit=2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
            raise BrokenAnswerError("what answers speaks no HTTP/1.1")
        status = int(words[1])
        if status >= 200:
            return status, http.client.parse_headers(io.BytesIO(fields))


async def _body(
    reader: asyncio.StreamReader, headers: email.message.Message
) -> bytes:
    if "chunked" in (headers.get("transfer-encoding") or "").lower():
        pieces: list[bytes] = []
        left = _BODY_BYTES_MAX
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            left = _left(left, size)
            pieces.append((await reader.readexactly(size + 2))[:-2])
        return b"".join(pieces)
    if headers.get("content-length") is not None:
        size = int(headers["content-length"])
        _left(_BODY_BYTES_MAX, size)
        return await reader.readexactly(size)
    content = b""
    while piece := await reader.read(65536):
        _left(_BODY_BYTES_MAX, len(content) + len(piece))
        content += piece
    return content


def _left(left: int, size: int) -> int:
    if not 0 <= size <= left:
        raise BrokenAnswerError(f"the answer is over {_BODY_BYTES_MAX} bytes")
    return left - size


def _answer(
    status: int, headers: email.message.Message, content: bytes
) -> HttpAnswer:
    try:
        told = json.loads(content) if content else None
    except (ValueError, RecursionError):
        told = None
    if 200 <= status < 300 and (told is not None or not content):
        return HttpAnswer(headers, told)
    error = told.get("error") if isinstance(told, dict) else None
    message, reason = "", ""
    if isinstance(error, dict):
        message = str(error.get("message") or "")
        reason = str(error.get("code") or error.get("type") or "")
    elif isinstance(told, dict):
        detail = told.get("detail")
        message = detail if isinstance(detail, str) else json.dumps(detail)
        reason = str(told.get("reason") or "").lower()
    raise HttpFailureError(
        status,
        message or "an answer that is no JSON",
        reason,
        headers.get("x-request-id") or "",
        _retry_after_s(headers),
    )


def _retry_after_s(headers: email.message.Message) -> float | None:
    """Only where the gateway itself says that waiting helps."""
    if (headers.get("x-should-retry") or "").lower() == "false":
        return None
    try:
        return float(headers["retry-after"])
    except (TypeError, ValueError):
        return None

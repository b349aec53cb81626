"""What a client is told of its gateway, and a call of itself."""

from __future__ import annotations

import functools
import ipaddress
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from numbers import Real
from typing import Any, Literal, TypedDict

from llm_gateway.exceptions import ConfigurationError
from llm_gateway.rpc.retrying import RetryPolicy

SERVICE = "llmgateway.v1.GatewayService"

Pem = str | os.PathLike[str] | bytes
MetadataMap = Mapping[str, str | bytes]

_NAME = re.compile(r"[0-9a-z_.-]+")
_PEM = {
    "ca": b"CERTIFICATE-----",
    "certificate": b"CERTIFICATE-----",
    "private_key": b"PRIVATE KEY-----",
}
# Such a target, a list too.
_LOOPBACK = r"(?:localhost|127\.[\d.]+|\[::1\])(?::\d+)?"
_ON_THIS_MACHINE = re.compile(
    rf"(?:(?:dns|ipv4|ipv6):/*)?{_LOOPBACK}(?:,{_LOOPBACK})*"
)
# gRPC's argument for what server_name says.
_NAME_OVERRIDE = "grpc.ssl_target_name_override"
_KEEPALIVE_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 20_000


class CallFields(TypedDict, total=False):
    """What one call may have of its own; None is as if it were not given."""

    # Seconds for all of the call, waits and retries included; math.inf for no
    # limit. If it is not given, the client's.
    timeout_s: float | None
    # Letters, digits and `-_.:`, at most 128; made up by the gateway if absent.
    request_id: str | None
    # Beside the client's; a key of both has this value.
    metadata: MetadataMap | None
    # Whether to wait, until the timeout, for a gateway that can be reached.
    wait_for_ready: bool | None
    # W3C's, of the span that the call belongs to; else OpenTelemetry's current
    # one, if the program uses it.
    traceparent: str | None
    # In place of the client's; an empty one sends none.
    api_key: str | None


@dataclass(frozen=True, kw_only=True)
class ClientOptions:
    """What `LLMGateway.connect` takes beside the target; None is as if it were
    not given.

    Fields:
      api_key: sent as `authorization: Bearer`; a function is asked for each
        call, for keys that change.
      plaintext: no TLS. Whoever is on the way reads keys and prompts: for this
        machine, or where a mesh encrypts.
      ca: who issued the gateway's certificate, as PEM or the path of a file;
        the system's roots if None.
      certificate, private_key: the caller's own, for mutual TLS, likewise.
      server_name: the name that the gateway's certificate must have, in place
        of the target's; a list of addresses has none, and needs it.
      generate_timeout_s: for calls that run a model; math.inf for no limit.
      lookup_timeout_s: for all others.
      wait_for_ready: whether calls wait for a gateway that can be reached.
      metadata: what every call has; a function is asked for each call. Names
        are sent in small letters; those that end with -bin have bytes, all
        others text.
      retry: how often a call is made; RetryPolicy(attempts_max=1) for once.
      load_balancing: `round_robin` goes round all addresses of the target, as
        `dns:///llm.example.com:443` has them; `pick_first` takes the first.
      health_checks: whether addresses that are not healthy are left out; for
        `round_robin`.
      message_bytes_max: the largest answer.
      channel_arguments: more of gRPC's, which win over ours.
    """

    api_key: str | Callable[[], str] | None = field(default=None, repr=False)
    plaintext: bool = False
    ca: Pem | None = None
    certificate: Pem | None = None
    private_key: Pem | None = field(default=None, repr=False)
    server_name: str | None = None
    generate_timeout_s: float = 900.0
    lookup_timeout_s: float = 60.0
    wait_for_ready: bool = False
    metadata: MetadataMap | Callable[[], MetadataMap] = field(
        default_factory=dict, repr=False
    )
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    load_balancing: Literal["round_robin", "pick_first"] = "round_robin"
    health_checks: bool = True
    message_bytes_max: int = 64 * 1024 * 1024
    channel_arguments: Sequence[tuple[str, Any]] = ()

    def __post_init__(self) -> None:
        """Raises ConfigurationError, which names what is wrong."""
        for each in fields(self):
            if getattr(self, each.name) is None:
                object.__setattr__(self, each.name, _default_of(each))
        if self.plaintext:
            for name in ("ca", "certificate", "private_key", "server_name"):
                if getattr(self, name) is not None:
                    raise _wrong(name, "is for TLS, and plaintext is set")
        for name, other in (
            ("certificate", "private_key"),
            ("private_key", "certificate"),
        ):
            if getattr(self, name) is None and getattr(self, other) is not None:
                raise _wrong(
                    name, f"is not given, and {other} is: they belong together"
                )
        for name in ("generate_timeout_s", "lookup_timeout_s"):
            check_timeout(name, getattr(self, name))
        if not isinstance(self.retry, RetryPolicy):
            raise _wrong("retry", "is no RetryPolicy")
        if not isinstance(self.message_bytes_max, int):
            raise _wrong("message_bytes_max", "is no whole number")
        if self.message_bytes_max < 1:
            raise _wrong(
                "message_bytes_max",
                f"is {self.message_bytes_max}; it is at least 1",
            )
        if self.load_balancing not in ("round_robin", "pick_first"):
            raise _wrong(
                "load_balancing",
                f"is {self.load_balancing!r}; it is 'round_robin' or "
                "'pick_first'",
            )
        if self.api_key is not None and not callable(self.api_key):
            check_text("api_key", self.api_key)
        if self.server_name is not None:
            check_text("server_name", self.server_name)
            if not self.server_name:
                raise _wrong("server_name", "is empty; it is like a host's")
        if not callable(self.metadata):
            sendable_metadata(self.metadata)

    def check_names(self, target: str) -> None:
        """Raises ConfigurationError where no certificate of what the target
        leads to could be believed."""
        is_named = (
            self.plaintext
            or self.server_name is not None
            or _NAME_OVERRIDE in dict(self.channel_arguments)
        )
        if not is_named and _is_list(target):
            raise _wrong(
                "server_name",
                "is not given, and the target is a list: it is the name that "
                "the certificates of its addresses have",
            )

    def credentials(self) -> Any:
        """grpc.ChannelCredentials; None for plaintext."""
        import grpc

        if self.plaintext:
            return None
        return grpc.ssl_channel_credentials(
            *(self._pem(name) for name in ("ca", "private_key", "certificate"))
        )

    def _pem(self, name: str) -> bytes | None:
        given: Pem | None = getattr(self, name)
        if given is None:
            return None
        if isinstance(given, bytes):
            pem = given
        elif isinstance(given, str) and given.lstrip().startswith("-----BEGIN"):
            pem = given.encode("ascii", "replace")
        else:
            try:
                with open(given, "rb") as file:
                    pem = file.read()
            except OSError as error:
                # A key as text without its PEM is no path, and not shown.
                shown = "" if str(given).startswith("MI") else f"{given}: "
                raise _wrong(
                    name, f"cannot be read: {shown}{error.strerror}"
                ) from error
        if _PEM[name] not in pem:
            raise _wrong(name, "has nothing of its kind in PEM")
        return pem

    def arguments(self, target: str) -> list[tuple[str, Any]]:
        """The arguments of a channel to the target."""
        arguments: dict[str, Any] = {
            "grpc.primary_user_agent": f"llmgateway-python/{_version()}",
            "grpc.service_config": json.dumps(self._service_config()),
            # A DNS record that says otherwise does not belong to this program.
            "grpc.service_config_disable_resolution": 1,
            "grpc.keepalive_time_ms": _KEEPALIVE_MS,
            "grpc.keepalive_timeout_ms": _KEEPALIVE_TIMEOUT_MS,
            "grpc.max_receive_message_length": self.message_bytes_max,
            "grpc.max_send_message_length": -1,
        }
        if _ON_THIS_MACHINE.fullmatch(target):
            # A proxy would be shown the key, and lead elsewhere.
            arguments["grpc.enable_http_proxy"] = 0
        if self.server_name is not None:
            arguments[_NAME_OVERRIDE] = self.server_name
        return list({**arguments, **dict(self.channel_arguments)}.items())

    def _service_config(self) -> dict[str, Any]:
        # No retryPolicy: gRPC's own would repeat what the gateway has repeated
        # already.
        config: dict[str, Any] = {
            "loadBalancingConfig": [{self.load_balancing: {}}]
        }
        if self.health_checks:
            config["healthCheckConfig"] = {"serviceName": SERVICE}
        return config


def check_target(target: str) -> None:
    """Raises ConfigurationError for what is none by its looks."""
    if not isinstance(target, str):
        raise _wrong("target", "is no text; it is like host:port")
    if not target:
        raise _wrong("target", "is empty; it is like host:port")
    if not all("!" <= letter <= "~" for letter in target):
        raise _wrong(
            "target",
            "has a letter that no address has, such as a space or a line's end",
        )
    if target.startswith(("http://", "https://")):
        raise _wrong(
            "target",
            "is a URL; it is like host:port, and plaintext says whether "
            "there is TLS",
        )
    scheme, _, addresses = target.partition(":")
    if scheme in ("ipv4", "ipv6"):
        for address in addresses.split(","):
            if not _is_address(scheme, address):
                raise _wrong(
                    "target",
                    f"is a list, and {address!r} of it is no address and port",
                )


def _is_list(target: str) -> bool:
    return target.startswith(("ipv4:", "ipv6:")) and "," in target


def _is_address(scheme: str, address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        if not (port.isdecimal() and 0 < int(port) < 65536):
            return False
        if scheme == "ipv4":
            ipaddress.IPv4Address(host)
        else:
            ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return scheme == "ipv4" or (host[0], host[-1]) == ("[", "]")


def check_timeout(name: str, seconds: float) -> None:
    """Raises ConfigurationError unless it can be a timeout."""
    if not isinstance(seconds, Real):
        raise _wrong(name, "is no number of seconds")
    if math.isnan(seconds) or seconds <= 0:
        raise _wrong(
            name, f"is {seconds}; it is more than 0, and math.inf for no limit"
        )


def sendable_metadata(metadata: MetadataMap) -> dict[str, str | bytes]:
    """As gRPC can send it. Raises ConfigurationError, without showing values,
    for what it cannot."""
    if not isinstance(metadata, Mapping):
        raise _wrong("metadata", "is no mapping of names to their values")
    sendable: dict[str, str | bytes] = {}
    for key, value in metadata.items():
        option, name = f"metadata[{key!r}]", str(key).lower()
        if not (isinstance(key, str) and _NAME.fullmatch(name)):
            raise _wrong(
                option, "cannot be sent; names have letters, digits and -_."
            )
        if name.startswith("grpc-"):
            raise _wrong(
                option, "is gRPC's own; names begin with other than grpc-"
            )
        kind = bytes if name.endswith("-bin") else str
        if not isinstance(value, kind):
            raise _wrong(
                option,
                "is bytes or text; of names that end with -bin bytes, of all "
                "others text",
            )
        if isinstance(value, str):
            check_text(option, value)
        sendable[name] = value
    return sendable


def check_text(name: str, value: str) -> None:
    if not isinstance(value, str):
        raise _wrong(name, "is no text")
    if not all(" " <= letter <= "~" for letter in value):
        raise _wrong(
            name, "has what is no printable ASCII letter, such as a line's end"
        )


def _default_of(option: Field[Any]) -> Any:
    if option.default_factory is not MISSING:
        return option.default_factory()
    return option.default


def _wrong(option: str, problem: str) -> ConfigurationError:
    return ConfigurationError({option: problem})


@functools.cache
def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("llm-gateway")
    except metadata.PackageNotFoundError:  # Run from its sources.
        return "0"

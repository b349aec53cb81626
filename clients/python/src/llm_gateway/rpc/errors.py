"""How a call fails: one class for what to do about it.

    try:
        answer = gateway.generate(request)
    except RateLimitError as error:
        come_again_in(error.retry_after_s)
    except CallError as error:
        print(error.code, error.reason, error.metadata.get("provider"))

All reasons, with their metadata, are in proto/llmgateway/v1/errors.proto.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llm_gateway.exceptions import GatewayError

_DOMAIN = "llmgateway.dev"
_DETAILS = "grpc-status-details-bin"
_PUSHBACK = "grpc-retry-pushback-ms"
_REQUEST_ID = "x-request-id"


@dataclass(frozen=True)
class FieldViolation:
    """A field of the request that is wrong, and why."""

    field: str
    description: str


@dataclass(frozen=True)
class QuotaViolation:
    """A limit or budget that was reached."""

    subject: str
    description: str


class CallError(GatewayError):
    """A call to the gateway failed.

    Fields:
      code: gRPC's, as in `UNAVAILABLE`.
      reason: the gateway's, a name of llmgateway.v1.ErrorReason without its
        prefix; empty if nobody told one, as when it could not be reached. A
        stream may end with one of a later gateway, which is its number.
      message: the same in words.
      metadata: what else is known, as errors.proto says for each reason.
      retry_after_s: how long to wait before it may work; None if nobody knows,
        or waiting will not help.
      pushback_ms: when the gateway lets the same call come again, negative for
        not at all; None if it does not say.
      fields: those of the request that are wrong.
      quotas: the limits and budgets that were reached.
      request_id: the gateway's id of the call; empty if it was not reached.
    """

    def __init__(
        self,
        message: str,
        code: str = "UNKNOWN",
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
        pushback_ms: int | None = None,
        fields: Iterable[FieldViolation] = (),
        request_id: str = "",
        quotas: Iterable[QuotaViolation] = (),
    ) -> None:
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after_s = retry_after_s
        self.pushback_ms = pushback_ms
        self.fields = tuple(fields)
        self.quotas = tuple(quotas)
        self.request_id = request_id
        super().__init__(f"{reason or code}: {message}")


class InvalidRequestError(CallError):
    """The request cannot be served as it is; see `fields`."""


class AuthenticationError(CallError):
    """The caller's key is missing, wrong, expired or disabled."""


class PermissionDeniedError(CallError):
    """The caller may not do this, or not with this model."""


class NotFoundError(CallError):
    """No such model, provider, session or stream."""


class ConflictError(CallError):
    """Somebody else does or did what contradicts it: read again, decide."""


class PreconditionError(CallError):
    """Nothing that a call could do: the configuration wants mending."""


class RateLimitError(CallError):
    """Too much at once or in a time, of the gateway's limits or a provider's;
    see `retry_after_s`."""


class BudgetError(CallError):
    """What may be spent is spent, or the provider's account is empty."""


class ProviderFailedError(CallError):
    """The provider failed, after as many attempts as the gateway makes."""


class StreamInterruptedError(CallError):
    """The answer broke off after some of it came, which is billed; or, with
    the code DATA_LOSS, an event of it was lost or came twice."""


class UnavailableError(CallError):
    """The gateway cannot serve it now, or cannot be reached."""


class OutputInvalidError(CallError):
    """The answer breaks the schema that was asked for with strict_output."""


class DeadlineError(CallError):
    """The call's time was over; usage so far is billed."""


class CallCancelledError(CallError):
    """The caller has cancelled it."""


class UnimplementedError(CallError):
    """This gateway does not serve the call, or a field of the request."""


class InternalError(CallError):
    """The gateway or the client made a mistake."""


_BY_CODE: dict[str, type[CallError]] = {
    "ABORTED": ConflictError,
    "CANCELLED": CallCancelledError,
    "DEADLINE_EXCEEDED": DeadlineError,
    "FAILED_PRECONDITION": PreconditionError,
    "INTERNAL": InternalError,
    "INVALID_ARGUMENT": InvalidRequestError,
    "NOT_FOUND": NotFoundError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "RESOURCE_EXHAUSTED": RateLimitError,
    "UNAUTHENTICATED": AuthenticationError,
    "UNAVAILABLE": UnavailableError,
    "UNIMPLEMENTED": UnimplementedError,
}
# Reasons that call for something else than most of their code.
_BY_REASON: dict[str, type[CallError]] = {
    "BUDGET_EXCEEDED": BudgetError,
    "PROVIDER_AUTH_FAILED": ProviderFailedError,
    "PROVIDER_BAD_RESPONSE": ProviderFailedError,
    "PROVIDER_QUOTA_EXHAUSTED": BudgetError,
    "PROVIDER_TIMEOUT": ProviderFailedError,
    "PROVIDER_UNAVAILABLE": ProviderFailedError,
    "RESPONSE_VALIDATION": OutputInvalidError,
    "STREAM_INTERRUPTED": StreamInterruptedError,
}


def error_class(code: str, reason: str) -> type[CallError]:
    """What a call that ended so raises."""
    return _BY_REASON.get(reason) or _BY_CODE.get(code, CallError)


def made_error(
    message: str, code: str, reason: str, **fields: Any
) -> CallError:
    """The error of a call that ended so."""
    return error_class(code, reason)(message, code, reason, **fields)


def closed_error() -> CallCancelledError:
    """Of a call whose client was closed."""
    return CallCancelledError("the client was closed", "CANCELLED")


def call_error(error: Any) -> CallError:
    """What a grpc.RpcError says, with the details of its status."""
    from google.protobuf.message import DecodeError

    fields: dict[str, Any] = {}
    for key, value in error.trailing_metadata() or ():
        if key == _REQUEST_ID:
            fields["request_id"] = value
        elif key == _PUSHBACK:
            fields["pushback_ms"] = _pushback(value)
        elif key == _DETAILS:
            # What nobody can read says nothing more, and the status stands.
            with contextlib.suppress(DecodeError):
                fields |= _details(value)
    reason = fields.pop("reason", "")
    return made_error(
        error.details() or "the gateway said nothing of it",
        error.code().name,
        reason,
        **fields,
    )


def _details(status: bytes) -> dict[str, Any]:
    """What the details of a status are as fields of the error."""
    from google.rpc import error_details_pb2, status_pb2

    fields: dict[str, Any] = {}
    for detail in status_pb2.Status.FromString(status).details:
        info = error_details_pb2.ErrorInfo()
        wait = error_details_pb2.RetryInfo()
        bad = error_details_pb2.BadRequest()
        quota = error_details_pb2.QuotaFailure()
        if detail.Unpack(info) and info.domain == _DOMAIN:
            fields["reason"] = info.reason
            fields["metadata"] = dict(info.metadata)
        elif detail.Unpack(wait):
            delay = wait.retry_delay
            fields["retry_after_s"] = (
                delay.seconds + delay.nanos / 1_000_000_000
            )
        elif detail.Unpack(bad):
            fields["fields"] = [
                FieldViolation(each.field, each.description)
                for each in bad.field_violations
            ]
        elif detail.Unpack(quota):
            fields["quotas"] = [
                QuotaViolation(each.subject, each.description)
                for each in quota.violations
            ]
    return fields


def _pushback(value: str) -> int:
    """As gRPC reads it: what is no number forbids it as a negative one does."""
    return int(value) if value.isdecimal() else -1

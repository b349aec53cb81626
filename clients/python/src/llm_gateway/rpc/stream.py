"""GenerateStream is a streamed answer, as its events arrive.

    with gateway.stream_generate(request) as stream:
        for event in stream:
            print(event.delta.text, end="")
    stream.end.usage  # What it cost.

It ends once, and truly: the loop is done if the model finished, and raises a
CallError if it did not, also where the connection broke off without a word, or
where an event was lost or came twice. A stream that is left early is cancelled:
the gateway stops the model, and what was generated until then is billed.

Thread-compatible; cancel() may be called by any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import grpc

from llm_gateway.rpc.call_plan import CallPlan
from llm_gateway.rpc.errors import (
    CallCancelledError,
    CallError,
    StreamInterruptedError,
    call_error,
    made_error,
)
from llm_gateway.rpc.retrying import RetryWaits
from llmgateway.v1 import errors_pb2, gateway_pb2


class StreamRecord:
    """What a stream has told so far."""

    def __init__(self) -> None:
        self.request_id = ""
        self.started: gateway_pb2.StreamStarted | None = None
        self.end: gateway_pb2.StreamEnd | None = None
        self.seq = 0  # Of the last event, or of that which it goes on behind.
        self.has_events = False
        self._begins_anywhere = False

    @classmethod
    def resumed(cls, request_id: str, after_seq: int) -> StreamRecord:
        """Of a stream that goes on behind that event, or with whatever is kept
        if it is 0."""
        record = cls()
        record.request_id = request_id
        record.seq = after_seq
        record._begins_anywhere = after_seq == 0
        return record

    def note(self, event: gateway_pb2.GenerateEvent) -> None:
        """Raises StreamInterruptedError if it is not the next."""
        self.has_events = True
        if self.end is not None:
            raise self._lost(f"event {event.seq} has come behind the end")
        anywhere = self._begins_anywhere and event.seq > 0
        if event.seq != self.seq + 1 and not anywhere:
            raise self._lost(
                f"event {event.seq} has come in place of {self.seq + 1}"
            )
        self.seq = event.seq
        self._begins_anywhere = False
        kind = event.WhichOneof("event")
        if kind == "started":
            self.started = event.started
            self.request_id = event.started.request_id
        elif kind == "end":
            self.end = event.end

    def _lost(self, message: str) -> StreamInterruptedError:
        return StreamInterruptedError(
            message,
            "DATA_LOSS",
            "STREAM_INTERRUPTED",
            request_id=self.request_id,
        )

    def failure(self) -> CallError | None:
        """What is wrong with a stream whose status is OK."""
        if self.end is None:
            return StreamInterruptedError(
                "the stream broke off without its end",
                "UNAVAILABLE",
                "STREAM_INTERRUPTED",
                request_id=self.request_id,
            )
        if self.end.outcome == gateway_pb2.StreamEnd.OUTCOME_FINISHED:
            return None
        return made_error(
            self.end.error.message or "the model did not finish",
            "UNKNOWN",
            reason_name(self.end.error.reason),
            request_id=self.request_id,
        )


def reason_name(reason: int) -> str:
    """As CallError has it: the number of one that a later gateway has, which
    this version of the contract does not know."""
    if reason not in errors_pb2.ErrorReason.values():
        return str(reason)
    name: str = errors_pb2.ErrorReason.Name(reason)
    return name.removeprefix("ERROR_REASON_")


def text_of(event: gateway_pb2.GenerateEvent) -> str:
    """The piece of the first answer's text that the event brings."""
    return event.delta.text if event.delta.choice_index == 0 else ""


class GenerateStream:
    """Iterates over llmgateway.v1.GenerateEvent. Made by the client."""

    def __init__(
        self,
        start: Callable[[], Any],
        plan: CallPlan,
        record: StreamRecord,
        waits: RetryWaits,
        is_closed: Callable[[], bool],
    ) -> None:
        """`start` begins an attempt, and raises a CallError once the client
        `is_closed`."""
        self._start = start
        self._plan = plan
        self._record = record
        self._waits = waits
        self._is_closed = is_closed
        self._failure: CallError | None = None
        # So that no attempt begins behind a cancellation, which may come from
        # a signal's handler.
        self._lock = threading.RLock()
        self._is_cancelled = False
        self._is_over = True  # If it cannot be begun.
        self._call = start()
        self._is_over = False

    @property
    def request_id(self) -> str:
        """The gateway's id of the call; empty until the first event, unless it
        is resumed."""
        return self._record.request_id

    @property
    def started(self) -> gateway_pb2.StreamStarted | None:
        """Which model answers, and why; None until the first event."""
        return self._record.started

    @property
    def end(self) -> gateway_pb2.StreamEnd | None:
        """The last event, once it is there: how it ended, and its usage."""
        return self._record.end

    @property
    def seq(self) -> int:
        """Of the last event, for resume_stream; before the first 0, or what
        the stream was resumed with."""
        return self._record.seq

    def __iter__(self) -> Iterator[gateway_pb2.GenerateEvent]:
        return self

    def __next__(self) -> gateway_pb2.GenerateEvent:
        if self._is_over:
            if self._failure is not None:
                raise self._failure
            raise StopIteration
        while True:
            try:
                event: gateway_pb2.GenerateEvent = next(self._call)
                self._record.note(event)
                return event
            except StopIteration:
                untrue = self._record.failure()
                if untrue is None:
                    self._is_over = True
                    self._plan.succeeded()
                    raise
                raise self._fail(untrue) from None
            except StreamInterruptedError as interrupted:
                self._call.cancel()
                raise self._fail(interrupted) from None
            except grpc.RpcError as error:
                failure = call_error(error)
                wait = None
                if not self._record.has_events:
                    wait = self._plan.wait_s(failure)
                if wait is None:
                    raise self._fail(failure) from error
                self._begin_again(wait)

    def _begin_again(self, wait_s: float) -> None:
        """Raises the CallError of a stream that was ended meanwhile."""
        self._waits.wait(
            wait_s, lambda: self._is_cancelled or self._is_closed()
        )
        with self._lock:
            if self._is_cancelled:
                raise self._fail(self._cancelled("the stream was cancelled"))
            try:
                self._call = self._start()
            except CallError as closed:
                raise self._fail(closed) from None
            # By a signal's handler on this thread, meanwhile.
            if self._is_cancelled:
                self._call.cancel()

    def texts(self) -> Iterator[str]:
        """The pieces of the first answer's text. Who leaves its loop early
        leaves the stream, which is closed."""
        try:
            for event in self:
                if text := text_of(event):
                    yield text
        finally:
            self.close()

    def cancel(self) -> None:
        """Ends it now, also while it waits for its next attempt; what is read
        then raises CallCancelledError, unless it had ended before."""
        with self._lock:
            self._is_cancelled = True
            self._call.cancel()
        self._waits.look()

    def close(self) -> None:
        """Cancels it if it goes on."""
        if self._is_over:
            return
        self.cancel()
        self._fail(self._cancelled("the stream was closed before its end"))

    def __enter__(self) -> GenerateStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._is_over:
            self._call.cancel()

    def _cancelled(self, message: str) -> CallCancelledError:
        return CallCancelledError(
            message, "CANCELLED", request_id=self.request_id
        )

    def _fail(self, failure: CallError) -> CallError:
        self._is_over = True
        self._failure = failure
        # A connection that breaks off says nothing of it.
        failure.request_id = failure.request_id or self.request_id
        return failure

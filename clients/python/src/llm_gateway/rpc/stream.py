"""GenerateStream is a streamed answer, as its events arrive.

    with gateway.stream_generate(request) as stream:
        for event in stream:
            print(event.delta.text, end="")
    stream.end.usage  # What it cost.

It ends once, and truly: the loop is done if the model finished, and raises a
CallError if it did not, also where the connection broke off without a word. A
stream that is left early is cancelled: the gateway stops the model, and what
was generated until then is billed.

Thread-compatible; cancel() may be called by any thread.
"""

from __future__ import annotations

import time
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
from llmgateway.v1 import errors_pb2, gateway_pb2


class StreamRecord:
    """What a stream has told so far."""

    def __init__(self, first_seq: int | None = 1) -> None:
        """`first_seq` is that of the first event; None if it may be any."""
        self.request_id = ""
        self.started: gateway_pb2.StreamStarted | None = None
        self.end: gateway_pb2.StreamEnd | None = None
        self.seq = 0  # Of the last event; 0 before the first.
        self._next_seq = first_seq

    def note(self, event: gateway_pb2.GenerateEvent) -> None:
        """Raises StreamInterruptedError if others are missing before it."""
        if self._next_seq not in (None, event.seq):
            raise StreamInterruptedError(
                f"event {event.seq} has come in place of {self._next_seq}",
                "INTERNAL",
                request_id=self.request_id,
            )
        self.seq, self._next_seq = event.seq, event.seq + 1
        kind = event.WhichOneof("event")
        if kind == "started":
            self.started = event.started
            self.request_id = event.started.request_id
        elif kind == "end":
            self.end = event.end

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
        name = errors_pb2.ErrorReason.Name(self.end.error.reason)
        return made_error(
            self.end.error.message or "the model did not finish",
            "UNKNOWN",
            name.removeprefix("ERROR_REASON_"),
            request_id=self.request_id,
        )


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
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._start = start
        self._plan = plan
        self._record = record
        self._sleep = sleep
        self._is_over = False
        self._failure: CallError | None = None
        self._is_cancelled = False
        self._call = start()

    @property
    def request_id(self) -> str:
        """The gateway's id of the call; empty until the first event."""
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
        """Of the last event, for resume_stream; 0 before the first."""
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
                if self._record.seq == 0 and not self._is_cancelled:
                    wait = self._plan.wait_s(failure)
                if wait is None:
                    raise self._fail(failure) from error
                self._sleep(wait)
                if self._is_cancelled:
                    raise self._fail(failure) from error
                self._call = self._start()

    def texts(self) -> Iterator[str]:
        """The pieces of the first answer's text."""
        for event in self:
            if text := text_of(event):
                yield text

    def cancel(self) -> None:
        """Ends it now; what is read then raises CallCancelledError, unless it
        had ended before."""
        self._is_cancelled = True
        self._call.cancel()

    def close(self) -> None:
        """Cancels it if it goes on."""
        if self._is_over:
            return
        self.cancel()
        self._fail(
            CallCancelledError(
                "the stream was closed before its end",
                "CANCELLED",
                request_id=self.request_id,
            )
        )

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
        # Not started if its constructor has raised.
        if not getattr(self, "_is_over", True):
            self._call.cancel()

    def _fail(self, failure: CallError) -> CallError:
        self._is_over = True
        self._failure = failure
        return failure

"""AsyncGenerateStream is GenerateStream for coroutines.

    async with gateway.stream_generate(request) as stream:
        async for event in stream:
            print(event.delta.text, end="")

One that is left early is cancelled: at once by a `with` block or close(), else
once nobody has it any more.

To be used by one coroutine at a time, in the event loop of its client; it may
be dropped by any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any

import grpc

from llm_gateway.rpc.call_plan import CallPlan
from llm_gateway.rpc.errors import (
    CallCancelledError,
    CallError,
    StreamInterruptedError,
    call_error,
)
from llm_gateway.rpc.stream import StreamRecord, text_of
from llmgateway.v1 import gateway_pb2


def is_cancelled_task() -> bool:
    """Whether the task itself is cancelled, and not what it waits for. Python
    3.10 does not tell."""
    task: Any = asyncio.current_task()
    return hasattr(task, "cancelling") and task.cancelling() > 0


async def wait_for_event(event: asyncio.Event, seconds: float) -> None:
    """As long as that, if it does not come before."""
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


class AsyncGenerateStream:
    """Iterates over llmgateway.v1.GenerateEvent. Made by the client."""

    def __init__(
        self,
        start: Callable[[], Any],
        plan: CallPlan,
        record: StreamRecord,
    ) -> None:
        self._start = start
        self._plan = plan
        self._record = record
        self._failure: CallError | None = None
        self._is_over = True  # If it cannot be begun.
        self._closed = asyncio.Event()
        self._loop = asyncio.get_event_loop()
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

    def __aiter__(self) -> AsyncIterator[gateway_pb2.GenerateEvent]:
        return self

    async def __anext__(self) -> gateway_pb2.GenerateEvent:
        if self._is_over:
            if self._failure is not None:
                raise self._failure
            raise StopAsyncIteration
        while True:
            try:
                read = await self._call.read()
                if read is grpc.aio.EOF:
                    break
                event: gateway_pb2.GenerateEvent = read
                self._record.note(event)
                return event
            except StreamInterruptedError as interrupted:
                self._call.cancel()
                raise self._fail(interrupted) from None
            except asyncio.CancelledError:
                if self._failure is not None and not is_cancelled_task():
                    raise self._failure from None  # Another has closed it.
                self.close()
                raise
            except grpc.RpcError as error:
                failure = self._failure or call_error(error)
                wait = None
                if not (self._is_over or self._record.has_events):
                    wait = self._plan.wait_s(failure)
                if wait is None:
                    raise self._fail(failure) from error
                try:
                    await wait_for_event(self._closed, wait)
                except asyncio.CancelledError:
                    self.close()
                    raise
                if self._failure is not None:
                    raise self._failure from None  # Closed meanwhile.
                self._call = self._start()
        untrue = self._failure or self._record.failure()
        if untrue is not None:
            raise self._fail(untrue)
        self._is_over = True
        self._plan.succeeded()
        raise StopAsyncIteration

    async def texts(self) -> AsyncIterator[str]:
        """The pieces of the first answer's text. Who leaves its loop early
        leaves the stream, which is closed."""
        try:
            async for event in self:
                if text := text_of(event):
                    yield text
        finally:
            self.close()

    def close(self) -> None:
        """Cancels it if it goes on; what is read then raises
        CallCancelledError."""
        if self._is_over:
            return
        self._call.cancel()
        self._closed.set()
        self._fail(
            CallCancelledError(
                "the stream was closed before its end",
                "CANCELLED",
                request_id=self.request_id,
            )
        )

    async def __aenter__(self) -> AsyncGenerateStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._is_over:
            return
        # A finalizer runs in any thread, and in the midst of anything.
        try:
            self._loop.call_soon_threadsafe(self._call.cancel)
        except RuntimeError:  # Nothing runs in the loop any more.
            with contextlib.suppress(RuntimeError):
                self._call.cancel()

    def _fail(self, failure: CallError) -> CallError:
        self._is_over = True
        self._failure = failure
        # A connection that breaks off says nothing of it.
        failure.request_id = failure.request_id or self.request_id
        return failure

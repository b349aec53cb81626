"""AsyncLLMGatewayClient is LLMGatewayClient for coroutines.

    async with LLMGateway.connect_async("llm.example.com:443",
                                        api_key=key) as gateway:
        answer = await gateway.generate(request, timeout_s=30)
        async with gateway.stream_generate(request) as stream:
            async for text in stream.texts():
                print(text, end="")

A coroutine that is cancelled cancels its call. To be used in the event loop in
which it was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import grpc

from llm_gateway.router.messages import PromptRequest, PromptResponse
from llm_gateway.rpc import methods
from llm_gateway.rpc.async_stream import (
    AsyncGenerateStream,
    is_cancelled_task,
    wait_for_event,
)
from llm_gateway.rpc.call_plan import CallPlan
from llm_gateway.rpc.errors import CallError, call_error, closed_error
from llm_gateway.rpc.methods import Answer, Method
from llm_gateway.rpc.options import (
    CallFields,
    ClientOptions,
    check_target,
)
from llm_gateway.rpc.retrying import RetryBudget
from llm_gateway.rpc.routing import RoutedPrompt
from llm_gateway.rpc.stream import StreamRecord
from llmgateway.v1 import gateway_pb2, gateway_pb2_grpc

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AsyncLLMGatewayClient:
    def __init__(self, target: str, **options: Any) -> None:
        """As LLMGatewayClient; to be made where an event loop runs."""
        check_target(target)
        self._options = ClientOptions(**options)
        self._options.check_names(target)
        self._retries = RetryBudget()
        self._closed = asyncio.Event()
        # What close() ends.
        self._calls: set[Any] = set()
        self._streams: WeakSet[AsyncGenerateStream] = WeakSet()
        credentials = self._options.credentials()
        arguments = self._options.arguments(target)
        self._channel = (
            grpc.aio.insecure_channel(target, arguments)
            if credentials is None
            else grpc.aio.secure_channel(target, credentials, arguments)
        )
        self.stub = gateway_pb2_grpc.GatewayServiceStub(self._channel)

    async def generate(
        self,
        request: gateway_pb2.GenerateRequest,
        **call: Unpack[CallFields],
    ) -> gateway_pb2.GenerateResponse:
        """One complete answer."""
        return await self._unary(methods.GENERATE, request, call)

    def stream_generate(
        self,
        request: gateway_pb2.GenerateRequest,
        **call: Unpack[CallFields],
    ) -> AsyncGenerateStream:
        """The answer as it is produced. Failures are told by the stream."""
        return self._stream(
            methods.STREAM_GENERATE, request, StreamRecord(), call
        )

    def resume_stream(
        self,
        stream_id: str,
        after_seq: int = 0,
        **call: Unpack[CallFields],
    ) -> AsyncGenerateStream:
        """Goes on with the stream whose `request_id` this is and whose
        connection broke, behind its event `after_seq`; where the gateway has
        `resumable_streams`."""
        request = gateway_pb2.ResumeStreamRequest(
            request_id=stream_id, after_seq=after_seq
        )
        record = StreamRecord.resumed(stream_id, after_seq)
        return self._stream(methods.RESUME_STREAM, request, record, call)

    async def count_tokens(
        self,
        request: gateway_pb2.GenerateRequest,
        **call: Unpack[CallFields],
    ) -> gateway_pb2.CountTokensResponse:
        """How many input tokens the request has, without running it."""
        return await self._unary(
            methods.COUNT_TOKENS,
            gateway_pb2.CountTokensRequest(request=request),
            call,
        )

    async def embed(
        self,
        request: gateway_pb2.EmbedRequest,
        **call: Unpack[CallFields],
    ) -> gateway_pb2.EmbedResponse:
        """Turns texts into vectors."""
        return await self._unary(methods.EMBED, request, call)

    async def list_models(
        self, provider_id: str = "", **call: Unpack[CallFields]
    ) -> AsyncIterator[gateway_pb2.Model]:
        """The models that can be named, by name; asks page by page."""
        request = gateway_pb2.ListModelsRequest(provider_id=provider_id)
        while True:
            page = await self._unary(methods.LIST_MODELS, request, call)
            for model in page.models:
                yield model
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get_model(
        self, name: str, provider_id: str = "", **call: Unpack[CallFields]
    ) -> gateway_pb2.Model:
        return await self._unary(
            methods.GET_MODEL,
            gateway_pb2.GetModelRequest(name=name, provider_id=provider_id),
            call,
        )

    async def create_session(
        self,
        ttl_s: float | None = None,
        context: Mapping[str, Any] | None = None,
        **call: Unpack[CallFields],
    ) -> gateway_pb2.Session:
        """Opens a session; its id goes into `GenerateRequest.session`.

        It is kept for `ttl_s` unused, or as the gateway's configuration says;
        `context` is what JSON can have.
        """
        return await self._unary(
            methods.CREATE_SESSION,
            methods.session_request(ttl_s, context),
            call,
        )

    async def get_session(
        self, session_id: str, **call: Unpack[CallFields]
    ) -> gateway_pb2.Session:
        return await self._unary(
            methods.GET_SESSION,
            gateway_pb2.GetSessionRequest(id=session_id),
            call,
        )

    async def delete_session(
        self, session_id: str, **call: Unpack[CallFields]
    ) -> None:
        await self._unary(
            methods.DELETE_SESSION,
            gateway_pb2.DeleteSessionRequest(id=session_id),
            call,
        )

    async def list_tools(
        self, **call: Unpack[CallFields]
    ) -> gateway_pb2.ListToolsResponse:
        """Those of a service behind the gateway."""
        return await self._unary(
            methods.LIST_TOOLS, gateway_pb2.ListToolsRequest(), call
        )

    async def execute_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        **call: Unpack[CallFields],
    ) -> gateway_pb2.ExecuteToolResponse:
        """Runs one of them; its `result` is JSON as text.

        Of a tool that fails the answer says so. A call that fails is not made
        again: the tool may have done something.
        """
        return await self._unary(
            methods.EXECUTE_TOOL, methods.tool_request(name, arguments), call
        )

    async def route(self, request: PromptRequest) -> PromptResponse:
        """As of a gateway in the process, whose parts - ledger, budgets,
        breakers, providers - are the other's here."""
        prompt = RoutedPrompt(request)
        rejected = prompt.rejection()
        if rejected is not None:
            return rejected
        try:
            answer = await self.generate(
                prompt.generate_request(), **prompt.call()
            )
        except CallError as error:
            return prompt.failed(error)
        return prompt.succeeded(answer)

    async def close(self) -> None:
        """Ends all calls, also those that wait for their next attempt, and the
        connections; calls under way, and from then on, raise
        CallCancelledError."""
        self._closed.set()
        for stream in list(self._streams):
            stream.close()
        for call in list(self._calls):
            call.cancel()
        await self._channel.close()

    async def __aenter__(self) -> AsyncLLMGatewayClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _plan(
        self, method: Method[Any], request: Any, call: CallFields
    ) -> CallPlan:
        return CallPlan(
            self._options,
            self._retries,
            method.timeout_s(self._options),
            method.is_repeatable(request),
            call,
            method.once,
        )

    async def _unary(
        self, method: Method[Answer], request: Any, call: CallFields
    ) -> Answer:
        plan = self._plan(method, request, call)
        run = getattr(self.stub, method.name)
        while True:
            call_under_way = self._begin(run, request, plan)
            try:
                answer: Answer = await self._answered(call_under_way)
            except grpc.RpcError as error:
                failure = call_error(error)
                wait = plan.wait_s(failure)
                if wait is None:
                    raise failure from error
                await wait_for_event(self._closed, wait)
            else:
                plan.succeeded()
                return answer

    def _stream(
        self,
        method: Method[Any],
        request: Any,
        record: StreamRecord,
        call: CallFields,
    ) -> AsyncGenerateStream:
        plan = self._plan(method, request, call)
        run = getattr(self.stub, method.name)
        stream = AsyncGenerateStream(
            lambda: self._begin(run, request, plan), plan, record
        )
        self._streams.add(stream)
        return stream

    def _begin(self, run: Any, request: Any, plan: CallPlan) -> Any:
        if self._closed.is_set():
            raise closed_error()
        return run(request, **plan.begin_attempt())

    async def _answered(self, call: Any) -> Any:
        self._calls.add(call)
        try:
            return await call
        except asyncio.CancelledError:
            if self._closed.is_set() and not is_cancelled_task():
                raise closed_error() from None
            raise
        finally:
            self._calls.discard(call)

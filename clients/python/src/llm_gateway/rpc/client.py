"""LLMGatewayClient is LLMGateway as the client of a gateway elsewhere.

    from llm_gateway import LLMGateway
    from llmgateway.v1.gateway_pb2 import GenerateRequest

    request = GenerateRequest(model="gpt-x", messages=[
        {"role": "ROLE_USER", "parts": [{"text": "Hello"}]}])
    with LLMGateway.connect("llm.example.com:443", api_key=key) as gateway:
        answer = gateway.generate(request, timeout_s=30)

Requests and answers are the contract's own messages. A call that fails raises
a CallError (errors.py). Thread-safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import grpc

from llm_gateway.gateway import LLMGateway
from llm_gateway.router.messages import PromptRequest, PromptResponse
from llm_gateway.rpc import methods
from llm_gateway.rpc.call_plan import CallPlan
from llm_gateway.rpc.errors import CallError, call_error, closed_error
from llm_gateway.rpc.methods import Answer, Method
from llm_gateway.rpc.options import (
    CallFields,
    ClientOptions,
    check_target,
)
from llm_gateway.rpc.retrying import RetryBudget, RetryWaits
from llm_gateway.rpc.routing import RoutedPrompt
from llm_gateway.rpc.stream import GenerateStream, StreamRecord
from llmgateway.v1 import gateway_pb2, gateway_pb2_grpc

if TYPE_CHECKING:
    from typing_extensions import Unpack


class LLMGatewayClient(LLMGateway):
    def __init__(
        self,
        target: str,
        *,
        sleep: Callable[[float], None] | None = None,
        **options: Any,
    ) -> None:
        """Connects to `target` when first called.

        It is as gRPC names it: `host:port`, `dns:///host:port` for all
        addresses of a name, `ipv4:1.2.3.4:50051,1.2.3.5:50051` for a list,
        which needs the option server_name where there is TLS.
        `options` are the fields of ClientOptions; ConfigurationError names
        what is wrong in them. `sleep` waits between attempts, if it is
        given; nothing ends it early.
        """
        check_target(target)
        self._options = ClientOptions(**options)
        self._options.check_names(target)
        self._retries = RetryBudget()
        self._waits = RetryWaits(sleep)
        self._is_closed = False
        credentials = self._options.credentials()
        arguments = self._options.arguments(target)
        self._channel = (
            grpc.insecure_channel(target, arguments)
            if credentials is None
            else grpc.secure_channel(target, credentials, arguments)
        )
        self.stub = gateway_pb2_grpc.GatewayServiceStub(self._channel)

    def generate(
        self,
        request: gateway_pb2.GenerateRequest,
        **call: Unpack[CallFields],
    ) -> gateway_pb2.GenerateResponse:
        """One complete answer."""
        return self._unary(methods.GENERATE, request, call)

    def stream_generate(
        self,
        request: gateway_pb2.GenerateRequest,
        **call: Unpack[CallFields],
    ) -> GenerateStream:
        """The answer as it is produced. Failures are told by the stream."""
        return self._stream(
            methods.STREAM_GENERATE, request, StreamRecord(), call
        )

    def resume_stream(
        self,
        stream_id: str,
        after_seq: int = 0,
        **call: Unpack[CallFields],
    ) -> GenerateStream:
        """Goes on with the stream whose `request_id` this is and whose
        connection broke, behind its event `after_seq`; where the gateway has
        `resumable_streams`."""
        request = gateway_pb2.ResumeStreamRequest(
            request_id=stream_id, after_seq=after_seq
        )
        record = StreamRecord.resumed(stream_id, after_seq)
        return self._stream(methods.RESUME_STREAM, request, record, call)

    def count_tokens(
        self,
        request: gateway_pb2.GenerateRequest,
        **call: Unpack[CallFields],
    ) -> gateway_pb2.CountTokensResponse:
        """How many input tokens the request has, without running it."""
        return self._unary(
            methods.COUNT_TOKENS,
            gateway_pb2.CountTokensRequest(request=request),
            call,
        )

    def embed(
        self,
        request: gateway_pb2.EmbedRequest,
        **call: Unpack[CallFields],
    ) -> gateway_pb2.EmbedResponse:
        """Turns texts into vectors."""
        return self._unary(methods.EMBED, request, call)

    def list_models(
        self, provider_id: str = "", **call: Unpack[CallFields]
    ) -> Iterator[gateway_pb2.Model]:
        """The models that can be named, by name; asks page by page."""
        request = gateway_pb2.ListModelsRequest(provider_id=provider_id)
        while True:
            page = self._unary(methods.LIST_MODELS, request, call)
            yield from page.models
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def get_model(
        self, name: str, provider_id: str = "", **call: Unpack[CallFields]
    ) -> gateway_pb2.Model:
        return self._unary(
            methods.GET_MODEL,
            gateway_pb2.GetModelRequest(name=name, provider_id=provider_id),
            call,
        )

    def create_session(
        self,
        ttl_s: float | None = None,
        context: Mapping[str, Any] | None = None,
        **call: Unpack[CallFields],
    ) -> gateway_pb2.Session:
        """Opens a session; its id goes into `GenerateRequest.session`.

        It is kept for `ttl_s` unused, or as the gateway's configuration says;
        `context` is what JSON can have.
        """
        return self._unary(
            methods.CREATE_SESSION,
            methods.session_request(ttl_s, context),
            call,
        )

    def get_session(
        self, session_id: str, **call: Unpack[CallFields]
    ) -> gateway_pb2.Session:
        return self._unary(
            methods.GET_SESSION,
            gateway_pb2.GetSessionRequest(id=session_id),
            call,
        )

    def delete_session(
        self, session_id: str, **call: Unpack[CallFields]
    ) -> None:
        self._unary(
            methods.DELETE_SESSION,
            gateway_pb2.DeleteSessionRequest(id=session_id),
            call,
        )

    def list_tools(
        self, **call: Unpack[CallFields]
    ) -> gateway_pb2.ListToolsResponse:
        """Those of a service behind the gateway."""
        return self._unary(
            methods.LIST_TOOLS, gateway_pb2.ListToolsRequest(), call
        )

    def execute_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        **call: Unpack[CallFields],
    ) -> gateway_pb2.ExecuteToolResponse:
        """Runs one of them; its `result` is JSON as text.

        Of a tool that fails the answer says so. A call that fails is not made
        again: the tool may have done something.
        """
        return self._unary(
            methods.EXECUTE_TOOL, methods.tool_request(name, arguments), call
        )

    def route(self, request: PromptRequest) -> PromptResponse:
        """As of a gateway in the process, whose parts - ledger, budgets,
        breakers, providers - are the other's here."""
        prompt = RoutedPrompt(request)
        rejected = prompt.rejection()
        if rejected is not None:
            return rejected
        try:
            answer = self.generate(prompt.generate_request(), **prompt.call())
        except CallError as error:
            return prompt.failed(error)
        return prompt.succeeded(answer)

    def register_provider(self, provider_id: str, provider: Any) -> None:
        """TypeError: the gateway elsewhere has providers of its own."""
        raise TypeError(
            f"provider '{provider_id}' cannot be registered with a gateway "
            "elsewhere; name it in that gateway's configuration"
        )

    def close(self) -> None:
        """Ends all calls, also those that wait for their next attempt, and the
        connections; calls under way, and from then on, raise
        CallCancelledError. Any thread may call it."""
        self._is_closed = True
        self._waits.look()
        self._channel.close()

    def __enter__(self) -> LLMGatewayClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

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

    def _unary(
        self, method: Method[Answer], request: Any, call: CallFields
    ) -> Answer:
        plan = self._plan(method, request, call)
        run = getattr(self.stub, method.name)
        while True:
            try:
                answer: Answer = self._begin(run, request, plan)
            except grpc.RpcError as error:
                failure = call_error(error)
                wait = plan.wait_s(failure)
                if wait is None:
                    raise failure from error
                self._waits.wait(wait, lambda: self._is_closed)
            else:
                plan.succeeded()
                return answer

    def _stream(
        self,
        method: Method[Any],
        request: Any,
        record: StreamRecord,
        call: CallFields,
    ) -> GenerateStream:
        plan = self._plan(method, request, call)
        run = getattr(self.stub, method.name)
        return GenerateStream(
            lambda: self._begin(run, request, plan),
            plan,
            record,
            self._waits,
            lambda: self._is_closed,
        )

    def _begin(self, run: Any, request: Any, plan: CallPlan) -> Any:
        if self._is_closed:
            raise closed_error()
        try:
            return run(request, **plan.begin_attempt())
        except ValueError:
            if self._is_closed:  # Meanwhile; gRPC has no error of its own.
                raise closed_error() from None
            raise

"""What the tests of the Python client share: a gateway that asks for keys, and
a scripted one that does what none should.

    class SomeTest(client_case.ClientCase):
        def test_something(self):
            answer = self.connect().generate(generate_request("gpt-x"))
"""

import threading
from concurrent import futures

from tests.clients.python.llm_gateway import client_path  # For the path.
from tests.integration import gateway_case

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from llm_gateway.gateway import LLMGateway
from llmgateway.v1 import gateway_pb2, gateway_pb2_grpc

ALICE = "key-of-alice-0123456789"
CONFIG = gateway_case.CONFIG + """\
auth:
  callers:
    api_keys:
      - {{id: alice, key: "env:ALICE"}}
      - {{id: carol, key: "env:CAROL", scopes: ["rpc:GetSession"]}}
sessions: {{}}
rate_limits:
  - {{name: seldom, unit: requests, limit: 1, window: 1h,
      match: {{models: ["gpt-seldom"]}}}}
"""
CAROL = "key-of-carol-0123456789"
ENV = {**gateway_case.ENV, "ALICE": ALICE, "CAROL": CAROL}


def generate_request(model, text="Hello", **fields):
    """A request with one message of the user."""
    return gateway_pb2.GenerateRequest(
        model=model, messages=[
            {"role": "ROLE_USER", "parts": [{"text": text}]}], **fields)


def text_of(answer):
    """The text of a whole answer."""
    return "".join(part.text for part in answer.choices[0].message.parts)


class ClientCase(gateway_case.GatewayCase):

    config = CONFIG
    env = ENV

    def setUp(self):
        super().setUp()
        self.upstream.reset()

    def connect(self, target=None, **options):
        """A client of the gateway, for the test."""
        options = {"plaintext": True, "api_key": ALICE, **options}
        return self.enter(
            LLMGateway.connect(target or self.gateway.grpc, **options))

    def last(self, model):
        """What the provider was asked last for the model."""
        return self.upstream.last(model)


def details_trailer(code, message, *details):
    """`grpc-status-details-bin` of a call that ended so."""
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return ("grpc-status-details-bin", status.SerializeToString())


def error_info(reason, **metadata):
    return error_details_pb2.ErrorInfo(
        reason=reason, domain="llmgateway.dev", metadata=metadata)


class Refusal:
    """How a call ends that is turned away."""

    def __init__(self, code, reason=None, pushback=None, message="not now"):
        self.code = code
        self.message = message
        self.trailers = []
        if reason is not None:
            self.trailers.append(
                details_trailer(code, message, error_info(reason)))
        if pushback is not None:
            self.trailers.append(("grpc-retry-pushback-ms", str(pushback)))

    def end(self, context):
        context.set_trailing_metadata(self.trailers)
        context.abort(self.code, self.message)


class ScriptedGateway(gateway_pb2_grpc.GatewayServiceServicer):
    """Plays one step for each call: a Refusal, an answer, or a list of events
    and a Refusal; the last step repeats.

        with ScriptedGateway(Refusal(...), answer) as gateway:
            LLMGateway.connect(gateway.address, plaintext=True)
    """

    def __init__(self, *steps):
        self._lock = threading.Lock()
        self._steps = list(steps)
        self.calls = []  # The metadata of each, as dicts.
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        gateway_pb2_grpc.add_GatewayServiceServicer_to_server(
            self, self._server)
        self.address = "127.0.0.1:%d" % self._server.add_insecure_port(
            "127.0.0.1:0")
        self._server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.stop(None).wait()

    def _step(self, context):
        with self._lock:
            self.calls.append(dict(context.invocation_metadata()))
            return (self._steps.pop(0) if len(self._steps) > 1
                    else self._steps[0])

    def _answer(self, request, context):
        del request
        step = self._step(context)
        if isinstance(step, Refusal):
            step.end(context)
        return step

    Generate = CountTokens = Embed = ListModels = _answer
    GetModel = CreateSession = GetSession = DeleteSession = _answer
    ListTools = ExecuteTool = _answer

    def StreamGenerate(self, request, context):
        step = self._step(context)
        for each in step if isinstance(step, list) else [step]:
            if isinstance(each, Refusal):
                each.end(context)
            yield each

    ResumeStream = StreamGenerate

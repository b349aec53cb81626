"""What the tests of sessions share: a gateway that three callers with keys ask,
by HTTP and by gRPC.

    class EndingsTest(SessionsCase):
        def test_something(self):
            self.start()
            session = self.open()
            self.chat(session, "first")
            self.assertEqual(self.texts(session), ["first", "..."])
"""

import json
import os
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_SERVICE = "/llmgateway.v1.GatewayService/"
ALICE = "key-of-alice-0123456789"
BOB = "key-of-bob-01234567890"
# May do nothing but look.
CAROL = "key-of-carol-0123456789"
ENV = {**gateway_case.ENV, "ALICE": ALICE, "BOB": BOB, "CAROL": CAROL}
KEYS = """\
auth:
  callers:
    api_keys:
      - {{id: alice, key: "env:ALICE"}}
      - {{id: bob, key: "env:BOB"}}
      - {{id: carol, key: "env:CAROL", scopes: ["rpc:GetSession"]}}
"""


class SessionsCase(unittest.TestCase):
    """One upstream for all tests of a class, and a gateway for each."""

    sessions = "sessions: {}\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upstream = MockUpstream()
        cls.addClassCleanup(cls.upstream.close)
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        super().setUp()
        self.upstream.reset()
        folder = tempfile.TemporaryDirectory(prefix="sessions")
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "kept")
        self.gateway = None

    def limited(self, answer, field):
        """Expects that a limit of sessions has refused."""
        self.assertEqual(answer.status, 429, answer.body)
        self.assertEqual(answer.error()["code"], "session_limited")
        self.assertIn(field, answer.body.decode())

    def start(self, more="", durable=True):
        config = (gateway_case.CONFIG + KEYS).format(
            upstream=self.upstream.address)
        if durable:
            config += "runtime: {state_dir: '%s'}\n" % self.state
        self.gateway = GatewayProcess(
            config + self.sessions + more, env=ENV)
        self.addCleanup(self.gateway.kill)
        return self.gateway

    # By HTTP.

    def http(self, method, path="/v1/sessions", body=None, key=ALICE):
        return ask(self.gateway.http, body, path=path, method=method,
                   headers={"authorization": "Bearer " + key})

    def open(self, body=None, key=ALICE):
        """A new session's id."""
        made = self.http("POST", body=body or {}, key=key)
        self.assertEqual(made.status, 201, made.body)
        return made.json()["id"]

    def get(self, session, key=ALICE):
        got = self.http("GET", "/v1/sessions/" + session, key=key)
        self.assertEqual(got.status, 200, got.body)
        return got.json()

    def texts(self, session):
        return [message["content"] for message in
                self.get(session)["messages"]]

    def chat(self, session, text, model="gpt-x", key=ALICE, headers=None,
             **fields):
        return ask(self.gateway.http,
                   chat(model, text, session_id=session, **fields),
                   headers={"authorization": "Bearer " + key,
                            **(headers or {})})

    def asked(self, model="gpt-x"):
        """The messages that the provider was asked with last."""
        body = json.loads(self.upstream.last_body(model))
        self.assertNotIn("session_id", body)
        return [message["content"] for message in body["messages"]]

    # By gRPC.

    def rpc(self, method, request, key=ALICE, **options):
        return self.caller.call(
            self.gateway.grpc, _SERVICE + method, request,
            metadata=[["authorization", "Bearer " + key]], **options)

    def stream(self, session, text, key=ALICE, **options):
        return self.caller.stream(
            self.gateway.grpc, prompt("gpt-x", text, session=session),
            metadata=[["authorization", "Bearer " + key]], **options)

"""What the client of every language has to do, against real gateways.

A language's test mixes these into TestCases that have `command`, its program
for client_driver.py; so all languages are held to the same.
"""

import json
import subprocess
import tempfile
import threading
import unittest

from tests.integration import certificates
from tests.integration import gateway_case
from tests.integration.clients.client_driver import ClientDriver
from tests.integration.clients.scripted_gateway import BEGUN
from tests.integration.clients.scripted_gateway import ScriptedGateway
from tests.testing.gateway_process import LISTENERS
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import environment

_KEY = "key-of-a-caller-0123456789"
_TEXT = "Grüße, 世界: a \"quoted\" answer in several pieces."
# Callers without a key, by the name that they give.
_SERVES_EXAMPLE = "auth: {anonymous_hosts: [llm.example]}\n"
_MOCK = "providers: [{name: mock, mock: {}}]\nrouting: {default_target: mock}\n"
# Until somebody leaves.
_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 20}
_STREAM = "llmgateway.v1.GatewayService/StreamGenerate"


class ClientCase(unittest.TestCase):
    """What the cases of all files share."""

    command = None

    def connect(self, target, **settings):
        settings.setdefault("plaintext", True)
        client = ClientDriver(self.command, target=target, **settings)
        self.addCleanup(client.close)
        return client

    def start(self, config, **options):
        gateway = GatewayProcess(config, **options)
        self.addCleanup(gateway.kill)
        return gateway

    def assert_failed(self, result, code, reason):
        self.assertIn("error", result, result)
        self.assertEqual((result["error"]["code"], result["error"]["reason"]),
                         (code, reason), result["error"])


class CallCases(ClientCase, gateway_case.GatewayCase):
    """Each method of the client, and how it ends."""

    config = gateway_case.KEYLESS_CONFIG.replace(
        "  - name: anthropic\n",
        '    models: ["gpt-x", "gpt-y"]\n  - name: anthropic\n'
    ) + "sessions: {{}}\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls.enter_class(ClientDriver(
            cls.command, target=cls.gateway.grpc, plaintext=True))

    def setUp(self):
        super().setUp()
        self.upstream.reset()

    def call(self, do, model="gpt-x", text="Hello", **fields):
        return self.client.call(do, model=model, text=text, **fields)

    def test_a_whole_answer(self):
        self.upstream.set_script("gpt-x", {
            "text": _TEXT, "usage": {"prompt_tokens": 12,
                                     "completion_tokens": 34}})
        answer = self.call("generate", metadata={"x-request-id": "whole-1"})
        self.assertEqual(answer, {
            "text": _TEXT, "request_id": "whole-1", "input_tokens": 12,
            "output_tokens": 34, "finish_reason": "FINISH_REASON_STOP"})

    def test_a_stream_says_the_same_in_pieces(self):
        self.upstream.set_script("gpt-x", {
            "text": _TEXT, "chunks": 5,
            "usage": {"prompt_tokens": 12, "completion_tokens": 34}})
        stream = self.call("stream", metadata={"x-request-id": "stream-1"})
        self.assertNotIn("error", stream)
        self.assertEqual(
            (stream["text"], stream["request_id"], stream["outcome"],
             stream["input_tokens"], stream["output_tokens"]),
            (_TEXT, "stream-1", "OUTCOME_FINISHED", 12, 34))
        self.assertEqual(stream["events"][0], "started")
        self.assertEqual(stream["events"].index("end"),
                         len(stream["events"]) - 1)
        self.assertEqual(stream["seqs"],
                         list(range(1, len(stream["events"]) + 1)))

    def test_a_stream_that_breaks_off_is_no_success(self):
        self.upstream.set_script("gpt-x", {
            "chunks": 10, "chunk_bytes": 4, "close_after_chunks": 3})
        stream = self.call("stream", metadata={"x-request-id": "broken-1"})
        self.assert_failed(stream, "UNAVAILABLE", "STREAM_INTERRUPTED")
        self.assertEqual(len(stream["text"]), 12)
        self.assertEqual(stream["outcome"], "OUTCOME_TRUNCATED")
        self.assertEqual(stream["error"]["request_id"], "broken-1")

    def test_a_stream_that_cannot_begin_has_one_error(self):
        self.upstream.set_script("gpt-x", {"status": 400})
        stream = self.call("stream")
        self.assert_failed(stream, "INVALID_ARGUMENT", "INVALID_REQUEST")
        self.assertEqual(stream["text"], "")

    def test_a_stream_that_is_left_stops_the_model(self):
        self.upstream.set_script("gpt-left", _ENDLESS)
        stream = self.call("stream", model="gpt-left", close_after=2)
        self.assertEqual(stream["events"].count("delta"), 2)
        self.assert_failed(stream, "CANCELLED", "")
        self.upstream.wait_for("cancelled", "gpt-left")

    def test_a_stream_is_cancelled(self):
        self.upstream.set_script("gpt-left", {"stall_after_chunks": 2})
        call = self.client.start("stream", model="gpt-left", text="Hello")
        self.upstream.wait_for("started", "gpt-left")
        self.client.cancel(call)
        self.assert_failed(self.client.wait(call), "CANCELLED", "")
        self.upstream.wait_for("cancelled", "gpt-left")

    def test_a_call_is_cancelled(self):
        self.upstream.set_script("gpt-left", {"stall_before_first_byte": True})
        call = self.client.start("generate", model="gpt-left", text="Hello")
        self.upstream.wait_for("started", "gpt-left")
        self.client.cancel(call)
        self.assert_failed(self.client.wait(call), "CANCELLED", "")
        self.upstream.wait_for("cancelled", "gpt-left")

    def test_a_deadline_passes(self):
        self.upstream.set_script("gpt-slow", {"stall_before_first_byte": True})
        # Ample for a client that is cold to reach the provider first.
        calls = {do: self.client.start(do, model="gpt-slow", text="Hello",
                                       timeout_ms=3000)
                 for do in ("generate", "stream")}
        for do, call in calls.items():
            with self.subTest(do):
                self.assertEqual(self.client.wait(call)["error"]["code"],
                                 "DEADLINE_EXCEEDED")
        self.upstream.wait_for("cancelled", "gpt-slow", count=2)

    def test_tokens_are_counted(self):
        self.assertEqual(self.call("count")["input_tokens"], 12)

    def test_texts_become_vectors(self):
        self.upstream.set_script("gpt-x", {"dimensions": 7})
        self.assertEqual(self.call("embed"), {"vectors": [7]})

    def test_models_are_listed_by_page_and_whole(self):
        page = self.client.call("list_models", page_size=1)
        self.assertEqual((len(page["models"]), page["more"]), (1, True))
        models = self.client.call("models")["models"]
        self.assertGreater(len(models), 1)
        self.assertEqual(models, sorted(set(models)))
        self.assertEqual(models[:1], page["models"])
        self.assertEqual(self.client.call("get_model", name=models[0])["name"],
                         models[0])

    def test_a_session_remembers_until_it_is_deleted(self):
        session = self.client.call("create_session", ttl_s=600)["session"]
        self.assertNotIn("error", self.call("generate", session=session))
        self.assertEqual(
            self.client.call("get_session", session=session),
            {"session": session, "messages": 2})
        self.assertEqual(
            self.client.call("delete_session", session=session), {})
        self.assert_failed(self.client.call("get_session", session=session),
                           "NOT_FOUND", "NOT_FOUND")

    def test_calls_run_beside_each_other(self):
        self.upstream.set_script("gpt-many", {"chunks": 20, "chunk_delay_ms": 5})
        calls = [self.client.start("stream", model="gpt-many", text="Hello")
                 for _ in range(20)]
        for call in calls:
            self.assertEqual(self.client.wait(call)["outcome"],
                             "OUTCOME_FINISHED")


class ErrorCases(ClientCase, gateway_case.GatewayCase):
    """What is told of a failure."""

    config = gateway_case.KEYLESS_CONFIG

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls.enter_class(ClientDriver(
            cls.command, target=cls.gateway.grpc, plaintext=True))

    def call(self, **fields):
        return self.client.call(
            "generate", **{"model": "gpt-x", "text": "Hello", **fields})

    def test_reason_metadata_and_request_id(self):
        refused = self.call(provider_id="nobody",
                            metadata={"x-request-id": "no-such-1"})
        self.assert_failed(refused, "NOT_FOUND", "PROVIDER_NOT_FOUND")
        error = refused["error"]
        self.assertEqual(error["metadata"], {"provider": "nobody"})
        self.assertEqual(error["request_id"], "no-such-1")
        self.assertIn("nobody", error["message"])
        self.assertNotIn("retry_after_ms", error)
        self.assertEqual((error["fields"], error["quotas"]), ([], []))

    def test_the_fields_that_are_wrong(self):
        refused = self.client.call("generate", model="gpt-x")
        self.assert_failed(refused, "INVALID_ARGUMENT", "INVALID_REQUEST")
        self.assertEqual(refused["error"]["fields"], ["messages"])

    def test_how_long_to_wait(self):
        self.upstream.set_script("claude-x", {"status": 429,
                                              "retry_after": "7"})
        refused = self.call(model="claude-x")
        self.assert_failed(refused, "RESOURCE_EXHAUSTED",
                           "PROVIDER_RATE_LIMITED")
        # What the call itself took has passed of them.
        self.assertIn(refused["error"]["retry_after_ms"], range(1, 7001))

    def test_which_limit_was_reached(self):
        gateway = self.start(_MOCK + "rate_limits: [{name: hourly, "
                             "unit: requests, limit: 1, window: 1h}]\n")
        client = self.connect(gateway.grpc)
        self.assertNotIn("error", client.call("generate", model="m",
                                              text="Hello"))
        refused = client.call("generate", model="m", text="Hello")
        self.assert_failed(refused, "RESOURCE_EXHAUSTED", "RATE_LIMITED")
        self.assertEqual(refused["error"]["metadata"]["limit"], "hourly")
        self.assertEqual(len(refused["error"]["quotas"]), 1)
        self.assertGreater(refused["error"]["retry_after_ms"], 0)

    def test_a_gateway_that_is_not_there(self):
        with ScriptedGateway() as server:
            address = server.address
        result = self.connect(address).call("generate", model="m",
                                            text="Hello")
        self.assert_failed(result, "UNAVAILABLE", "")

    def test_a_connection_that_ends_in_peace_without_the_last_event(self):
        server = self.enter(ScriptedGateway())
        server.play({"events": BEGUN})
        stream = self.connect(server.address).call("stream", model="m",
                                                   text="Hello")
        self.assert_failed(stream, "UNAVAILABLE", "STREAM_INTERRUPTED")
        self.assertEqual(
            (stream["text"], stream["request_id"],
             stream["error"]["request_id"]), ("half", "scripted", "scripted"))


class ConnectionCases(ClientCase):
    """Keys, TLS, which of several gateways is called, and the end of it all."""

    # Whether the client ends its calls when it is closed; C++ has them end
    # before.
    closes = True

    def test_answers_may_be_as_large_as_the_gateway_takes_them(self):
        server = ScriptedGateway()
        self.addCleanup(server.close)
        client = self.connect(server.address)
        for answer_bytes, is_taken in ((63 << 20, True), (65 << 20, False)):
            server.play({"answer_bytes": answer_bytes})
            result = client.call("generate", model="m", text="Hello")
            if is_taken:
                self.assertNotIn("error", result)
                self.assertEqual(len(result["text"]), answer_bytes)
            else:
                self.assert_failed(result, "RESOURCE_EXHAUSTED", "")

    def test_a_client_that_is_closed_makes_no_calls(self):
        if not self.closes:
            return
        server = ScriptedGateway()
        self.addCleanup(server.close)
        server.play({"events": BEGUN, "stay": True})
        client = self.connect(server.address)
        under_way = [client.start(do, model="m", text="Hello")
                     for do in ("generate", "stream")]
        while len(server.attempts()) < 2:
            pass
        client.close_client()
        for call in under_way:
            self.assert_closed(client.wait(call))
        for do in ("generate", "stream", "count"):
            self.assert_closed(client.call(do, model="m", text="Hello"))
        self.assertEqual(len(server.attempts()), 2)

    def assert_closed(self, result):
        self.assert_failed(result, "CANCELLED", "")

    def test_keys(self):
        gateway = self.start(
            _MOCK + "auth: {callers: {api_keys: [{id: a, key: 'env:KEY'}]}}\n",
            env={"KEY": _KEY})
        client = self.connect(gateway.grpc, api_key=_KEY)
        self.assertNotIn("error", client.call("generate", model="m",
                                              text="Hello"))
        for settings in ({}, {"api_key": "sk-of-somebody-else"}):
            refused = self.connect(gateway.grpc, **settings).call(
                "generate", model="m", text="Hello")
            self.assert_failed(refused, "UNAUTHENTICATED", "API_KEY_INVALID")
            self.assertNotIn("sk-of-somebody-else", str(refused))

    def test_no_proxy_stands_before_a_gateway_on_this_machine(self):
        gateway = self.start(_MOCK)
        port = gateway.grpc.rpartition(":")[2]
        proxy = {name: "http://127.0.0.1:1" for name in
                 ("http_proxy", "https_proxy", "grpc_proxy")}
        for target in (gateway.grpc, "dns:///localhost:" + port,
                       "ipv4:" + gateway.grpc):
            self.assertNotIn("error", self.connect(target, env=proxy).call(
                "generate", model="m", text="Hello"), target)

    def authority(self):
        folder = tempfile.TemporaryDirectory(prefix="clients")
        self.addCleanup(folder.cleanup)
        return certificates.Authority(folder.name, "ours")

    def tls_gateway(self, authority, more="", auth="",
                    name="DNS:localhost,IP:127.0.0.1"):
        leaf = authority.issue("gateway", name)
        return self.start(LISTENERS.replace(
            'grpc: {address: "127.0.0.1:0"',
            'grpc: {address: "127.0.0.1:0", tls: {cert_chain: "file:%s", '
            'private_key: "file:%s"%s}' % (leaf.cert, leaf.key, more))
                          + _MOCK + auth)

    def test_tls(self):
        authority = self.authority()
        gateway = self.tls_gateway(authority)
        client = self.connect(gateway.grpc, plaintext=False, ca=authority.cert)
        self.assertNotIn("error", client.call("stream", model="m",
                                              text="Hello"))
        # Another's authority, and the system's.
        for settings in ({"ca": self.authority().cert}, {}):
            client = self.connect(gateway.grpc, plaintext=False, **settings)
            self.assert_failed(
                client.call("generate", model="m", text="Hello",
                            timeout_ms=10000), "UNAVAILABLE", "")

    def test_a_list_of_addresses_has_the_name_that_is_given(self):
        authority = self.authority()
        first, second = (
            self.tls_gateway(authority, name="DNS:llm.example",
                             auth=_SERVES_EXAMPLE)
            for _ in range(2))
        target = "ipv4:%s,%s" % (first.grpc, second.grpc)
        for name, is_theirs in (("llm.example", True),
                                ("other.example", False)):
            with self.subTest(name):
                client = self.connect(target, plaintext=False,
                                      ca=authority.cert, server_name=name)
                result = client.call("generate", model="m", text="Hello",
                                     timeout_ms=10000)
                if is_theirs:
                    self.assertNotIn("error", result)
                else:
                    self.assert_failed(result, "UNAVAILABLE", "")

    def test_one_address_may_have_another_name(self):
        authority = self.authority()
        gateway = self.tls_gateway(authority, name="DNS:llm.example",
                                   auth=_SERVES_EXAMPLE)
        for settings in ({"server_name": "llm.example"}, {}):
            client = self.connect(gateway.grpc, plaintext=False,
                                  ca=authority.cert, **settings)
            result = client.call("generate", model="m", text="Hello",
                                 timeout_ms=10000)
            self.assertEqual("error" in result, not settings, result)

    def test_mutual_tls(self):
        authority = self.authority()
        ours = authority.issue("search", "DNS:search.internal")
        gateway = self.tls_gateway(
            authority, ', client_ca: "file:%s"' % authority.cert,
            "auth: {callers: {client_certificates: "
            "{names: ['dns:search.internal']}}}\n")
        client = self.connect(gateway.grpc, plaintext=False, ca=authority.cert,
                              cert=ours.cert, key=ours.key)
        self.assertNotIn("error", client.call("generate", model="m",
                                              text="Hello"))
        nobody = authority.issue("nobody", "DNS:nobody.internal")
        client = self.connect(gateway.grpc, plaintext=False, ca=authority.cert,
                              cert=nobody.cert, key=nobody.key)
        self.assert_failed(client.call("generate", model="m", text="Hello"),
                           "UNAUTHENTICATED", "API_KEY_INVALID")

    def test_a_call_waits_until_a_gateway_is_there(self):
        with ScriptedGateway() as server:
            port = server.port
        client = self.connect("127.0.0.1:%d" % port, wait_for_ready=True)
        result = client.call("generate", model="m", text="Hello",
                             timeout_ms=300)
        self.assertEqual(result["error"]["code"], "DEADLINE_EXCEEDED")
        call = client.start("generate", model="m", text="Hello")
        with ScriptedGateway(port):
            self.assertNotIn("error", client.wait(call))

    def pair(self):
        """Two gateways, and the target that is both."""
        first, second = self.start(_MOCK), self.start(_MOCK)
        return first, second, "ipv4:%s,%s" % (first.grpc, second.grpc)

    def test_calls_are_spread_over_all_gateways(self):
        first, second, target = self.pair()
        client = self.connect(target, wait_for_ready=True)

        def both_have_been_called():
            return first.access_lines() and second.access_lines()

        # The second connection may come a little after the first.
        calls = 0
        while not both_have_been_called() and calls < 1000:
            self.assertNotIn("error", client.call("generate", model="m",
                                                  text="Hello"))
            calls += 1
        self.assertTrue(both_have_been_called())
        for i in range(20):
            client.call("generate", model="m", text="Hello",
                        metadata={"x-request-id": "turn-%d" % i})
        served = []
        for gateway in (first, second):
            gateway.stop()  # Its log is whole now.
            served.append(sum(
                len(gateway.access_lines(request_id="turn-%d" % i))
                for i in range(20)))
        self.assertEqual(served, [10, 10])

    def test_a_gateway_that_is_replaced_costs_no_call(self):
        first, second, target = self.pair()
        client = self.connect(target, wait_for_ready=True)
        done = threading.Event()
        failed = []
        made = [0]

        def go_on():
            while not done.is_set():
                for do in ("generate", "stream"):
                    result = client.call(do, model="m", text="Hello")
                    made[0] += 1
                    if "error" in result:
                        failed.append(result["error"])

        callers = [threading.Thread(target=go_on) for _ in range(4)]
        for caller in callers:
            caller.start()
        try:
            first.wait_for_access(operation=_STREAM)
            for _ in range(2):
                address = first.grpc
                first.stop()
                first = self.start(LISTENERS.replace(
                    'grpc: {address: "127.0.0.1:0"',
                    'grpc: {address: "%s"' % address) + _MOCK)
            second.stop()
            # Now all go to the one that has come.
            first.wait_for_access(operation=_STREAM)
        finally:
            done.set()
            for caller in callers:
                caller.join()
        self.assertEqual(failed, [])
        self.assertGreater(made[0], 10)


class QuickStartCase(ClientCase):
    """The program of the language's README, with the package that it says how
    to install; `hello` is its command."""

    hello = None

    def run_hello(self, model):
        gateway = self.start("providers: [{name: mock, mock: {}}]\nrouting: "
                             "{model_rules: [{prefix: mock-, "
                             "targets: [mock]}]}\n")
        return subprocess.run(
            [*self.hello, model], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
            env=environment({"GATEWAY": gateway.grpc}), text=True,
            timeout=60)

    def test_the_answer_is_printed(self):
        done = self.run_hello("mock-model")
        self.assertEqual(
            (done.returncode, done.stdout.strip()),
            (0, "This is the mock provider speaking."), done.stderr)

    def test_a_failure_is_told_with_its_reason(self):
        done = self.run_hello("unknown")
        self.assertEqual((done.returncode, done.stdout.strip()), (1, ""))
        self.assertIn("MODEL_NOT_FOUND", done.stderr)

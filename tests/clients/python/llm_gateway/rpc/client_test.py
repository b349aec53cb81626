"""LLMGatewayClient calls a gateway, by real connections."""

import math
import socket
import tempfile
import threading
import time
import unittest

from tests.clients.python.llm_gateway import client_case
from tests.clients.python.llm_gateway.client_case import (
    Refusal, ScriptedGateway, generate_request, text_of)
from tests.integration.certificates import Authority
from tests.testing.gateway_process import GatewayProcess

import grpc
from llm_gateway.gateway import LLMGateway
from llm_gateway.rpc import errors
from llm_gateway.rpc.retrying import RetryPolicy
from llmgateway.v1 import gateway_pb2

_UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
_LIMITED = grpc.StatusCode.RESOURCE_EXHAUSTED
_MOCK = "providers: [{name: mock, mock: {reply: '%s'}}]\n" \
    "routing: {default_target: mock}\n"
_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def answer_of(client):
    return text_of(client.generate(generate_request("m")))


def await_answers_of(client, *names):
    """Calls until each of these gateways has answered."""
    deadline = time.monotonic() + 30
    missing = set(names)
    while missing:
        missing.discard(answer_of(client))
        if time.monotonic() > deadline:
            raise TimeoutError("no answer of %s" % ", ".join(missing))


class CallsTest(client_case.ClientCase):

    def test_generates(self):
        self.upstream.set_script("gpt-x", {"text": "Good day."})
        answer = self.connect().generate(generate_request("gpt-x", "Hi"))
        self.assertEqual(text_of(answer), "Good day.")
        self.assertEqual(answer.route.provider, "openai")
        self.assertGreater(answer.usage.input_tokens, 0)

    def test_counts(self):
        counted = self.connect().count_tokens(generate_request("claude-x"))
        self.assertGreater(counted.input_tokens, 0)
        self.assertEqual(counted.source,
                         gateway_pb2.CountTokensResponse.SOURCE_PROVIDER)

    def test_embeds(self):
        self.upstream.set_script("gpt-embed", {"dimensions": 3})
        answer = self.connect().embed(gateway_pb2.EmbedRequest(
            model="gpt-embed", inputs=[{"text": "one"}, {"text": "two"}]))
        self.assertEqual([len(each.values) for each in answer.embeddings],
                         [3, 3])

    def test_keeps_sessions(self):
        client = self.connect()
        session = client.create_session(
            ttl_s=90.5, context={"tenant": "a", "list": [1, {"b": None}]})
        self.assertEqual(session.ttl.ToNanoseconds(), 90500000000)
        self.assertEqual(session.context["tenant"], "a")
        client.generate(generate_request("gpt-x", "Remember",
                                         session=session.id))
        kept = client.get_session(session.id)
        self.assertEqual(kept.messages[0].parts[0].text, "Remember")
        self.assertEqual(len(kept.messages), 2)
        client.delete_session(session.id)
        with self.assertRaises(errors.NotFoundError):
            client.get_session(session.id)

    def test_a_request_id_comes_back(self):
        client = self.connect()
        answer = client.generate(generate_request("gpt-x"),
                                 request_id="mine-1")
        self.assertEqual(answer.request_id, "mine-1")
        with self.assertRaises(errors.NotFoundError) as caught:
            client.get_model("nobody-has-this", request_id="mine-2")
        self.assertEqual(caught.exception.request_id, "mine-2")

    def test_metadata_goes_with_the_call(self):
        scripted = self.enter(ScriptedGateway(gateway_pb2.Model()))
        self.connect(scripted.address, health_checks=False,
                     metadata={"x-own": "a", "x-raw-bin": b"\xff"}).get_model(
            "m", traceparent=_TRACEPARENT, request_id="r-1")
        told = scripted.calls[0]
        self.assertEqual(
            [told[key] for key in ("authorization", "traceparent", "x-own",
                                   "x-raw-bin", "x-request-id")],
            ["Bearer " + client_case.ALICE, _TRACEPARENT, "a", b"\xff",
             "r-1"])
        self.assertTrue(told["user-agent"].startswith("llmgateway-python/"))

    def test_calls_may_be_made_by_threads(self):
        client = self.connect()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(text_of(
            client.generate(generate_request("gpt-x"))))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 8)

    def test_what_cannot_be_sent_is_told_when_it_connects(self):
        for target, key in (("", None), ("127.0.0.1:1", "secret\n")):
            with self.assertRaisesRegex(ValueError, "target|api_key") as caught:
                LLMGateway.connect(target, plaintext=True, api_key=key)
            self.assertNotIn("secret", str(caught.exception))

    def test_providers_are_the_gateways(self):
        with self.assertRaisesRegex(TypeError, "'mock' cannot be registered"):
            self.connect().register_provider("mock", None)


class ModelsTest(client_case.ClientCase):

    config = """\
providers:
  - {{name: one, models: [cheap, dear], mock: {{}}}}
  - {{name: two, models: [other], mock: {{}}}}
routing: {{default_target: one}}
tracing: {{}}
"""

    def names(self, *arguments):
        return [model.name for model in
                self.connect().list_models(*arguments)]

    def test_they_are_listed_and_described(self):
        self.assertEqual(self.names(), ["cheap", "dear", "other"])
        self.assertEqual(self.names("two"), ["other"])
        model = self.connect().get_model("dear", "one")
        self.assertEqual((model.name, model.provider), ("dear", "one"))

    def test_they_come_page_by_page(self):
        client = self.connect()
        sizes = []
        ask = client.stub.ListModels

        def one_a_page(request, **fields):
            request.page_size = 1
            page = ask(request, **fields)
            sizes.append(len(page.models))
            return page

        client.stub.ListModels = one_a_page
        self.assertEqual([model.name for model in client.list_models()],
                         ["cheap", "dear", "other"])
        self.assertEqual(sizes, [1, 1, 1])

    def test_a_trace_goes_on_in_the_gateway(self):
        self.connect().generate(generate_request("cheap"), request_id="r-1",
                                traceparent=_TRACEPARENT)
        line = self.gateway.wait_for_access(request_id="r-1")
        self.assertEqual(line["trace_id"], _TRACEPARENT.split("-")[1])


class FailuresTest(client_case.ClientCase):

    def test_a_wrong_key_is_told(self):
        for key in ("wrong", None):
            with self.assertRaises(errors.AuthenticationError) as caught:
                self.connect(api_key=key).generate(generate_request("gpt-x"))
            self.assertEqual(caught.exception.reason, "API_KEY_INVALID")

    def test_what_the_key_may_not_is_told(self):
        with self.assertRaises(errors.PermissionDeniedError) as caught:
            self.connect(api_key=client_case.CAROL).generate(
                generate_request("gpt-x"))
        self.assertEqual(caught.exception.metadata["scope"], "rpc:Generate")

    def test_one_call_may_have_another_key(self):
        client = self.connect(api_key="wrong")
        client.generate(generate_request("gpt-x"), api_key=client_case.ALICE)

    def test_the_fields_at_fault_are_named(self):
        with self.assertRaises(errors.InvalidRequestError) as caught:
            self.connect().generate(gateway_pb2.GenerateRequest(
                model="gpt-x", max_output_tokens=0))
        self.assertEqual({field.field for field in caught.exception.fields},
                         {"messages", "max_output_tokens"})

    def test_a_providers_failure_is_asked_for_as_often_as_the_gateway_does(
            self):
        """The gateway's own attempts are not multiplied."""
        self.upstream.set_script("gpt-x", {"status": 503})
        with self.assertRaises(errors.ProviderFailedError) as caught:
            self.connect().generate(generate_request("gpt-x"),
                                    request_id="once")
        self.assertEqual((caught.exception.reason,
                          caught.exception.metadata["provider"],
                          caught.exception.metadata["http_status"]),
                         ("PROVIDER_UNAVAILABLE", "openai", "503"))
        line = self.gateway.wait_for_access(request_id="once")
        self.assertEqual(self.upstream.stat("gpt-x", "requests"),
                         line["attempt_count"])
        self.assertEqual(len(self.gateway.access_lines(request_id="once")), 1)

    def test_a_limit_says_when_to_come_again(self):
        client = self.connect()
        client.generate(generate_request("gpt-seldom"))
        with self.assertRaises(errors.RateLimitError) as caught:
            client.generate(generate_request("gpt-seldom"))
        error = caught.exception
        self.assertEqual((error.reason, error.metadata["limit"]),
                         ("RATE_LIMITED", "seldom"))
        self.assertGreater(error.retry_after_s, 1000)
        self.assertGreater(error.pushback_ms, 1000000)

    def test_a_deadline_reaches_the_provider(self):
        self.upstream.set_script("gpt-x", {"stall_before_first_byte": True})
        with self.assertRaises(errors.DeadlineError):
            self.connect().generate(generate_request("gpt-x"), timeout_s=2)
        self.upstream.wait_for("cancelled", "gpt-x")

    def test_the_clients_deadlines_are_those_of_calls(self):
        self.upstream.set_script("gpt-x", {"stall_before_first_byte": True})
        with self.assertRaises(errors.DeadlineError):
            self.connect(generate_timeout_s=0.2).generate(
                generate_request("gpt-x"))

    def test_nobody_there_is_unavailable(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = "127.0.0.1:%d" % server.getsockname()[1]
        with self.assertRaises(errors.UnavailableError) as caught:
            self.connect(address).generate(generate_request("gpt-x"))
        self.assertEqual((caught.exception.reason,
                          caught.exception.request_id), ("", ""))

    def test_who_waits_for_ready_is_served_when_there_is_a_gateway(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        client = self.connect("127.0.0.1:%d" % port, wait_for_ready=True)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(
            text_of(client.generate(generate_request("m"), timeout_s=60))))
        waiting.start()
        gateway = self.enter(GatewayProcess(
            "listeners:\n  grpc: {address: '127.0.0.1:%d'}\n" % port +
            "".join("  %s: {address: '127.0.0.1:0'}\n" % name
                    for name in ("http", "admin", "operations")) +
            _MOCK % "at last"))
        self.assertEqual(gateway.grpc, "127.0.0.1:%d" % port)
        waiting.join()
        self.assertEqual(answers, ["at last"])


class RetriesTest(client_case.ClientCase):
    """What the gateway has turned away comes again when it says so."""

    def setUp(self):
        super().setUp()
        self.slept = []

    def play(self, *steps, **options):
        """A client of a gateway that plays these steps."""
        self.scripted = self.enter(ScriptedGateway(*steps))
        return self.connect(self.scripted.address, health_checks=False,
                            sleep=self.slept.append, **options)

    def calls(self):
        return len(self.scripted.calls)

    def test_a_pushback_is_waited_for(self):
        client = self.play(Refusal(_UNAVAILABLE, "OVERLOADED", 1500),
                           gateway_pb2.GenerateResponse(request_id="r"))
        self.assertEqual(client.generate(generate_request("m")).request_id,
                         "r")
        self.assertEqual((self.calls(), self.slept), (2, [1.5]))

    def test_there_are_so_many_attempts(self):
        refusal = Refusal(_LIMITED, "RATE_LIMITED", 10)
        for attempts in (1, 3, 4):
            client = self.play(refusal,
                               retry=RetryPolicy(attempts_max=attempts))
            with self.assertRaises(errors.RateLimitError):
                client.generate(generate_request("m"))
            self.assertEqual(self.calls(), attempts)

    def test_what_may_not_come_again_does_not(self):
        for reason, pushback in (
                ("OVERLOADED", -1), ("RATE_LIMITED", None),
                ("PROVIDER_UNAVAILABLE", 10), ("PROVIDER_TIMEOUT", None),
                (None, None)):
            client = self.play(Refusal(_UNAVAILABLE, reason, pushback))
            with self.assertRaises(errors.CallError):
                client.generate(generate_request("m"))
            self.assertEqual((self.calls(), self.slept), (1, []), reason)

    def test_nobodys_answer_is_asked_for_again_if_nothing_is_done_twice(self):
        client = self.play(Refusal(_UNAVAILABLE), gateway_pb2.Model(name="m"))
        self.assertEqual(client.get_model("m").name, "m")
        client = self.play(Refusal(_UNAVAILABLE),
                           gateway_pb2.GenerateResponse(request_id="r"))
        client.generate(generate_request("m", idempotency_key="k"))
        self.assertEqual((self.calls(), len(self.slept)), (2, 2))

    def test_a_tool_is_never_run_again(self):
        for refusal in (Refusal(_UNAVAILABLE), Refusal(_UNAVAILABLE, "DRAINING"),
                        Refusal(_UNAVAILABLE, "OVERLOADED", 1),
                        Refusal(_LIMITED, "RATE_LIMITED", 1)):
            client = self.play(refusal)
            with self.assertRaises(errors.CallError):
                client.execute_tool("add", {"a": 1})
            self.assertEqual((self.calls(), self.slept), (1, []))

    def test_no_wait_outlasts_the_deadline(self):
        client = self.play(Refusal(_UNAVAILABLE, "OVERLOADED", 20000))
        with self.assertRaises(errors.UnavailableError):
            client.generate(generate_request("m"), timeout_s=10)
        self.assertEqual((self.calls(), self.slept), (1, []))

    def test_a_client_that_is_always_refused_retries_less(self):
        client = self.play(Refusal(_UNAVAILABLE, "DRAINING"))
        for _ in range(10):
            with self.assertRaises(errors.UnavailableError):
                client.generate(generate_request("m"))
        self.assertEqual(self.calls(), 10 + 4)

    def test_a_drained_gateway_is_left_for_another(self):
        first, second = [
            self.enter(GatewayProcess(_MOCK % name + "idempotency: {}\n"))
            for name in ("first", "second")]
        client = self.connect("ipv4:%s,%s" % (first.grpc, second.grpc))
        await_answers_of(client, "first", "second")
        first.stop()
        # One may meet the connection as it closes: its key lets it be repeated.
        told = {text_of(client.generate(generate_request(
            "m", idempotency_key="call-%d" % number)))
            for number in range(10)}
        self.assertEqual(told, {"second"})


class BalancingTest(client_case.ClientCase):

    def test_calls_go_round(self):
        gateways = [self.enter(GatewayProcess(_MOCK % name))
                    for name in ("first", "second", "third")]
        client = self.connect("ipv4:" + ",".join(
            gateway.grpc for gateway in gateways), wait_for_ready=True)

        # Once all are connected, each is asked in its turn.
        await_answers_of(client, "first", "second", "third")
        told = [answer_of(client) for _ in range(9)]
        self.assertEqual(told[0:3], told[3:6])
        self.assertEqual(told[0:3], told[6:9])
        self.assertEqual(len(set(told)), 3)

    def test_or_all_to_the_first(self):
        first, second = [self.enter(GatewayProcess(_MOCK % name))
                         for name in ("first", "second")]
        client = self.connect("ipv4:%s,%s" % (first.grpc, second.grpc),
                              load_balancing="pick_first")
        self.assertEqual({answer_of(client) for _ in range(10)}, {"first"})


class TlsTest(client_case.ClientCase):

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="tls")
        self.addCleanup(folder.cleanup)
        self.ours = Authority(folder.name, "ours")
        self.folder = folder.name

    def start(self, mutual=False):
        leaf = self.ours.issue("localhost", "DNS:localhost")
        tls = 'tls: {cert_chain: "file:%s", private_key: "file:%s"%s}' % (
            leaf.cert, leaf.key,
            ', client_ca: "file:%s"' % self.ours.cert if mutual else "")
        gateway = self.enter(GatewayProcess(
            'listeners:\n  grpc: {address: "127.0.0.1:0", %s}\n' % tls +
            "".join('  %s: {address: "127.0.0.1:0"}\n' % name
                    for name in ("http", "admin", "operations")) +
            _MOCK % "hello"))
        return gateway.grpc.replace("127.0.0.1", "localhost")

    def ask(self, target, **options):
        client = self.enter(LLMGateway.connect(target, **options))
        return text_of(client.generate(generate_request("m"), timeout_s=20))

    def test_a_certificate_of_ours_is_believed(self):
        target = self.start()
        for ca in (self.ours.cert, self.ours.pem(), self.ours.pem().encode()):
            self.assertEqual(self.ask(target, ca=ca), "hello")

    def test_strangers_are_not(self):
        other = Authority(self.folder, "other")
        for options in ({}, {"ca": other.cert}):
            with self.assertRaises(errors.UnavailableError):
                self.ask(self.start(), **options)

    def test_nor_another_name(self):
        target = self.start().replace("localhost", "127.0.0.1")
        with self.assertRaises(errors.UnavailableError):
            self.ask(target, ca=self.ours.cert)
        self.assertEqual(self.ask(target, ca=self.ours.cert,
                                  server_name="localhost"), "hello")

    def test_the_gateway_may_want_a_certificate_too(self):
        target = self.start(mutual=True)
        with self.assertRaises(errors.UnavailableError):
            self.ask(target, ca=self.ours.cert)
        own = self.ours.issue("me", "DNS:me")
        self.assertEqual(
            self.ask(target, ca=self.ours.cert, certificate=own.cert,
                     private_key=own.key), "hello")

    def test_plaintext_is_not_for_a_listener_of_tls(self):
        with self.assertRaises(errors.UnavailableError):
            self.ask(self.start(), plaintext=True)


class LimitsTest(client_case.ClientCase):

    def test_a_client_that_is_closed_makes_no_calls(self):
        client = self.connect()
        client.close()
        for call in (client.generate, client.stream_generate):
            with self.assertRaisesRegex(errors.CallCancelledError,
                                        "the client was closed"):
                call(generate_request("gpt-x"))

    def test_an_answer_that_is_too_large_is_refused(self):
        self.upstream.set_script("gpt-x", {"reply_bytes": 5000})
        client = self.connect(message_bytes_max=4000)
        with self.assertRaises(errors.RateLimitError) as caught:
            client.generate(generate_request("gpt-x"))
        self.assertEqual(caught.exception.code, "RESOURCE_EXHAUSTED")

    def test_a_call_may_have_no_deadline(self):
        answer = self.connect().generate(generate_request("gpt-x"),
                                         timeout_s=math.inf)
        self.assertTrue(text_of(answer))


if __name__ == "__main__":
    unittest.main()

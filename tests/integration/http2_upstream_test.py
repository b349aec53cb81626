"""HTTP/2 to providers: in plaintext by configuration, over TLS by ALPN."""

import tempfile
import threading
import unittest

from tests.integration import fault_case
from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration import ways
from tests.integration.certificates import Authority
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import chat
from tests.integration.http_calls import request_bytes
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_ONE_LOOP = "runtime:\n  event_loops: 1\n"
_SPOKEN = {True: "HTTP/2.0", False: "HTTP/1.1"}


class _Plaintext(fault_case.FaultCase):
    """A gateway that speaks HTTP/2 in plaintext, on one loop."""

    config = gateway_case.with_upstream(
        "http: {http_version: http2}") + _ONE_LOOP
    upstream_options = {"http2": True}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.upstream.speaks_http2:
            raise unittest.SkipTest("built with a Go before 1.24, which "
                                    "speaks HTTP/2 over TLS only")


class _Tls(fault_case.FaultCase):
    """The same over TLS, which the upstream can whatever the Go."""

    @classmethod
    def setUpClass(cls):
        folder = cls.enter_class(
            tempfile.TemporaryDirectory(prefix="certificates"))
        ours = Authority(folder, "ours")
        leaf = ours.issue("localhost", "DNS:localhost")
        cls.upstream_options = {"http2": True, "tls_cert": leaf.cert,
                                "tls_key": leaf.key}
        cls.config = _ONE_LOOP + gateway_case.with_upstream(
            'http: {ca_file: "%s"}' % ours.cert).replace("http://", "https://")
        super().setUpClass()

    @classmethod
    def upstream_address(cls):
        return "localhost:%d" % cls.upstream.tls_port


class _Http2Cases:
    """What both are asked."""

    def connections(self, model):
        """The connections that carried the model's requests."""
        recent = self.upstream.stats()["models"][model]["recent"]
        return {request["connection"] for request in recent}

    def ask_at_once(self, model, count):
        """So many answers to requests that are under way together."""
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(
            http_calls.ask(self.gateway.http, chat(model))))
            for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), count)
        return answers


class AnswersCases(_Http2Cases):

    def test_every_way_is_answered_over_http2(self):
        for result in self.each({"text": fault_case.WORDS}):
            self.assertEqual((result.code, result.text),
                             ("OK", fault_case.WORDS))
            self.assertEqual(self.upstream.last(result.model)["proto"],
                             "HTTP/2.0")

    def test_large_texts_pass_both_ways(self):
        for way in ways.WAYS:
            for stream in (False, True):
                result = ways.Asker(self).ask(
                    way, stream, {"text": "word " * 40000})
                self.assertEqual(result.text, "word " * 40000)
        body = chat("gpt-long", "much " * 400000)
        self.assertEqual(
            http_calls.ask(self.gateway.http, body).status, 200)
        self.assertEqual(self.upstream.last_body("gpt-long"),
                         http_calls.encode(body))

    def test_requests_share_a_connection(self):
        http_calls.ask(self.gateway.http, chat("gpt-first"))
        self.upstream.set_script("gpt-shared", {"first_byte_delay_ms": 200})
        for answer in self.ask_at_once("gpt-shared", 40):
            self.assertEqual(answer.status, 200)
        self.assertEqual(self.connections("gpt-shared"),
                         self.connections("gpt-first"))

    def test_the_metrics_count_connections_and_calls(self):
        self.upstream.set_script("gpt-open", {"stall_after_chunks": 1})
        connection = self.enter(RawConnection(self.gateway.http))
        connection.send(request_bytes(chat("gpt-open", stream=True)))
        self.assertEqual(connection.read_head()[0], 200)
        text = http_calls.ask(
            self.gateway.operations, path="/metrics").body.decode()
        self.assertIn("llmgw_upstream_http2_streams 1\n", text)
        self.assertIn('llmgw_upstream_connections{state="active"} 1\n', text)


class AnswersTest(AnswersCases, _Plaintext):
    pass


class AnswersOverTlsTest(AnswersCases, _Tls):
    pass


class FaultsCases(_Http2Cases):

    def test_a_reset_is_tried_again_on_the_same_connection(self):
        for result in self.each([{"reset_before_first_byte": True},
                                 {"text": fault_case.WORDS}]):
            self.assertEqual((result.code, result.text),
                             ("OK", fault_case.WORDS))
            self.assertEqual(result.attempts, 2)
            self.assertEqual(len(self.connections(result.model)), 1)

    def test_a_lost_connection_is_replaced(self):
        for result in self.each([{"close_before_first_byte": True},
                                 {"text": fault_case.WORDS}]):
            self.assertEqual((result.code, result.text),
                             ("OK", fault_case.WORDS))
            self.assertEqual(result.attempts, 2)
            self.assertEqual(len(self.connections(result.model)), 2)

    def test_a_break_interrupts_what_was_begun(self):
        for fault in ("reset_after_chunks", "close_after_chunks"):
            script = {"text": fault_case.WORDS, fault: 3,
                      "chunk_delay_ms": 20}
            for result in self.each(script, streamed=(True,)):
                self.assert_failed(result, "UNAVAILABLE",
                                   "STREAM_INTERRUPTED")
                # A close may overtake the mock's last frame.
                delivered = [fault_case.BEGUN]
                if fault == "close_after_chunks":
                    delivered.append("one two ")
                self.assertIn(result.text, delivered)

    def test_a_connection_that_ends_in_peace_costs_nobody_an_attempt(self):
        self.upstream.set_script(
            "gpt-goodbye", {"headers": {"connection": "close"}})
        for _ in range(5):
            for answer in self.ask_at_once("gpt-goodbye", 10):
                self.assertEqual(answer.status, 200, answer.body)
        for line in self.gateway.access_lines(model="gpt-goodbye"):
            self.assertEqual(line["status"], "OK")
        self.assertGreater(len(self.connections("gpt-goodbye")), 1)

    def test_who_hangs_up_ends_a_stream_and_not_its_neighbours(self):
        self.upstream.set_script("gpt-calm", {"stall_after_chunks": 1})
        self.upstream.set_script(
            "gpt-left", {"chunks": 100000, "chunk_delay_ms": 5})
        calm = self.enter(RawConnection(self.gateway.http))
        calm.send(request_bytes(chat("gpt-calm", stream=True)))
        self.assertEqual(calm.read_head()[0], 200)
        for _ in range(3):
            left = self.enter(RawConnection(self.gateway.http))
            left.send(request_bytes(chat("gpt-left", stream=True)))
            self.assertEqual(left.read_head()[0], 200)
            left.read_chunk()
            left.reset()
        self.upstream.wait_for("cancelled", "gpt-left", count=3)
        self.assertEqual(self.upstream.stat("gpt-calm", "in_flight"), 1)
        self.assertEqual(self.connections("gpt-left"),
                         {self.upstream.last("gpt-calm")["connection"]})


class FaultsTest(FaultsCases, _Plaintext):
    pass


class FaultsOverTlsTest(FaultsCases, _Tls):
    pass


class LimitTest(_Http2Cases, _Plaintext):

    upstream_options = {"http2": True, "http2_streams": 4}

    def test_connections_are_added_where_one_is_full(self):
        self.upstream.set_script("gpt-many", {"stall_after_chunks": 1})
        for _ in range(20):
            connection = self.enter(RawConnection(self.gateway.http))
            connection.send(request_bytes(chat("gpt-many", stream=True)))
            self.assertEqual(connection.read_head()[0], 200)
        self.assertEqual(self.upstream.stat("gpt-many", "requests"), 20)
        self.assertEqual(len(self.connections("gpt-many")), 5)


class NegotiationTest(unittest.TestCase):
    """Over TLS, where the server chooses unless the configuration does."""

    def test_versions_are_offered_as_configured(self):
        folder = tempfile.TemporaryDirectory(prefix="certificates")
        self.addCleanup(folder.cleanup)
        ours = Authority(folder.name, "ours")
        leaf = ours.issue("localhost", "DNS:localhost")
        for version, server_can, spoken in (
                ("auto", True, True), ("auto", False, False),
                ("http1", True, False), ("http2", True, True),
                ("http2", False, None)):
            with self.subTest(version=version, server_can=server_can), \
                    MockUpstream(tls_cert=leaf.cert, tls_key=leaf.key,
                                 http2=server_can) as upstream:
                self._check(ours, upstream, version, spoken)

    def _check(self, ours, upstream, version, spoken):
        gateway = GatewayProcess(
            "providers:\n"
            "  - name: openai\n"
            "    openai:\n"
            '      base_url: "https://localhost:%d/v1"\n'
            '      http: {http_version: %s, ca_file: "%s"}\n'
            "routing: {default_target: openai}\n"
            "resilience: {circuit_breaker: {mode: \"off\"}}\n" %
            (upstream.tls_port, version, ours.cert) + _ONE_LOOP)
        self.addCleanup(gateway.kill)
        # The stream comes last: its connection is free a moment after its end.
        for stream in (False, False, True):
            answer = http_calls.ask(gateway.http, chat("gpt-x",
                                                       stream=stream))
            if spoken is None:
                self.assertEqual(answer.status, 502, answer.body)
                continue
            self.assertEqual(answer.status, 200, answer.body)
            last = upstream.last("gpt-x")
            self.assertEqual(last["proto"], _SPOKEN[spoken])
            self.assertTrue(last["secure"])
        if spoken is not None:
            self.assertEqual(upstream.stat("gpt-x", "requests"), 3)
            recent = upstream.stats()["models"]["gpt-x"]["recent"]
            # The connection that told the version was used, and kept.
            self.assertEqual(len({one["connection"] for one in recent}), 1)
        gateway.stop()


if __name__ == "__main__":
    unittest.main()

"""What an operator and a caller can learn of a provider that fails."""

import json
import socket
import tempfile
import threading
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration import ways
from tests.integration.certificates import Authority
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_KEY = "key-of-everybody-1234567890"
_RATES = "x-llmgateway-upstream-ratelimit-remaining-requests"
_ANTHROPIC_RATES = (
    "x-llmgateway-upstream-anthropic-ratelimit-requests-remaining")
_REQUEST_ID = "x-llmgateway-upstream-request-id"


def _closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ToldApartTest(unittest.TestCase):
    """The message, the same in the log, says which of the usual causes it
    is."""

    def ask(self, base_url, http="{}", **fields):
        gateway = GatewayProcess(
            "providers:\n"
            "  - name: openai\n"
            "    openai:\n"
            '      base_url: "%s"\n'
            '      api_key: "env:KEY"\n'
            "      http: %s\n"
            "routing: {default_target: openai}\n"
            "resilience: {retry: {backoff_base: 1ms}}\n" % (base_url, http),
            env={"KEY": _KEY})
        self.addCleanup(gateway.kill)
        answer = self.answer = http_calls.ask(
            gateway.http, chat("gpt-x", **fields),
            headers={"x-request-id": "r-1"})
        log = gateway.wait_for_access(request_id="r-1")
        warnings = gateway.log_lines(msg="A provider fails")
        gateway.stop()
        self.assertNotEqual(answer.status, 200)
        # The API has the same words as the log, the log more of them.
        self.assertIn(log["error"][:60], answer.error()["message"])
        self.assertNotIn(_KEY, gateway.output + gateway.access_text)
        return log, warnings

    def mock(self, **options):
        upstream = MockUpstream(**options)
        upstream.__enter__()
        self.addCleanup(upstream.__exit__, None, None, None)
        return upstream

    def certificate(self):
        folder = tempfile.TemporaryDirectory(prefix="certificates")
        self.addCleanup(folder.cleanup)
        return Authority(folder.name, "theirs").issue(
            "localhost", "DNS:localhost,IP:127.0.0.1")

    def test_a_refused_connection(self):
        log, warnings = self.ask("http://127.0.0.1:%d/v1" % _closed_port())
        self.assertRegex(log["error"], "openai: .*Connection refused")
        self.assertNotIn("upstream_status", log)
        self.assertEqual(log["attempt_count"], 3)
        self.assertEqual([each["error_reason"]
                          for each in log["attempts"]],
                         ["PROVIDER_UNAVAILABLE"] * 3)
        # The third in a row is told, once.
        self.assertEqual(len(warnings), 1)
        self.assertEqual(warnings[0]["provider"], "openai")
        self.assertEqual(warnings[0]["level"], "warn")
        self.assertRegex(warnings[0]["error"], "Connection refused")

    def test_a_proxy_that_refuses(self):
        proxy = "127.0.0.1:%d" % _closed_port()
        log, _ = self.ask("https://api.example/v1",
                          http='{proxy: "http://%s"}' % proxy)
        self.assertRegex(log["error"], "openai: the proxy %s: .*"
                         "Connection refused" % proxy)

    def test_an_answer_that_takes_too_long_as_a_whole(self):
        upstream = self.mock()
        upstream.set_script("gpt-x", {"text": "x" * 10000, "drip_ms": 5})
        log, _ = self.ask("http://%s/v1" % upstream.address,
                          http="{timeouts: {total: 300ms}}")
        self.assertRegex(log["error"], "openai: the total time-out of .* passed")
        self.assertEqual(log["error_reason"], "PROVIDER_TIMEOUT")

    def test_a_name_that_does_not_resolve(self):
        log, _ = self.ask("https://no-such-host.invalid/v1")
        self.assertRegex(log["error"],
                         "cannot resolve 'no-such-host.invalid'")

    def test_a_certificate_of_an_unknown_authority(self):
        leaf = self.certificate()
        upstream = self.mock(tls_cert=leaf.cert, tls_key=leaf.key)
        log, _ = self.ask("https://localhost:%d/v1" % upstream.tls_port)
        self.assertRegex(log["error"], "TLS handshake failed: the peer's "
                         "certificate is not trusted: .*certificate")

    def answering(self, data):
        """The port of a server that says this whatever it is asked."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65536)
                    peer.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    def test_tls_to_a_port_that_speaks_none(self):
        port = self.answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        log, _ = self.ask("https://127.0.0.1:%d/v1" % port)
        self.assertRegex(log["error"],
                         "TLS handshake failed: the peer does not speak TLS")

    def test_plain_text_to_a_port_that_speaks_tls(self):
        # An alert: an unexpected message.
        port = self.answering(b"\x15\x03\x01\x00\x02\x02\x0a")
        log, _ = self.ask("http://127.0.0.1:%d/v1" % port)
        self.assertRegex(log["error"], "it speaks TLS")

    def test_a_page_of_html(self):
        for stream in (False, True):
            upstream = self.mock()
            upstream.set_script("gpt-x", {"garbage": "html"})
            log, _ = self.ask("http://%s/v1" % upstream.address,
                              stream=stream)
            self.assertEqual(log["error_reason"], "PROVIDER_BAD_RESPONSE")
            # How it begins the caller is told alone.
            why = "the answer is not .* but text/html.*, and begins: "
            self.assertRegex(log["error"], why + r"\[withheld\]")
            self.assertRegex(self.answer.error()["message"], why + ".*[a-z]")
            self.assertEqual(log["upstream_status"], 200)


class LogTest(gateway_case.GatewayCase):
    """The line of a call has what a complaint is looked into with."""

    calls_grpc = True

    def test_a_failure_has_the_vendors_words_and_its_id(self):
        self.upstream.set_script("gpt-a", {
            "status": 400, "error": {"message": "no, " + gateway_case.ENV[
                "OPENAI_KEY"]}})
        http_calls.ask(self.gateway.http, chat("gpt-a", user="u-17"),
                       headers={"x-request-id": "a-1"})
        log = self.gateway.wait_for_access(request_id="a-1")
        self.assertRegex(log["error"], "openai: 400: no, ")
        self.assertNotIn(gateway_case.ENV["OPENAI_KEY"],
                         self.gateway.access_text)
        self.assertEqual(log["upstream_status"], 400)
        self.assertEqual(log["upstream_request_id"], "req_mock")
        self.assertRegex(log["peer"], r"^127\.0\.0\.1:\d+$")
        self.assertEqual(log["user"], "u-17")

    def test_labels_and_the_user_of_a_call_by_grpc(self):
        request = grpc_caller.prompt("gpt-b", scope={"user_id": "u-18"},
                                     labels={"team": "search", "x": "\n"})
        for number, ask in enumerate((self.caller.generate,
                                      self.caller.stream_all)):
            name = "b-%d" % number
            ask(self.gateway.grpc, request,
                metadata=[["x-request-id", name]])
            log = self.gateway.wait_for_access(request_id=name)
            self.assertEqual(log["user"], "u-18")
            self.assertEqual(log["labels"], {"team": "search", "x": "\n"})
            self.assertRegex(log["peer"], r"^127\.0\.0\.1:\d+$")
            self.assertNotIn("error", log)

    def test_why_the_answer_ended_by_all_ways(self):
        for way in ways.WAYS:
            for stream in (False, True):
                with self.subTest(way=str(way), stream=stream):
                    name = "e-%s-%s-%d" % (way.api, way.vendor, stream)
                    model = way.model("end")
                    if way.api == "http":
                        http_calls.ask(self.gateway.http,
                                       chat(model, stream=stream),
                                       headers={"x-request-id": name})
                    else:
                        ask = (self.caller.stream_all if stream
                               else self.caller.generate)
                        ask(self.gateway.grpc, grpc_caller.prompt(model),
                            metadata=[["x-request-id", name]])
                    log = self.gateway.wait_for_access(request_id=name)
                    self.assertEqual(log.get("finish_reason"), "stop")

    def test_earlier_attempts_are_told(self):
        self.upstream.set_script("gpt-c", [{"status": 503}, {"text": "well"}])
        http_calls.ask(self.gateway.http, chat("gpt-c"),
                       headers={"x-request-id": "c-1"})
        log = self.gateway.wait_for_access(request_id="c-1")
        self.assertEqual(log["status"], "OK")
        failed, answered = log["attempts"]
        self.assertEqual(
            (failed["http_status"], failed["error_reason"],
             failed["provider_request_id"], failed["kind"]),
            (503, "PROVIDER_UNAVAILABLE", "req_mock", "first"))
        self.assertEqual((answered["answered"], answered["kind"]),
                         (True, "retry"))


class WarningTest(gateway_case.GatewayCase):

    def ask(self, status):
        self.upstream.set_script("gpt-w", {"status": status})
        http_calls.ask(self.gateway.http, chat("gpt-w"))

    def test_a_provider_that_fails_is_told_of_once_and_so_is_its_recovery(
            self):
        for _ in range(3):
            self.ask(503)
        told = self.gateway.wait_for_log(msg="A provider fails")
        self.assertEqual(told["failures_in_a_row"], 3)
        self.assertEqual(told["upstream_status"], 503)
        self.ask(200)
        well = self.gateway.wait_for_log(msg="A provider is well again")
        self.assertEqual(well["failures_in_a_row"], 9)
        # Within the minute it may come and go in silence.
        self.ask(503)
        self.ask(200)
        for msg in ("A provider fails", "A provider is well again"):
            self.assertEqual(
                len(self.gateway.log_lines(msg=msg, provider="openai")), 1)


class CredentialTest(gateway_case.GatewayCase):
    """Whose credential is refused or limited has no provider that fails."""

    def check(self, status, message, verdict):
        model = "claude-%d" % status
        self.upstream.set_script(model, {"status": status})
        for _ in range(4):
            answer = http_calls.ask(self.gateway.http, chat(model))
            self.assertGreaterEqual(answer.status, 400)
        told = self.gateway.wait_for_log(msg=message, provider="anthropic")
        self.assertEqual(told["verdict"], verdict)
        self.assertEqual(told["credential"], "default")
        self.assertEqual(told["upstream_status"], status)
        self.assertEqual(told["level"], "warn")
        self.assertEqual(len(self.gateway.log_lines(msg=message)), 1)
        self.assertEqual(self.gateway.log_lines(msg="A provider fails"), [])
        ready = http_calls.ask(self.gateway.http, path="/health/ready")
        self.assertEqual(ready.json()["status"], "ready")

    def test_one_that_is_limited(self):
        self.check(429, "A credential is limited", "cool_credential")

    def test_one_that_is_refused(self):
        self.check(401, "A credential is refused", "take_out_credential")


class CountedTest(gateway_case.GatewayCase):
    """What a stream delivered is counted, however it ended."""

    calls_grpc = True
    _SLOW = {"text": "one two three four five six", "stall_after_chunks": 4}

    def check(self, model, status):
        self.upstream.wait_for("cancelled", model)
        line = self.gateway.wait_for_access(model=model)
        self.assertEqual(line["status"], status)
        self.assertGreater(line["input_tokens"], 0)
        self.assertTrue(3 <= line["output_tokens"] <= 60, line)
        self.assertTrue(line["usage_estimated"])

    def test_forwarded_and_translated_streams_that_callers_leave(self):
        for way in ways.WAYS[:2]:
            model = way.model("left")
            self.upstream.set_script(model, self._SLOW)
            connection = self.enter(
                http_calls.RawConnection(self.gateway.http))
            connection.send(http_calls.request_bytes(
                chat(model, stream=True)))
            connection.read_head()
            seen = b""
            while b"four" not in seen:
                seen += connection.read_chunk()
            connection.close()
            self.check(model, "CANCELLED")

    def test_streams_by_grpc_that_callers_leave(self):
        for way in ways.WAYS[2:]:
            model = way.model("grpc-left")
            self.upstream.set_script(model, self._SLOW)
            call = self.caller.stream(self.gateway.grpc,
                                      grpc_caller.prompt(model))
            while "four" not in call.text():
                self.assertIsNotNone(call.next_event())
            call.cancel()
            call.wait()
            self.check(model, "CANCELLED")

    def test_a_prompt_whose_caller_left_before_the_answer(self):
        self.upstream.set_script("gpt-early",
                                 {"stall_before_first_byte": True})
        connection = self.enter(http_calls.RawConnection(self.gateway.http))
        connection.send(http_calls.request_bytes(
            chat("gpt-early", stream=True)))
        self.upstream.wait_for("started", "gpt-early")
        connection.close()
        line = self.gateway.wait_for_access(model="gpt-early")
        self.assertGreater(line["input_tokens"], 0)
        self.assertEqual(line["output_tokens"], 0)
        self.assertTrue(line["usage_estimated"])


class CountForwardedTest(gateway_case.GatewayCase):

    def test_what_the_gateway_does_not_know_is_counted_too(self):
        body = {"model": "claude-c", "messages": [
            {"role": "user",
             "content": [{"type": "text", "text": "hi", "novelty": 1}]}],
                "new_field": {"deep": [1, 2]}}
        answer = http_calls.ask(
            self.gateway.http, body, path="/v1/messages/count_tokens",
            headers={"anthropic-version": "2023-06-01"})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertGreater(answer.json()["input_tokens"], 0)
        self.assertEqual(json.loads(self.upstream.last_body("claude-c")),
                         body)


class UpstreamFieldsTest(gateway_case.GatewayCase):
    """The vendor's id and rate limits reach the caller."""

    calls_grpc = True

    def check(self, fields, vendor):
        self.assertEqual(fields.get(_REQUEST_ID), "req_mock")
        rates = _ANTHROPIC_RATES if vendor == "anthropic" else _RATES
        self.assertEqual(fields.get(rates), "9999")

    def test_by_http(self):
        for way in ways.WAYS[:2]:
            for stream in (False, True):
                for status in (200, 400):
                    with self.subTest(way=str(way), stream=stream,
                                      status=status):
                        model = way.model("h")
                        self.upstream.set_script(model, {"status": status})
                        answer = http_calls.ask(
                            self.gateway.http, chat(model, stream=stream))
                        self.assertEqual(answer.status, status)
                        self.check(answer.headers, way.vendor)

    def test_by_grpc(self):
        for way in ways.WAYS[2:]:
            for ask in (self.caller.generate, self.caller.stream_all):
                for status in (200, 400):
                    with self.subTest(way=str(way), status=status):
                        model = way.model("g")
                        self.upstream.set_script(model, {"status": status})
                        call = ask(self.gateway.grpc,
                                   grpc_caller.prompt(model))
                        self.assertEqual(call.end["code"] == "OK",
                                         status == 200)
                        self.check(dict(call.end["headers"]), way.vendor)


if __name__ == "__main__":
    unittest.main()

"""The HTTP APIs over HTTP/2, as curl speaks it."""

import pathlib
import signal
import subprocess
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.certificates import Authority
from tests.integration.http_calls import CHAT
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 5}
# Long enough to begin a drain in the middle of it.
_PACED = {"chunks": 100, "chunk_bytes": 16, "chunk_delay_ms": 20}
_PRIOR_KNOWLEDGE = ("--http2-prior-knowledge",)


class Curl:
    """Runs curl in a folder of its own."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory(prefix="curl")
        test.addCleanup(folder.cleanup)
        self._folder = pathlib.Path(folder.name)

    def _arguments(self, url, body, more):
        arguments = ["curl", "--silent", "--show-error", "--max-time", "60",
                     *more, url]
        if body is not None:
            sent = self._folder / "sent"
            sent.write_bytes(http_calls.encode(body))
            arguments += ["--data-binary", "@%s" % sent, "--header",
                          "content-type: application/json"]
        return arguments

    def ask(self, url, body=None, more=_PRIOR_KNOWLEDGE):
        """The answer, with the version in `version`, all heads in `heads`."""
        got, heads = self._folder / "got", self._folder / "heads"
        got.write_bytes(b"")
        done = subprocess.run(
            self._arguments(url, body, more) +
            ["--output", str(got), "--dump-header", str(heads), "--write-out",
             "%{http_version} %{response_code}"],
            stdout=subprocess.PIPE, check=True)
        version, status = done.stdout.decode().split()
        all_heads = heads.read_bytes().decode("latin-1").strip().split(
            "\r\n\r\n")
        lines = [line.split(":", 1) for line in
                 all_heads[-1].splitlines()[1:]]
        answer = http_calls.Answer(
            int(status), {key: value.strip() for key, value in lines},
            got.read_bytes())
        answer.version = version
        answer.heads = all_heads
        return answer

    def stream(self, url, body, more=_PRIOR_KNOWLEDGE):
        """A running curl, whose standard output is the answer's body."""
        return subprocess.Popen(
            self._arguments(url, body, (*more, "--no-buffer")),
            stdout=subprocess.PIPE)


class PlaintextTest(gateway_case.GatewayCase):

    config = gateway_case.CONFIG + (
        "listeners:\n"
        '  grpc: {{address: "127.0.0.1:0"}}\n'
        '  http: {{address: "127.0.0.1:0", body_bytes_limit: 3MiB,\n'
        '         header_bytes_limit: 4KiB}}\n'
        '  admin: {{address: "127.0.0.1:0"}}\n'
        '  operations: {{address: "127.0.0.1:0"}}\n')

    def setUp(self):
        super().setUp()
        self.curl = Curl(self)

    def ask(self, body=None, path=CHAT, more=()):
        answer = self.curl.ask("http://" + self.gateway.http + path, body,
                               (*_PRIOR_KNOWLEDGE, *more))
        self.assertEqual(answer.version, "2")
        return answer

    def test_whole_answers_are_those_of_http1(self):
        body = chat("gpt-x")
        answer = self.ask(body)
        other = http_calls.ask(self.gateway.http, body)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, other.body)
        for name in ("content-type", "content-length"):
            self.assertEqual(answer.headers[name], other.headers[name])
        self.assertEqual(set(answer.headers) | {"connection"},
                         set(other.headers) | {"connection"})
        line = self.gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])
        self.assertEqual(line["status"], "OK")

    def test_streams_are_those_of_http1(self):
        body = chat("gpt-x", stream=True)
        answer = self.ask(body)
        other = http_calls.ask(self.gateway.http, body)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, other.body)
        self.assertIsNone(answer.events()[-1])
        self.assertEqual(answer.headers["content-type"],
                         "text/event-stream; charset=utf-8")
        self.assertNotIn("transfer-encoding", answer.headers)

    def test_the_other_dialect_is_streamed_too(self):
        answer = self.ask(chat("claude-x", stream=True))
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.text(),
                         self.ask(chat("claude-x")).text())

    def test_errors_have_the_dialects_body(self):
        for body, path, status in (
                (b"{", CHAT, 400), (chat(""), CHAT, 400),
                (chat("gpt-x"), "/v1/nothing", 404),
                (chat("gpt-x", "a" * 3_500_000), CHAT, 413)):
            with self.subTest(status=status):
                answer = self.ask(body, path)
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.headers["content-type"],
                                 "application/json")
                self.assertEqual(answer.error()["type"],
                                 "invalid_request_error")

    def test_a_head_that_is_too_large_is_told(self):
        answer = self.ask(path="/v1/models",
                          more=("--header", "x-large: " + "x" * 5_000))
        self.assertEqual(answer.status, 431)
        self.assertEqual(answer.error()["type"], "invalid_request_error")

    def test_a_large_body_passes(self):
        body = chat("gpt-x", "a" * 2_000_000)
        self.assertEqual(self.ask(body).status, 200)
        self.assertEqual(self.upstream.last_body("gpt-x"),
                         http_calls.encode(body))

    def test_models_are_listed_and_heads_have_no_body(self):
        self.assertEqual(self.ask(path="/v1/models").json()["object"], "list")
        head = self.ask(path="/v1/models", more=("--head",))
        self.assertEqual(head.status, 200)

    def test_whoever_waits_is_told_to_continue(self):
        answer = self.ask(chat("gpt-x"),
                          more=("--header", "expect: 100-continue"))
        self.assertEqual(answer.status, 200)
        self.assertEqual([head.split()[:2] for head in answer.heads],
                         [["HTTP/2", "100"], ["HTTP/2", "200"]])

    def test_an_upgrade_is_not_taken_up(self):
        answer = self.curl.ask("http://" + self.gateway.http + CHAT,
                               chat("gpt-x"), ("--http2",))
        self.assertEqual((answer.version, answer.status), ("1.1", 200))

    def test_probes_are_answered(self):
        answer = self.curl.ask("http://" + self.gateway.operations + "/readyz")
        self.assertEqual((answer.version, answer.status), ("2", 200))

    def test_a_client_that_leaves_stops_the_provider(self):
        self.upstream.set_script("gpt-left", _ENDLESS)
        curl = self.curl.stream("http://" + self.gateway.http + CHAT,
                                chat("gpt-left", stream=True))
        with curl:
            self.assertTrue(curl.stdout.read(100))
            curl.kill()
        self.upstream.wait_for("cancelled", "gpt-left")
        line = self.gateway.wait_for_access(model="gpt-left")
        self.assertEqual(line["status"], "CANCELLED")


class DrainTest(unittest.TestCase):

    def test_a_stream_ends_before_the_gateway_does(self):
        with MockUpstream() as upstream:
            gateway = GatewayProcess(
                gateway_case.CONFIG.format(upstream=upstream.address),
                env=gateway_case.ENV)
            self.addCleanup(gateway.kill)
            upstream.set_script("gpt-paced", _PACED)
            curl = Curl(self).stream("http://" + gateway.http + CHAT,
                                     chat("gpt-paced", stream=True))
            with curl:
                begin = curl.stdout.read(100)
                gateway.send_signal(signal.SIGTERM)
                body = begin + curl.stdout.read()
            self.assertEqual(gateway.wait(), 0)
        self.assertEqual(curl.returncode, 0)
        self.assertTrue(body.rstrip().endswith(b"data: [DONE]"), body[-200:])
        self.assertEqual(http_calls.stream_errors(body), [])


class TlsTest(unittest.TestCase):

    def test_alpn_chooses_the_version(self):
        folder = tempfile.TemporaryDirectory(prefix="certificates")
        self.addCleanup(folder.cleanup)
        ours = Authority(folder.name, "ours")
        leaf = ours.issue("localhost", "DNS:localhost,IP:127.0.0.1")
        tls = ('tls: {cert_chain: "file:%s", private_key: "file:%s"}' %
               (leaf.cert, leaf.key))
        gateway = GatewayProcess(
            "listeners:\n"
            '  grpc: {address: "127.0.0.1:0"}\n'
            '  admin: {address: "127.0.0.1:0"}\n'
            '  http: {address: "127.0.0.1:0", %s}\n'
            '  operations: {address: "127.0.0.1:0", %s}\n'
            "providers: [{name: mock, mock: {}}]\n"
            "routing: {default_target: mock}\n" % (tls, tls))
        self.addCleanup(gateway.kill)
        curl = Curl(self)
        for option, version in (("--http2", "2"), ("--http1.1", "1.1"),
                                ("--no-alpn", "1.1")):
            more = (option, "--cacert", str(ours.cert))
            for stream in (False, True):
                answer = curl.ask("https://" + gateway.http + CHAT,
                                  chat("mock-model", stream=stream), more)
                self.assertEqual((answer.version, answer.status),
                                 (version, 200))
                self.assertIn("mock", answer.text())
            answer = curl.ask("https://" + gateway.operations + "/livez",
                              more=more)
            self.assertEqual((answer.version, answer.status), (version, 200))
        # Of many at once, most share a connection.
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--max-time", "60", "--http2",
             "--parallel", "--parallel-max", "100", "--cacert", ours.cert,
             "--write-out", "\n%{http_version} %{response_code}\n",
             "https://" + gateway.http + "/v1/models?[1-200]"],
            stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout.decode().split("\n").count("2 200"), 200)
        gateway.stop()


if __name__ == "__main__":
    unittest.main()

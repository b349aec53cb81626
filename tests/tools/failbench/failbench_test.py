"""failbench passes this gateway in both APIs, and finds the faults of others:
of none at all, and of one that hides what goes wrong."""

import http.client
import http.server
import json
import os
import socket
import subprocess
import threading
import unittest

from tests.testing.gateway_process import GatewayProcess

_FAILBENCH = os.path.join("tools", "failbench", "failbench_binary")
# Retries wait here for longer than calls take.
_CONFIG = """\
providers:
  - name: bench
    %s: {base_url: "http://%s", http: {timeouts: {idle: 2s}}}
routing: {default_target: bench}
resilience:
  retry: {backoff_base: 5ms}
  retry_budget: {percent: 100}
  circuit_breaker: {mode: "off"}
"""
_FEW = ("--calls", "60", "--concurrency", "8", "--patience", "15s")


def free_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % taken.getsockname()[1]


def failbench(gateway, *flags):
    """Its scorecard, by check, and the exit code."""
    ran = subprocess.run(
        [_FAILBENCH, "--gateway", gateway, "--json", *_FEW, *flags],
        check=False, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=280)
    if not ran.stdout:
        return None, ran.returncode, ran.stderr
    card = json.loads(ran.stdout)
    return ({line["check"]: line for line in card["checks"]},
            ran.returncode, ran.stderr)


class Hiding(http.server.BaseHTTPRequestHandler):
    """A gateway that asks once, and says that all is well."""

    protocol_version = "HTTP/1.1"
    upstream = None

    def do_POST(self):
        request = self.rfile.read(int(self.headers["content-length"]))
        body = b""
        connection = http.client.HTTPConnection(self.upstream, timeout=20)
        try:
            connection.request("POST", self.path, request,
                               {"content-type": "application/json"})
            response = connection.getresponse()
            while block := response.read1(65536):
                body += block
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        if b'"stream":true' in request and b"[DONE]" not in body:
            body += b"\n\ndata: [DONE]\n\n"
        try:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *_):
        pass


class FailbenchTest(unittest.TestCase):

    def check_gateway(self, api, base):
        at = free_address()
        with GatewayProcess(_CONFIG % (api, at + base)) as gateway:
            card, code, told = failbench(
                "http://" + gateway.http, "--listen", at, "--api", api,
                "--require", "all")
        worse = {name: line for name, line in card.items()
                 if line["result"] != "pass"}
        self.assertEqual(worse, {}, told)
        self.assertEqual(code, 0)

    def test_this_gateway_passes_as_openai(self):
        self.check_gateway("openai", "/v1")

    def test_this_gateway_passes_as_anthropic(self):
        self.check_gateway("anthropic", "")

    def test_without_a_gateway_failures_reach_the_caller(self):
        at = free_address()
        card, code, _ = failbench(
            "http://" + at, "--listen", at, "--require", "retry_503",
            "--only", "answer,usage,stream,cut_stream,hang_up,retry_503,"
            "retry_reset,load_with_faults,amplification")
        passed = {name for name, line in card.items()
                  if line["result"] == "pass"}
        self.assertEqual(passed, {"answer", "usage", "stream", "cut_stream",
                                  "hang_up", "amplification"})
        self.assertEqual(code, 1)

    def test_all_that_is_required_is_all_that_runs(self):
        at = free_address()
        for only, code in (("answer,usage", 0), ("answer,retry_503", 1)):
            card, ended, told = failbench(
                "http://" + at, "--listen", at, "--only", only,
                "--require", "all")
            self.assertEqual(set(card), set(only.split(",")))
            self.assertEqual(ended, code, told)

    def test_what_hides_failures_is_found(self):
        at = free_address()
        Hiding.upstream = at
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                             Hiding) as hiding:
            thread = threading.Thread(target=hiding.serve_forever)
            thread.start()
            try:
                card, _, _ = failbench(
                    "http://127.0.0.1:%d" % hiding.server_address[1],
                    "--listen", at, "--only",
                    "answer,stream,reason,cut_stream,silent_end,cut_answer,"
                    "html,hang_up,retry_after,error_event")
            finally:
                hiding.shutdown()
                thread.join()
        passed = {name for name, line in card.items()
                  if line["result"] == "pass"}
        # The provider's event is in what it forwards.
        self.assertEqual(passed, {"answer", "error_event"})

    def test_what_cannot_be_asked_is_told(self):
        at = free_address()
        card, code, told = failbench(
            "http://" + free_address(), "--listen", at)
        self.assertEqual((card, code), (None, 2))
        self.assertIn("cannot be asked", told)
        card, code, told = failbench("http://127.0.0.1:1", "--only", "answers")
        self.assertEqual((card, code), (None, 2))
        self.assertIn("there is no check \"answers\"", told)


if __name__ == "__main__":
    unittest.main()

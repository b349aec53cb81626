"""failbench passes this gateway in both APIs, and finds the faults of others:
of none at all, and of one that hides what goes wrong."""

import http.client
import http.server
import json
import os
import signal
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


class Failing(Hiding):
    """A gateway that answers plain calls as the provider does, streams by
    itself as if that were down, and nobody any more after so many calls: it
    hangs up, or, with an event, waits for that first."""

    calls = 0
    calls_max = 1000
    end = None

    def do_POST(self):
        request = self.rfile.read(int(self.headers["content-length"]))
        type(self).calls += 1
        if self.calls > self.calls_max:
            self.close_connection = True
            if self.end is not None:
                self.end.wait()
            return
        if b'"stream":true' in request:
            status, body = 503, b"{}"
        else:
            connection = http.client.HTTPConnection(self.upstream, timeout=20)
            connection.request("POST", self.path, request,
                               {"content-type": "application/json"})
            response = connection.getresponse()
            status, body = response.status, response.read()
            connection.close()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Hanging(Hiding):
    """A gateway that forwards what goes well, and has its caller wait for all
    else."""

    end = None

    def do_POST(self):
        request = self.rfile.read(int(self.headers["content-length"]))
        self.close_connection = True
        connection = http.client.HTTPConnection(self.upstream, timeout=20)
        try:
            connection.request("POST", self.path, request,
                               {"content-type": "application/json"})
            response = connection.getresponse()
            body = response.read()
            whole = response.status == 200 and b'"error"' not in body and (
                b"[DONE]" in body if b'"stream":true' in request
                else body.startswith(b"{"))
        except (OSError, http.client.HTTPException):
            whole = False
        finally:
            connection.close()
        if not whole:
            self.end.wait()
            return
        self.send_response(200)
        self.send_header("connection", "close")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Miscounting(Hiding):
    """A gateway that makes up the usage, with the provider's figures in other
    places."""

    def do_POST(self):
        request = self.rfile.read(int(self.headers["content-length"]))
        connection = http.client.HTTPConnection(self.upstream, timeout=20)
        connection.request("POST", self.path, request,
                           {"content-type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        answer["id"] = "gen-1000"
        answer["usage"] = {"prompt_tokens": 1, "completion_tokens": 567}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Elsewhere(Hiding):
    """A gateway that sends its callers to another place."""

    place = None
    keys = None

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.keys.append(self.headers["x-api-key"])
        self.send_response(307)
        self.send_header("location", self.place)
        self.send_header("content-length", "0")
        self.end_headers()


class Hostile(Hiding):
    """A gateway that would have the terminal do things."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = "\x1b]0;owned\x07 \u009b2J \u202e".encode()
        self.send_response(503)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class FailbenchTest(unittest.TestCase):

    def serve(self, handler, **settings):
        """A gateway of another make: its URL, and where its provider is to
        be."""
        at = free_address()
        kind = type("Gateway", (handler,), {"upstream": at, **settings})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return "http://127.0.0.1:%d" % server.server_address[1], at

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
        gateway, at = self.serve(Hiding)
        card, _, _ = failbench(
            gateway, "--listen", at, "--only",
            "answer,stream,reason,cut_stream,silent_end,cut_answer,"
            "html,hang_up,retry_after,error_event")
        passed = {name for name, line in card.items()
                  if line["result"] == "pass"}
        # The provider's event is in what it forwards.
        self.assertEqual(passed, {"answer", "error_event"})

    def test_what_a_gateway_says_is_shown_and_not_obeyed(self):
        gateway, at = self.serve(Hostile)
        card, code, told = failbench(gateway, "--listen", at, "--only",
                                     "answer")
        self.assertEqual((card, code), (None, 2), told)
        self.assertIn("\\u001b]0;owned\\u0007 \\u009b2J \\u202e", told)
        for control in "\x1b\x07\u009b\u202e":
            self.assertNotIn(control, told)

    def test_a_gateway_that_never_answers_passes_nothing(self):
        end = threading.Event()
        self.addCleanup(end.set)
        gateway, at = self.serve(Hanging, end=end)
        checks = ("cut_stream", "silent_end", "error_event", "cut_answer",
                  "html", "refused_once")
        card, _, told = failbench(gateway, "--listen", at, "--patience", "2s",
                                  "--only", "answer," + ",".join(checks))
        self.assertEqual(card["answer"]["result"], "pass", told)
        for check in checks:
            self.assertEqual(card[check]["result"], "fail", check)
        self.assertIn("still waits after 2s", card["cut_stream"]["detail"])

    def test_made_up_usage_is_found(self):
        gateway, at = self.serve(Miscounting)
        card, _, told = failbench(gateway, "--listen", at, "--only",
                                  "answer,usage")
        self.assertEqual([line["result"] for line in card.values()],
                         ["pass", "fail"], told)
        self.assertIn("input 1, output 567, cached -1, and not input 1234, "
                      "output 56, cached 1000", card["usage"]["detail"])

    def test_the_key_is_for_the_gateway_alone(self):
        seen, shown = [], []
        place, _ = self.serve(Elsewhere, keys=shown, place="/")
        gateway, at = self.serve(Elsewhere, keys=seen, place=place + "/v1")
        ran = subprocess.run(
            [_FAILBENCH, "--gateway", gateway, "--listen", at, "--api",
             "anthropic"], check=False, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=60,
            env={**os.environ, "FAILBENCH_KEY": "key-of-bench"})
        self.assertEqual(ran.returncode, 2, ran.stderr)
        self.assertIn("answers 307", ran.stderr)
        self.assertEqual((seen, shown), (["key-of-bench"], []))

    def test_the_key_is_not_printed(self):
        for flag in ("--help", "--nonsense"):
            ran = subprocess.run(
                [_FAILBENCH, flag], check=False, text=True, timeout=60,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={**os.environ, "FAILBENCH_KEY": "key-of-bench"})
            self.assertIn("FAILBENCH_KEY", ran.stderr)
            self.assertNotIn("key-of-bench", ran.stdout + ran.stderr)

    def test_silence_from_the_first_byte_on_is_no_pass(self):
        # It sends nothing before it has the whole answer.
        gateway, at = self.serve(Hiding)
        card, code, _ = failbench(gateway, "--listen", at, "--only", "stall",
                                  "--patience", "2s")
        self.assertEqual(card["stall"]["result"], "fail")
        self.assertIn("still waits after 2s", card["stall"]["detail"])
        self.assertEqual(code, 0)

    def test_what_is_seen_without_the_provider_shows_nothing(self):
        gateway, at = self.serve(Failing)
        card, code, _ = failbench(gateway, "--listen", at, "--only",
                                  "answer,cut_stream,silent_end", "--require",
                                  "cut_stream")
        self.assertEqual([line["result"] for line in card.values()],
                         ["pass", "fail", "fail"])
        self.assertIn("was not asked", card["cut_stream"]["detail"])
        self.assertEqual(code, 1)

    def test_a_gateway_that_answers_no_more_is_given_up(self):
        # One call greets it, three see it well before each check.
        gateway, at = self.serve(Failing, calls_max=5)
        card, code, told = failbench(
            gateway, "--listen", at, "--patience", "2s", "--only",
            "answer,usage,stream,load,stall")
        self.assertEqual([line["result"] for line in card.values()],
                         ["pass"] + 4 * ["unwell"], told)
        for check in ("load", "stall"):
            self.assertEqual(card[check]["detail"], "not run: it is given up")
        self.assertEqual(code, 1)

    def test_load_that_only_waits_is_given_up(self):
        end = threading.Event()
        self.addCleanup(end.set)
        gateway, at = self.serve(Failing, calls_max=4, end=end)
        card, _, _ = failbench(
            gateway, "--listen", at, "--only", "load_with_faults",
            "--patience", "2s", "--calls", "1000000")
        self.assertEqual(card["load_with_faults"]["result"], "fail")
        self.assertNotIn("1000000", card["load_with_faults"]["detail"])

    def test_who_ends_it_gets_what_was_found(self):
        gateway, at = self.serve(Hiding)
        with subprocess.Popen(
                [_FAILBENCH, "--gateway", gateway, "--listen", at, "--json",
                 "--only", "answer,stall", "--patience", "200s"], text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            self.assertEqual(running.stderr.readline(), "pass   answer\n")
            running.send_signal(signal.SIGINT)
            out, told = running.communicate(timeout=60)
        self.assertEqual([line["check"] for line in json.loads(out)["checks"]],
                         ["answer"])
        self.assertIn("after 1 of 2 checks", told)
        self.assertEqual(running.returncode, 130)

    def test_its_flags_are_told_and_checked(self):
        for flags, code in ((["--help"], 0), (["--list"], 0), ([], 2),
                            (["--gateway", "http://a", "--patience", "0s"], 2),
                            (["--nonsense"], 2)):
            ran = subprocess.run([_FAILBENCH, *flags], check=False,
                                 stdout=subprocess.DEVNULL, timeout=60,
                                 stderr=subprocess.DEVNULL)
            self.assertEqual(ran.returncode, code, flags)

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

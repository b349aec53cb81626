"""Tools of a service behind the gateway: docs/http_apis.md has a caller list
and run them, over HTTP and gRPC."""

import http.server
import json
import os
import re
import subprocess
import threading
import time
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import ask
from tests.integration.http_calls import request_bytes
from tests.testing import http2_wire
from tests.testing.gateway_process import environment

_PAGE = "docs/http_apis.md"
_SERVICE = "/llmgateway.v1.GatewayService/"
_EXECUTE = "/v1/tools/execute"
_LARGE_BYTES = 4 << 20
_PAGE_URL = "http://orchestrator:8083"


class Orchestrator(http.server.BaseHTTPRequestHandler):
    """Adds what it is asked to add, and fails at any other path."""

    asked = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        Orchestrator.asked.append(
            (self.path, body, self.headers["authorization"]))
        if self.path == "/v1/add":
            given = json.loads(body)
            self.answer(200, {"sum": given["a"] + given["b"]})
        elif self.path == "/v1/similarity":
            self.answer(200, {"similarity": 0.5})
        elif self.path == "/v1/large":
            self.answer(200, {"text": "x" * _LARGE_BYTES})
        else:
            self.answer(503, {"detail": "no model is loaded"})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def blocks_of_the_page():
    """The configuration and the commands of the part about tools."""
    with open(_PAGE, encoding="utf-8") as file:
        part = file.read().split("\n## Tools\n")[1].split("\n## ")[0]
    return [re.findall("```%s\n(.*?)```" % kind, part, re.DOTALL)[0]
            for kind in ("yaml", "sh")]


class ToolsCase(gateway_case.GatewayCase):

    calls_grpc = True

    @classmethod
    def setUpClass(cls):
        service = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Orchestrator)
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        cls.addClassCleanup(thread.join)
        cls.addClassCleanup(service.shutdown)
        cls.url = "http://127.0.0.1:%d" % service.server_address[1]
        cls.configure()
        super().setUpClass()

    def setUp(self):
        Orchestrator.asked.clear()

    def run_tool(self, name, arguments):
        return ask(self.gateway.http, {"name": name, "arguments": arguments},
                   path=_EXECUTE)


class ToolsTest(ToolsCase):

    @classmethod
    def configure(cls):
        config, _ = blocks_of_the_page()
        config = config.replace(_PAGE_URL, cls.url).replace(
            "  tools:\n", "  credential: \"env:TOOLS_KEY\"\n  tools:\n"
            "    - {name: broken, path: /v1/broken}\n")
        cls.config = gateway_case.CONFIG + config.replace(
            "{", "{{").replace("}", "}}")
        cls.env = {**gateway_case.ENV, "TOOLS_KEY": "key-of-tools-1234567890"}

    def test_the_page_works_as_it_stands(self):
        _, script = blocks_of_the_page()
        told = subprocess.run(
            ["sh", "-eu", "-c", script], check=True, capture_output=True,
            text=True, env=environment({
                "GATEWAY_URL": "http://" + self.gateway.http,
                "PATH": os.environ["PATH"]})).stdout
        self.assertIn('"parameters":{"type": "object", '
                      '"required": ["a", "b"]}', told)
        self.assertIn('{"name":"add","result":{"sum": 3},'
                      '"success":true,"error":null}', told)
        self.assertEqual(
            Orchestrator.asked,
            [("/v1/add", b'{"a": 1, "b": 2}',
              "Bearer key-of-tools-1234567890")])

    def test_arguments_that_break_the_schema_are_not_sent(self):
        answer = self.run_tool("add", {"a": 1})
        self.assertEqual(answer.status, 422)
        self.assertIn("arguments", answer.error()["message"])
        self.assertEqual(self.run_tool("ad", {}).status, 404)
        self.assertEqual(Orchestrator.asked, [])

    def test_a_failure_of_the_service_is_told_once(self):
        answer = self.run_tool("broken", {})
        self.assertEqual(answer.status, 200)
        told = answer.json()
        self.assertFalse(told["success"])
        self.assertIn("503", told["error"])
        self.assertIn("no model is loaded", told["error"])
        self.assertEqual(len(Orchestrator.asked), 1)

    def test_grpc_runs_them_as_well(self):
        listed = self.caller.call(
            self.gateway.grpc, _SERVICE + "ListTools", {})
        self.assertEqual(listed.end["code"], "OK", listed.end)
        ran = self.caller.call(
            self.gateway.grpc, _SERVICE + "ExecuteTool",
            {"name": "add", "arguments": '{"a": 2, "b": 2}'})
        self.assertEqual(ran.end["code"], "OK", ran.end)
        self.assertEqual(json.loads(ran.response["result"]), {"sum": 4})


class UnreadResultsTest(ToolsCase):
    """Results count until their callers have taken them."""

    @classmethod
    def configure(cls):
        cls.config = gateway_case.CONFIG + (
            "runtime: {{event_loops: 1, answer_buffer_bytes_limit: 17MiB}}\n"
            "tools:\n  url: \"%s\"\n  result_bytes_limit: 8MiB\n"
            "  tools: [{{name: large, path: /v1/large}}]\n" % cls.url)

    def run_by_grpc(self):
        return self.caller.call(
            self.gateway.grpc, _SERVICE + "ExecuteTool", {"name": "large"})

    def check_that_nobody_gets_in_before_they_go(self, unread):
        refused = self.run_tool("large", {})
        self.assertEqual(refused.status, 503, refused.body[:200])
        self.assertIn("runtime.answer_buffer_bytes_limit",
                      refused.error()["message"])
        self.assertEqual(self.run_by_grpc().end["code"], "UNAVAILABLE")
        for connection in unread:
            connection.close()
        deadline = time.monotonic() + 60
        while self.run_tool("large", {}).status != 200:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        answer = self.run_by_grpc()
        self.assertEqual(answer.end["code"], "OK", answer.end)
        self.assertGreater(len(answer.response["result"]), _LARGE_BYTES)

    def test_slow_readers_leave_no_room(self):
        request = request_bytes({"name": "large"}, path=_EXECUTE)
        unread = []
        for _ in range(3):
            connection = self.enter(RawConnection(
                self.gateway.http, receive_buffer_bytes=4096))
            connection.send(request)
            self.assertEqual(connection.read_head()[0], 200)
            unread.append(connection)
        self.check_that_nobody_gets_in_before_they_go(unread)

    def test_nor_do_clients_of_grpc_without_a_window(self):
        shut = http2_wire.settings(INITIAL_WINDOW_SIZE=0)
        connection = self.enter(http2_wire.Http2Connection(
            self.gateway.grpc, rude=True, first=shut))
        connection.await_settings()
        connection.send(http2_wire.frame(http2_wire.SETTINGS, http2_wire.ACK))
        for _ in range(3):
            stream = connection.call(
                _SERVICE + "ExecuteTool", http2_wire.framed(b"\n\5large"))
            connection.read_until(lambda: connection.answers[stream].headers)
        self.check_that_nobody_gets_in_before_they_go([connection])


class OrchestratorUrlTest(ToolsCase):

    @classmethod
    def configure(cls):
        cls.config = gateway_case.CONFIG
        cls.env = {**gateway_case.ENV, "CODE_ORCHESTRATOR_URL": cls.url}

    def test_the_variable_is_all_that_an_orchestrator_needs(self):
        names = [tool["name"] for tool in
                 ask(self.gateway.http, path="/v1/tools").json()]
        self.assertEqual(names, ["compute_similarity", "extract_keywords",
                                 "generate_embeddings"])
        answer = self.run_tool(
            "compute_similarity", {"text1": "a", "text2": "b"})
        self.assertEqual(answer.json()["result"], {"similarity": 0.5})


if __name__ == "__main__":
    unittest.main()

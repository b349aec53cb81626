"""Tools of a service behind the gateway: docs/http_apis.md has a caller list
and run them, over HTTP and gRPC."""

import http.server
import json
import os
import re
import subprocess
import threading
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import ask
from tests.testing.gateway_process import environment

_PAGE = "docs/http_apis.md"
_SERVICE = "/llmgateway.v1.GatewayService/"
_EXECUTE = "/v1/tools/execute"
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

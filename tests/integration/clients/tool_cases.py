"""The tools of a service behind the gateway, as the clients of all languages run
them; as client_cases.py."""

import http.server
import json
import threading

from tests.integration.clients import client_cases

_CONFIG = """\
providers: [{name: mock, mock: {}}]
routing: {default_target: mock}
tools:
  url: "http://127.0.0.1:%d"
  tools:
    - name: add
      description: "Adds two numbers."
      parameters: '{"type": "object", "required": ["a", "b"]}'
      path: /v1/add
    - {name: broken, path: /v1/broken}
"""


class _Service(http.server.BaseHTTPRequestHandler):
    """Adds what it is asked to add, and fails at any other path."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(self.path)
        if self.path == "/v1/add":
            given = json.loads(body)
            self.answer(200, {"sum": given["a"] + given["b"]})
        else:
            self.answer(503, {"detail": "it is out of order"})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class ToolCases(client_cases.ClientCase):

    def setUp(self):
        super().setUp()
        self.service = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                       _Service)
        self.service.asked = []
        thread = threading.Thread(target=self.service.serve_forever)
        thread.start()
        self.addCleanup(self.service.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.service.shutdown)
        gateway = self.start(_CONFIG % self.service.server_address[1])
        self.client = self.connect(gateway.grpc)

    def execute(self, name, **arguments):
        return self.client.call("execute_tool", name=name,
                                arguments=json.dumps(arguments))

    def test_they_are_listed(self):
        self.assertEqual(self.client.call("list_tools"),
                         {"tools": ["add", "broken"]})

    def test_one_is_run(self):
        answer = self.execute("add", a=1, b=2)
        self.assertEqual(json.loads(answer.pop("result")), {"sum": 3})
        self.assertEqual(answer, {"name": "add", "success": True, "error": ""})

    def test_what_a_tool_fails_is_no_error_of_the_call(self):
        answer = self.execute("broken")
        self.assertEqual((answer["success"], answer["result"]), (False, ""))
        self.assertIn("out of order", answer["error"])
        self.assertEqual(self.service.asked, ["/v1/broken"])

    def test_wrong_arguments_and_names_are_refused(self):
        refused = self.execute("add", a=1)
        self.assert_failed(refused, "INVALID_ARGUMENT", "INVALID_REQUEST")
        self.assertIn("b", refused["error"]["message"])
        self.assert_failed(self.execute("nothing"), "NOT_FOUND", "NOT_FOUND")
        self.assertEqual(self.service.asked, [])

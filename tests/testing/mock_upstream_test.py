"""The Python hand on mock_upstream."""

import http.client
import json
import tempfile
import unittest

from tests.testing.mock_upstream import ControlError, MockUpstream


class MockUpstreamTest(unittest.TestCase):

    def setUp(self):
        self.upstream = MockUpstream()
        self.addCleanup(self.upstream.close)

    def ask(self, body):
        connection = http.client.HTTPConnection(self.upstream.address)
        self.addCleanup(connection.close)
        connection.request("POST", "/v1/chat/completions", json.dumps(body),
                           {"Content-Type": "application/json"})
        return connection, connection.getresponse()

    def test_counts_and_keeps_what_it_was_asked(self):
        self.upstream.set_script("m", {"text": "forty-two"})
        body = {"model": "m", "messages": [{"role": "user", "content": "é"}]}
        _, response = self.ask(body)
        answer = json.loads(response.read())
        self.assertEqual(
            answer["choices"][0]["message"]["content"], "forty-two")
        stats = self.upstream.stats()["models"]["m"]
        self.assertEqual(stats["served"], 1)
        self.assertEqual(stats["usage"]["prompt_tokens"],
                         answer["usage"]["prompt_tokens"])
        self.assertEqual(self.upstream.stat("m", "statuses.200"), 1)
        self.assertEqual(self.upstream.last_body("m"),
                         json.dumps(body).encode())
        self.assertIn(["Content-Type", "application/json"],
                      self.upstream.last("m")["headers"])

    def test_tells_when_the_caller_hangs_up(self):
        self.upstream.set_script("m", {"chunks": 9, "stall_after_chunks": 2})
        connection, response = self.ask(
            {"model": "m", "stream": True,
             "messages": [{"role": "user", "content": ""}]})
        self.upstream.wait_for("chunks", "m", 2)
        with self.assertRaises(TimeoutError):
            self.upstream.wait_for("cancelled", "m", timeout_s=0.001)
        response.close()
        connection.close()
        self.upstream.wait_for("cancelled", "m")

    def test_refuses_a_misspelt_script(self):
        with self.assertRaisesRegex(ControlError, "stauts"):
            self.upstream.set_script("m", {"stauts": 500})

    def test_reset_brings_back_the_scripts_of_the_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"scripts": {"m": {"status": 503}}}, file)
            file.flush()
            upstream = MockUpstream(script=file.name)
        self.addCleanup(upstream.close)
        self.upstream = upstream
        body = {"model": "m", "messages": [{"role": "user", "content": ""}]}
        upstream.set_script("m", {"status": 418})
        self.assertEqual(self.ask(body)[1].status, 418)
        upstream.reset()
        self.assertEqual(upstream.stat("m", "requests"), 0)
        self.assertEqual(self.ask(body)[1].status, 503)

    def test_bad_flags_are_an_error(self):
        with self.assertRaises(RuntimeError):
            MockUpstream(tls_cert="no/such.pem", tls_key="no/such.pem")


if __name__ == "__main__":
    unittest.main()

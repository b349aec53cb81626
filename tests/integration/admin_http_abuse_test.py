"""What operators, and who is none, may send to the HTTP paths without harm."""

import json
import unittest

from tests.integration import hostile_case
from tests.integration.admin_http_case import AdminHttpCase
from tests.integration.admin_http_case import LISTENERS
from tests.integration.admin_http_case import OPERATOR
from tests.integration.admin_http_case import PREFIX
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import request_bytes
from tests.testing import hostile_peers
from tests.testing.hostile_peers import HostilePeer


class HostileTest(AdminHttpCase):

    config = AdminHttpCase.config.replace(
        'admin_http: {{', 'admin_http: {{body_bytes_limit: 64KiB, '
        'header_timeout: 1s, body_stall_timeout: 1s, ')
    _NODE = "/policies/writer"

    def assert_unharmed(self):
        self.assertEqual(
            self.told("GET", "/assignments")["assignments"]["writer"],
            "gemini-2.5-pro")

    def tearDown(self):
        self.assert_unharmed()

    def test_wrong_bodies_are_refused_by_field(self):
        for body, where in (
                (b"", "body"), (b"{", "body"), (b"[]", "body"),
                (b"null", "body"), (b'"x"', "body"), (b"\xff", "body"),
                (b'{"model_id": "claude-sonnet"} x', "body"),
                ({}, "model_id"), ({"model_id": 7}, "model_id"),
                ({"model_id": None}, "model_id"), ({"model_id": ""}, "model_id"),
                ({"model_id": "claude-sonnet", "ttl": "1h"}, "ttl"),
                ({"model_id": "claude-sonnet", "ttl": 1.5}, "ttl"),
                ({"model_id": "claude-sonnet", "ttl": 1e300}, "ttl"),
                ({"model_id": "claude-sonnet", "mode": "forever"}, "mode"),
                ({"model_id": "claude-sonnet", "mode": "config"}, "mode"),
                ({"model_id": "claude-sonnet", "mode": "default"}, "model_id"),
                ({"model_id": "claude-sonnet", "modell": 1}, "modell"),
                (b'{"model_id": "claude-sonnet", "model_id": "pinned"}',
                 "model_id"),
                (b'{"model_id": "\\ud800"}', "model_id"),
                (b"[" * 60000, "body")):
            message = self.refused(422, "PUT", self._NODE, body, headers={
                "content-type": "application/json"})
            self.assertTrue(message.startswith(where), (body, message))

    def test_wrong_bodies_of_several_updates(self):
        many = {"n%d" % i: "claude-sonnet" for i in range(1001)}
        for body, where in (
                ({}, "updates"), ({"updates": []}, "updates"),
                ({"updates": {"writer": 7}}, "updates.writer"),
                ({"updates": {"writer": ""}}, "updates.writer"),
                ({"updates": {"writer": {"model_id": "a"}}}, "updates.writer"),
                ({"updates": many}, "updates"),
                (b'{"updates": {"writer": "claude-sonnet", "writer": "x"}}',
                 "updates.writer"),
                ({"updates": {"writer": "claude-sonnet"}, "mode": "default"},
                 "mode"),
                ({"updates": {"writer": "claude-sonnet"}, "ttl": 5}, "ttl")):
            answer = self.ask("PUT", "/policies/bulk", body)
            self.assertIn(answer.status, (400, 422), body)
            self.assertIn(where, answer.body.decode())

    def test_wrong_bodies_of_a_selection(self):
        for body, where in (
                ({}, "node_name"), ({"node_name": "writer", "x": 1}, "x"),
                ({"node_name": "writer", "capabilities": "streaming"},
                 "capabilities"),
                ({"node_name": "writer", "capabilities": [7]},
                 "capabilities[0]"),
                ({"node_name": "writer", "capabilities": ["streaming"] * 65},
                 "capabilities"),
                ({"node_name": "writer", "strategy": "best"}, "strategy"),
                ({"node_name": "writer", "strategy": "unspecified"},
                 "strategy"),
                ({"node_name": "writer", "tier": "gold"}, "tier"),
                ({"node_name": "writer", "cost_tier_override": "gold"},
                 "cost_tier_override")):
            message = self.refused(422, "POST", "/test-selection", body)
            self.assertTrue(message.startswith(where), (body, message))
        self.assertIn("cost_optimized, performance_optimized", self.refused(
            422, "POST", "/test-selection",
            {"node_name": "writer", "strategy": "best"}))

    def test_a_reload_takes_nothing_that_it_would_pass_over(self):
        self.assertEqual(self.ask("POST", "/policies/reload", {}).status, 200)
        message = self.refused(422, "POST", "/policies/reload",
                               {"validate_only": True})
        self.assertIn("validate_only", message)

    def test_what_is_not_json_or_is_said_elsewhere_is_refused(self):
        body = json.dumps({"model_id": "claude-sonnet"}).encode()
        for kind in ("text/plain", "application/x-www-form-urlencoded",
                     "application/jsonp", "", "\u00e9"):
            message = self.refused(415, "PUT", self._NODE, body,
                                   headers={"content-type": kind})
            self.assertIn("application/json", message)
        self.assertIn("content-encoding", self.refused(
            415, "PUT", self._NODE, body,
            headers={"content-encoding": "gzip",
                     "content-type": "application/json"}))
        self.assertIn("query", self.refused(
            422, "PUT", self._NODE + "?ttl=60", {"model_id": "claude-sonnet"}))

    def test_a_header_that_no_path_knows_is_refused(self):
        for method, path, body in (
                ("GET", "/policies", None),
                ("PUT", self._NODE, {"model_id": "claude-sonnet"})):
            message = self.refused(422, method, path, body,
                                   headers={"X-LLMGateway-Node": "writer"})
            self.assertTrue(message.startswith("x-llmgateway-node"), message)

    def test_what_is_too_long_is_refused(self):
        body = {"model_id": "x" * 70000}
        message = self.refused(413, "PUT", self._NODE, body)
        self.assertTrue(message)
        answer = self.ask("GET", "/health", headers={"x": "y" * 300000})
        self.assertEqual(answer.status, 431)
        self.assertIn("detail", answer.json())

    def test_who_sends_slowly_is_given_up(self):
        with RawConnection(self.gateway.admin_http) as connection:
            connection.send(request_bytes(
                b"{}", PREFIX + self._NODE, "PUT",
                headers=("x-api-key: " + OPERATOR,)).replace(
                    b"content-length: 2", b"content-length: 3"))
            answer = connection.read_answer()
        self.assertEqual(answer.status, 408)
        self.assertIn("detail", answer.json())

    def test_bytes_that_are_no_path_are_not_repeated(self):
        with RawConnection(self.gateway.admin_http) as connection:
            connection.send(b"GET " + PREFIX.encode() +
                            b"/\xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n")
            answer = connection.read_answer()
        self.assertIn(answer.status, (400, 404))
        self.assertIn("detail", answer.json())

    def test_who_hangs_up_changes_nothing_for_others(self):
        for _ in range(20):
            connection = RawConnection(self.gateway.admin_http)
            connection.send(request_bytes(
                b"{}", PREFIX + "/policies/reload", "POST",
                headers=("x-api-key: " + OPERATOR,)))
            connection.reset()


class CallerTest(hostile_case.PeerCase):
    """A test for each caller of hostile_peers.py that speaks HTTP, made below.
    Operators have no key: whoever is on loopback is let in."""

    config = (LISTENERS.replace("{", "{{").replace("}", "}}") +
              hostile_case.CONFIG)


def _test_of(caller):
    def test(self):
        name = caller.__name__
        with HostilePeer(name, self.gateway.admin_http) as peer:
            self.endure("%s at admin_http" % name, peer)
    return test


for _caller in (*hostile_peers.HTTP1_CALLERS, *hostile_peers.HTTP2_CALLERS,
                *hostile_peers.SILENT_CALLERS):
    setattr(CallerTest, "test_%s" % _caller.__name__, _test_of(_caller))


if __name__ == "__main__":
    unittest.main()

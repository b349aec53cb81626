"""Sessions: conversations that the gateway keeps for the callers who open them,
by gRPC and by HTTP, for a time, and within limits."""

import glob
import json
import re
import resource
import sqlite3
import time
import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.sessions_case import ALICE
from tests.integration.sessions_case import BOB
from tests.integration.sessions_case import CAROL
from tests.integration.sessions_case import ENV
from tests.integration.sessions_case import KEYS
from tests.integration.sessions_case import SessionsCase
from tests.testing.gateway_process import GatewayProcess

_UUID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

# As RLIMIT_FSIZE.
_NO_ROOM = (0, resource.RLIM_INFINITY)
_ROOM = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class ConversationTest(SessionsCase):

    def test_a_conversation_goes_on_by_http(self):
        self.start()
        session = self.open({"ttl_seconds": 120, "context": {"b": [1, 2.5],
                                                              "a": None}})
        self.assertRegex(session, _UUID)
        self.upstream.set_script("gpt-x", [{"text": "one"}, {"text": "two"}])
        self.assertEqual(self.chat(session, "first").text(), "one")
        self.assertEqual(self.asked(), ["first"])
        self.assertEqual(self.chat(session, "second").text(), "two")
        self.assertEqual(self.asked(), ["first", "one", "second"])
        got = self.get(session)
        self.assertEqual(
            [(message["role"], message["content"])
             for message in got["messages"]],
            [("user", "first"), ("assistant", "one"), ("user", "second"),
             ("assistant", "two")])
        self.assertEqual(got["context"], {"a": None, "b": [1, 2.5]})
        self.assertEqual(set(got), {"id", "messages", "context", "created_at",
                                    "expires_at"})
        gone = self.http("DELETE", "/v1/sessions/" + session)
        self.assertEqual((gone.status, gone.body), (204, b""))
        for method in ("GET", "DELETE"):
            missing = self.http(method, "/v1/sessions/" + session)
            self.assertEqual(missing.status, 404)
            self.assertEqual(missing.error()["type"], "invalid_request_error")
        self.assertEqual(self.chat(session, "third").status, 404)
        self.gateway.stop()

    def test_a_conversation_goes_on_by_grpc_and_is_the_same_one(self):
        self.start()
        made = self.rpc("CreateSession", {"ttl": "60s",
                                          "context": {"project": "apollo"}})
        session = made.response["id"]
        self.assertEqual(made.response["ttl"], "60s")
        self.upstream.set_script(
            "gpt-x", [{"text": "one"}, {"text": "two and more"},
                      {"text": "three"}])
        answer = self.rpc("Generate", prompt("gpt-x", "first",
                                             session=session))
        self.assertEqual(answer.text(), "one")
        streamed = self.stream(session, "second")
        self.assertEqual(streamed.wait()["code"], "OK", streamed.end)
        self.assertEqual(streamed.text(), "two and more")
        self.assertEqual(self.asked(), ["first", "one", "second"])
        self.assertEqual(self.chat(session, "third", stream=True).text(),
                         "three")
        self.assertEqual(self.texts(session),
                         ["first", "one", "second", "two and more", "third",
                          "three"])
        got = self.rpc("GetSession", {"id": session}).response
        self.assertEqual(got["context"], {"project": "apollo"})
        self.assertEqual(len(got["messages"]), 6)
        self.assertEqual(
            self.rpc("DeleteSession", {"id": session}).end["code"], "OK")
        for method in ("GetSession", "DeleteSession"):
            end = self.rpc(method, {"id": session}).end
            self.assertEqual((end["code"], end["reason"]),
                             ("NOT_FOUND", "NOT_FOUND"))
        self.gateway.stop()

    def test_instructions_hold_until_others_are_given(self):
        self.start()
        session = self.open()

        def say(*messages):
            answer = ask(self.gateway.http,
                         {"model": "gpt-x", "session_id": session,
                          "messages": [{"role": role, "content": text}
                                       for role, text in messages]},
                         headers={"authorization": "Bearer " + ALICE})
            self.assertEqual(answer.status, 200, answer.body)

        self.upstream.set_script("gpt-x", {"text": "ok"})
        say(("system", "be brief"), ("user", "one"))
        say(("user", "two"))
        self.assertEqual(self.asked(), ["be brief", "one", "ok", "two"])
        say(("system", "be long"), ("user", "three"))
        self.assertEqual(self.asked(),
                         ["be long", "one", "ok", "two", "ok", "three"])
        self.gateway.stop()

    def test_calls_of_tools_are_kept_as_they_are(self):
        self.start()
        session = self.open()
        self.upstream.set_script("gpt-x", [
            {"tool_calls": [{"name": "f", "id": "call_1",
                             "arguments": "{\"a\":1}"}]},
            {"text": "done"}])
        tools = [{"type": "function", "function": {"name": "f",
                                                   "parameters": {}}}]
        self.assertEqual(
            self.chat(session, "use it", tools=tools).status, 200)
        answer = ask(self.gateway.http,
                     {"model": "gpt-x", "session_id": session, "tools": tools,
                      "messages": [{"role": "tool", "tool_call_id": "call_1",
                                    "content": "42"}]},
                     headers={"authorization": "Bearer " + ALICE})
        self.assertEqual(answer.text(), "done", answer.body)
        kept = self.get(session)["messages"]
        self.assertEqual([message["role"] for message in kept],
                         ["user", "assistant", "tool", "assistant"])
        self.assertEqual(kept[1]["tool_calls"],
                         [{"id": "call_1", "type": "function",
                           "function": {"name": "f",
                                        "arguments": "{\"a\":1}"}}])
        self.assertEqual(
            json.loads(self.upstream.last_body("gpt-x"))["messages"][1]
            ["tool_calls"][0]["id"], "call_1")
        self.gateway.stop()

    def test_another_provider_goes_on_with_it(self):
        self.start()
        session = self.open()
        self.upstream.set_script("gpt-x", {"text": "one"})
        self.upstream.set_script("claude-x", {"text": "two"})
        self.assertEqual(self.chat(session, "first").text(), "one")
        self.assertEqual(
            self.chat(session, "second", model="claude-x").text(), "two")
        body = json.loads(self.upstream.last_body("claude-x"))
        self.assertEqual([message["role"] for message in body["messages"]],
                         ["user", "assistant", "user"])
        self.gateway.stop()

    def test_tokens_are_counted_with_the_session(self):
        self.start()
        session = self.open()
        self.upstream.set_script("claude-x", {"text": "one"})
        self.assertEqual(
            self.chat(session, "first", model="claude-x").status, 200)
        counted = self.rpc("CountTokens", {"request": prompt(
            "claude-x", "second", session=session)})
        self.assertEqual(counted.end["code"], "OK", counted.end)
        body = json.loads(self.upstream.last_body("claude-x"))
        self.assertEqual(len(body["messages"]), 3)
        self.assertEqual(self.texts(session), ["first", "one"])
        self.gateway.stop()

    def test_what_is_wrong_is_told(self):
        self.start()
        for body, field in (
                ({"ttl_seconds": 59}, "ttl_seconds"),
                ({"ttl_seconds": "60"}, "ttl_seconds"),
                ({"ttl_seconds": 2592001}, "ttl_seconds"),
                ({"context": [1]}, "context"), ({"colour": "red"}, "colour"),
                (b"{", "body"), (b"[]", "body")):
            refused = self.http("POST", body=body)
            self.assertEqual(refused.status, 400, body)
            self.assertEqual(refused.error()["param"], field, refused.body)
        self.assertEqual(self.http("POST", body=b"").status, 201)
        end = self.rpc("CreateSession", {"ttl": "59s"}).end
        self.assertEqual((end["code"], end["fields"]),
                         ("INVALID_ARGUMENT", ["ttl"]))
        end = self.rpc("GetSession", {}).end
        self.assertEqual((end["code"], end["fields"]),
                         ("INVALID_ARGUMENT", ["id"]))
        end = self.rpc("Generate", prompt(
            "gpt-x", session=self.open(), previous_response_id="resp_1")).end
        self.assertEqual((end["code"], end["fields"]),
                         ("INVALID_ARGUMENT", ["previous_response_id"]))
        wrong = self.http("PATCH", body={})
        self.assertEqual((wrong.status, wrong.headers["allow"]), (405, "POST"))
        self.gateway.stop()


class OwnersTest(SessionsCase):

    def test_what_names_no_session_is_refused(self):
        self.start()
        bodies = {
            "/v1/chat/completions": {
                "model": "gpt-x",
                "messages": [{"role": "user", "content": "hi"}]},
            "/v1/responses": {"model": "gpt-x", "input": "hi"},
            "/v1/messages": {
                "model": "gpt-x", "max_tokens": 9,
                "messages": [{"role": "user", "content": "hi"}]}}
        for path, body in bodies.items():
            for wrong in (5, "", [], {"id": "x"}):
                for stream in (False, True):
                    with self.subTest(path=path, wrong=wrong, stream=stream):
                        refused = self.http(
                            "POST", path,
                            {**body, "session_id": wrong, "stream": stream})
                        self.assertEqual(refused.status, 400, refused.body)
                        error = refused.error()
                        self.assertEqual(error["type"],
                                         "invalid_request_error")
                        self.assertIn("session_id", error["message"])
                        if path != "/v1/messages":
                            self.assertEqual(error["param"], "session_id")
            unknown = self.http("POST", path, {**body, "session_id": "x"})
            self.assertEqual(unknown.status, 404, unknown.body)
            none = self.http("POST", path, {**body, "session_id": None})
            self.assertEqual(none.status, 200, none.body)
        self.gateway.stop()

    def test_a_conversation_goes_on_at_other_apis(self):
        self.start()
        session = self.open()
        self.upstream.set_script("gpt-x", [
            {"text": "one"}, {"text": "two"}, {"text": "three"}])
        said = self.http("POST", "/v1/responses", {
            "model": "gpt-x", "input": "first", "session_id": session})
        self.assertEqual(said.status, 200, said.body)
        said = self.http("POST", "/v1/messages", {
            "model": "gpt-x", "max_tokens": 9, "session_id": session,
            "messages": [{"role": "user", "content": "second"}]})
        self.assertEqual(said.status, 200, said.body)
        self.assertEqual(self.asked(), ["first", "one", "second"])
        self.assertEqual(self.chat(session, "third").text(), "three")
        self.assertEqual(self.texts(session),
                         ["first", "one", "second", "two", "third", "three"])
        self.gateway.stop()

    def test_to_others_there_is_no_such_session(self):
        self.start()
        session = self.open()
        self.upstream.set_script("gpt-x", {"text": "one"})
        self.assertEqual(self.chat(session, "first").status, 200)
        path = "/v1/sessions/" + session
        for method in ("GET", "DELETE"):
            self.assertEqual(self.http(method, path, key=BOB).status, 404)
            self.assertEqual(self.http(method, path, key="nobody").status, 401)
        self.assertEqual(self.chat(session, "mine?", key=BOB).status, 404)
        self.assertEqual(self.http("POST", body={}, key="nobody").status, 401)
        for method, request in (
                ("GetSession", {"id": session}),
                ("DeleteSession", {"id": session}),
                ("Generate", prompt("gpt-x", session=session))):
            end = self.rpc(method, request, key=BOB).end
            self.assertEqual(end["reason"], "NOT_FOUND", method)
            end = self.rpc(method, request, key="nobody").end
            self.assertEqual(end["code"], "UNAUTHENTICATED", method)
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 1)
        self.assertEqual(self.texts(session), ["first", "one"])
        self.gateway.stop()

    def test_scopes_name_the_rpcs(self):
        self.start()
        self.assertEqual(
            self.rpc("GetSession", {"id": "x"}, key=CAROL).end["reason"],
            "NOT_FOUND")
        for method in ("CreateSession", "DeleteSession"):
            end = self.rpc(method, {}, key=CAROL).end
            self.assertEqual((end["reason"], end["metadata"]["scope"]),
                             ("FORBIDDEN", "rpc:" + method))
        self.assertEqual(
            self.http("POST", body={}, key=CAROL).status, 403)
        self.assertEqual(
            self.http("GET", "/v1/sessions/x", key=CAROL).status, 404)
        self.assertEqual(
            self.http("DELETE", "/v1/sessions/x", key=CAROL).status, 403)
        self.gateway.stop()


class UnconfiguredTest(SessionsCase):

    sessions = ""

    def test_without_sessions_it_is_said_that_there_are_none(self):
        self.start(durable=False)
        for method, request in (
                ("CreateSession", {}), ("GetSession", {"id": "x"}),
                ("DeleteSession", {"id": "x"}),
                ("Generate", prompt("gpt-x", session="x"))):
            end = self.rpc(method, request).end
            self.assertEqual(
                (end["code"], end["reason"], end["metadata"]["field"]),
                ("FAILED_PRECONDITION", "NOT_CONFIGURED", "sessions"), method)
        refused = self.http("POST", body={})
        self.assertEqual((refused.status, refused.error()["code"]),
                         (400, "not_configured"))
        # To the provider the field may mean something.
        self.assertEqual(self.chat("theirs", "hi").status, 200)
        self.assertEqual(
            json.loads(self.upstream.last_body("gpt-x"))["session_id"],
            "theirs")
        self.gateway.stop()


class TimeTest(SessionsCase):

    sessions = "sessions: {ttl: 60s}\n"

    def expire_ms(self, session):
        """When it expires, as the database has it."""
        with sqlite3.connect(glob.glob(self.state + "/*.db")[0]) as database:
            rows = database.execute(
                "SELECT expire_ms FROM records WHERE collection = 'sessions' "
                "AND key = ?", (session.encode(),)).fetchall()
        return rows[0][0]

    def test_a_turn_puts_off_the_end_and_a_look_does_not(self):
        self.start()
        session = self.open()
        first = self.expire_ms(session)
        self.assertAlmostEqual(first / 1000, time.time() + 60, delta=30)
        self.get(session)
        self.assertEqual(self.expire_ms(session), first)
        self.assertEqual(self.chat(session, "hi").status, 200)
        self.assertGreater(self.expire_ms(session), first)
        self.gateway.stop()

    def test_what_has_expired_is_gone(self):
        self.start()
        session, other = self.open(), self.open({"ttl_seconds": 3600})
        self.gateway.stop()
        with sqlite3.connect(glob.glob(self.state + "/*.db")[0]) as database:
            # As if more than a minute had passed.
            database.execute("UPDATE records SET expire_ms = expire_ms - 90000")
        self.start()
        self.assertEqual(
            self.http("GET", "/v1/sessions/" + session).status, 404)
        self.assertEqual(self.chat(session, "hi").status, 404)
        self.assertEqual(self.get(other)["messages"], [])
        self.gateway.stop()

    def test_the_other_systems_variable_says_how_long(self):
        self.sessions = ""
        config = (gateway_case.CONFIG + KEYS).format(
            upstream=self.upstream.address)
        self.gateway = GatewayProcess(
            config, env={**ENV, "LLM_GATEWAY_SESSION_TTL_SECONDS": "7200"})
        self.addCleanup(self.gateway.kill)
        made = self.rpc("CreateSession", {})
        self.assertEqual(made.response["ttl"], "7200s")
        self.gateway.stop()


class LimitsTest(SessionsCase):

    sessions = ("sessions: {sessions_limit: 2, messages_limit: 4, "
                "session_bytes_limit: 4KiB}\n")

    def test_there_are_no_more_sessions_than_the_limit(self):
        self.start()
        first = self.open()
        self.open(key=BOB)
        self.limited(self.http("POST", body={}), "sessions.sessions_limit")
        end = self.rpc("CreateSession", {}).end
        self.assertEqual(
            (end["code"], end["reason"], end["metadata"]["limit"]),
            ("RESOURCE_EXHAUSTED", "SESSION_LIMITED",
             "sessions.sessions_limit"))
        self.assertEqual(
            self.http("DELETE", "/v1/sessions/" + first).status, 204)
        self.open()
        self.gateway.stop()
        # Those of before count.
        self.start()
        self.limited(self.http("POST", body={}), "sessions.sessions_limit")
        self.gateway.stop()

    def test_a_restart_forgets_nobodys_share(self):
        self.sessions = "sessions: {sessions_limit: 8}\n"
        self.start()
        for _ in range(6):
            self.open()
        self.limited(self.http("POST", body={}), "for callers who have fewer")
        self.gateway.stop()
        self.start()
        self.limited(self.http("POST", body={}), "for callers who have fewer")
        self.open(key=BOB)
        self.gateway.stop()

    def test_a_session_has_no_more_messages_than_the_limit(self):
        self.start()
        session = self.open()
        for text in ("one", "two"):
            self.assertEqual(self.chat(session, text).status, 200)
        self.limited(self.chat(session, "three"), "4 messages")
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 2)
        self.assertEqual(len(self.texts(session)), 4)
        self.gateway.stop()

    def test_a_session_is_no_larger_than_the_limit(self):
        self.start()
        session = self.open()
        self.limited(self.chat(session, "x" * 5000), "4096 bytes")
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 0)
        self.upstream.set_script("gpt-x", {"reply_bytes": 5000})
        self.limited(self.chat(session, "at length"), "4096 bytes")
        end = self.stream(session, "at length").wait()
        self.assertEqual((end["code"], end["reason"]),
                         ("RESOURCE_EXHAUSTED", "SESSION_LIMITED"))
        self.assertEqual(self.texts(session), [])
        refused = self.http("POST", body={"context": {"x": "x" * 5000}})
        self.assertEqual((refused.status, refused.error()["param"]),
                         (400, "context"))
        self.gateway.stop()

    def test_memory_is_bounded(self):
        self.bounded(durable=False)
        self.gateway.stop()

    def test_the_disk_is_bounded_and_a_restart_forgets_nothing_of_it(self):
        self.bounded(durable=True)
        self.gateway.stop()
        self.start()
        self.limited(self.http("POST", body={"context": {"x": "x" * 1000}}),
                     "sessions.size_bytes_limit")
        self.open(key=BOB)
        self.gateway.stop()

    def bounded(self, durable):
        """Fills what one caller may have."""
        self.sessions = ("sessions: {size_bytes_limit: 64KiB, "
                         "session_bytes_limit: 40KiB}\n")
        self.start(durable=durable)
        self.open({"context": {"x": "x" * 39000}})
        self.limited(self.http("POST", body={"context": {"x": "x" * 39000}}),
                     "sessions.size_bytes_limit")
        # Of what is left, a quarter is for others.
        session = self.open({"context": {"x": "x" * 9000}})
        self.limited(self.chat(session, "x" * 1000),
                     "sessions.size_bytes_limit")
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 0)
        theirs = self.open(key=BOB)
        self.assertEqual(self.chat(theirs, "x" * 1000, key=BOB).status, 200)

    def test_a_full_disk_is_not_the_callers_fault(self):
        self.start()
        session = self.open()
        resource.prlimit(self.gateway.pid, resource.RLIMIT_FSIZE, _NO_ROOM)
        refused = self.http("POST", body={})
        self.assertEqual(refused.status, 503, refused.body)
        self.assertEqual(refused.error()["code"], "store_unavailable")
        self.assertEqual(refused.headers["retry-after"], "1")
        end = self.rpc("CreateSession", {}).end
        self.assertEqual((end["code"], end["reason"]),
                         ("UNAVAILABLE", "STORE_UNAVAILABLE"))
        self.assertEqual(self.chat(session, "hi").status, 503)
        resource.prlimit(self.gateway.pid, resource.RLIMIT_FSIZE, _ROOM)
        self.open()
        self.gateway.stop()


if __name__ == "__main__":
    unittest.main()

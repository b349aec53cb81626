"""The HTTP API as Anthropic's clients see it."""

import json
import unittest
from urllib.parse import quote

from tests.integration import gateway_case
from tests.integration.http_calls import ask

_CONFIG = gateway_case.CONFIG.replace(
    "  - name: anthropic\n",
    "  - name: mock\n"
    "    mock: {{}}\n"
    "  - name: anthropic\n"
    '    models: ["claude-x", "meta/llama-3:70b"]\n').replace(
        "  model_rules:\n",
        "  model_rules:\n"
        '    - {{prefix: "mock", targets: [mock]}}\n'
        '    - {{alias: "fast", targets: [anthropic/claude-real]}}\n')

# What a stream may hold, in this order, but for pings.
_ORDER = ["message_start", "content_block_start", "content_block_delta",
          "content_block_stop", "message_delta", "message_stop"]

_VERSION = {"anthropic-version": "2023-06-01"}


def message(model, text="Hello", **fields):
    """A request in Anthropic's form with one message of the user."""
    return {"model": model, "max_tokens": 64, **fields,
            "messages": [{"role": "user", "content": text}]}


def named_events(body):
    """The name and the data of each event of a stream."""
    events = []
    for block in body.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n")
                      if ": " in line)
        if fields:
            events.append((fields["event"], json.loads(fields["data"])))
    return events


class _ApiCase(gateway_case.GatewayCase):

    config = _CONFIG

    def ask(self, body=None, path="/v1/messages", headers=None, **options):
        return ask(self.gateway.http, body, path=path,
                   headers={**_VERSION, **(headers or {})}, **options)

    def ask_upstream(self, body):
        """What the mock itself answers."""
        return ask(self.upstream.address, body, path="/v1/messages",
                   headers=_VERSION)

    def log_of(self, answer):
        return self.gateway.wait_for_access(
            request_id=answer.headers["request-id"])

    def assert_refused(self, answer, status, type_):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["content-type"], "application/json")
        body = answer.json()
        self.assertEqual(set(body), {"type", "error", "request_id"})
        self.assertEqual(body["type"], "error")
        self.assertEqual(body["request_id"], answer.headers["request-id"])
        self.assertEqual(body["error"]["type"], type_)
        self.assertTrue(body["error"]["message"])

    def assert_whole(self, answer):
        """A stream with all its events in order, and one end. Its text."""
        events = named_events(answer.body)
        names = [name for name, _ in events if name != "ping"]
        self.assertEqual(list(dict.fromkeys(names)), _ORDER)
        self.assertEqual(names.count("message_stop"), 1)
        for name, data in events:
            self.assertEqual(data["type"], name)
        return "".join(data["delta"].get("text", "") for name, data in events
                       if name == "content_block_delta")


class SameDialectTest(_ApiCase):
    """Where the provider speaks Anthropic's form too, bytes are forwarded."""

    def test_request_and_answer_pass_byte_for_byte(self):
        body = (b'{ "model" : "claude-odd",\t"max_tokens":5,"new":{"a":[1.50]},'
                b'"messages":[{"role":"user","content":"a\\u00e9 \\/"}] }')
        answer = self.ask(body)
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.upstream.last_body("claude-odd"), body)
        self.assertEqual(answer.body, self.ask_upstream(body).body)

    def test_an_alias_changes_the_models_name_alone(self):
        self.ask(message("fast", other=1))
        self.assertEqual(json.loads(self.upstream.last_body("claude-real")),
                         message("claude-real", other=1))

    def test_a_stream_passes_byte_for_byte(self):
        for script in ({"text": "one two"}, {"pings": 2},
                       {"tool_calls": [{"name": "f", "arguments": '{"a":1}'}]},
                       {"reasoning": {"text": "Hm.", "signature": "s="}}):
            self.upstream.set_script("claude-any", script)
            body = message("claude-any", stream=True)
            self.assertEqual(self.ask(body).body,
                             self.ask_upstream(body).body, script)

    def test_headers_are_passed_on_and_the_key_is_not(self):
        self.ask(message("claude-key"), path="/v1/messages?beta=true",
                 headers={"anthropic-beta": "a-1,b-2",
                          "x-api-key": "the-callers-own",
                          "authorization": "Bearer the-callers-other"})
        headers = dict((key.lower(), value) for key, value in
                       self.upstream.last("claude-key")["headers"])
        self.assertEqual(headers["anthropic-beta"], "a-1,b-2")
        self.assertEqual(headers["anthropic-version"], "2023-06-01")
        self.assertEqual(headers["x-api-key"],
                         gateway_case.ENV["ANTHROPIC_KEY"])
        self.assertNotIn("authorization", headers)

    def test_nobody_else_is_sent_anthropics_headers(self):
        for path in ("/v1/chat/completions", "/v1/messages"):
            self.ask(message("gpt-beta"), path=path,
                     headers={"anthropic-beta": "a-1"})
            names = [name.lower()
                     for name, _ in self.upstream.last("gpt-beta")["headers"]]
            self.assertNotIn("anthropic-beta", names)
            self.assertNotIn("anthropic-version", names)

    def test_usage_in_the_log_is_what_was_served(self):
        self.upstream.set_script("claude-count", {"usage": {
            "prompt_tokens": 901, "completion_tokens": 77,
            "cached_tokens": 512}})
        for stream in (False, True):
            line = self.log_of(self.ask(message("claude-count",
                                                stream=stream)))
            self.assertEqual(
                [line[name] for name in ("input_tokens", "output_tokens",
                                         "cached_input_tokens")],
                [901, 77, 512])


class CrossDialectTest(_ApiCase):
    """Asked in Anthropic's form, answered by a provider of another."""

    def test_an_answer_is_translated(self):
        self.upstream.set_script("gpt-x", {"text": "Bonjour"})
        answer = self.ask(message("gpt-x", system="Be brief."))
        self.assertEqual(answer.status, 200)
        sent = json.loads(self.upstream.last_body("gpt-x"))
        self.assertEqual(len(sent["messages"]), 2)
        got = answer.json()
        self.assertEqual(got["type"], "message")
        self.assertEqual(got["content"][0]["text"], "Bonjour")
        self.assertEqual(got["stop_reason"], "end_turn")

    def test_a_stream_is_translated(self):
        self.upstream.set_script("gpt-s", {"text": "one two three"})
        answer = self.ask(message("gpt-s", stream=True))
        self.assertEqual(self.assert_whole(answer), "one two three")

    def test_tool_calls_are_translated(self):
        self.upstream.set_script("gpt-t", {
            "tool_calls": [{"name": "find", "arguments": '{"q":"x"}'}]})
        got = self.ask(message("gpt-t", tools=[{
            "name": "find", "input_schema": {"type": "object"}}])).json()
        self.assertEqual(got["stop_reason"], "tool_use")
        self.assertEqual(got["content"][-1]["input"], {"q": "x"})

    def test_a_stream_that_breaks_off_ends_with_one_error(self):
        for model in ("gpt-broken", "claude-broken"):
            self.upstream.set_script(model, {"chunks": 5,
                                             "reset_after_chunks": 2})
            names = [name for name, _ in named_events(
                self.ask(message(model, stream=True)).body)]
            self.assertEqual(names[0], "message_start")
            self.assertEqual(names[-1], "error")
            self.assertEqual(names.count("error"), 1)
            self.assertNotIn("message_stop", names)


class MockTest(_ApiCase):
    """What the quickstart's mock answers, again and again the same."""

    def test_whole_and_streamed(self):
        bodies = [self.ask(message("mock-1")).json() for _ in range(2)]
        self.assertEqual(bodies[0], bodies[1])
        text = bodies[0]["content"][0]["text"]
        stream = self.ask(message("mock-1", stream=True))
        self.assertEqual(self.assert_whole(stream), text)

    def test_counts(self):
        path = "/v1/messages/count_tokens"
        self.assertEqual(self.ask(message("mock-1"), path=path).json(),
                         {"input_tokens": 10})
        self.assertGreater(
            self.ask(message("gpt-x"), path=path).json()["input_tokens"], 0)

    def test_details_are_told_to_those_who_ask(self):
        got = self.ask(message("mock-1"),
                       headers={"x-llmgateway-details": "true"}).json()
        self.assertEqual(got["provider"], "mock")
        self.assertGreaterEqual(got["latency_ms"], 0)


class ModelsTest(_ApiCase):

    def test_the_version_header_chooses_the_form(self):
        page = self.ask(path="/v1/models?beta=true").json()
        self.assertEqual(set(page), {"data", "has_more", "first_id",
                                     "last_id"})
        self.assertIn("claude-x", [model["id"] for model in page["data"]])
        plain = ask(self.gateway.http, path="/v1/models").json()
        self.assertEqual(plain["object"], "list")
        self.assertEqual(len(plain["data"]), len(page["data"]))

    def test_the_list_has_pages_for_those_who_want_them(self):
        every = [model["id"] for model in
                 self.ask(path="/v1/models").json()["data"]]
        seen = []
        more = True
        while more:
            after = "&after_id=" + quote(seen[-1], "") if seen else ""
            page = self.ask(path="/v1/models?limit=2" + after).json()
            more = page["has_more"]
            ids = [model["id"] for model in page["data"]]
            self.assertEqual(len(ids), 2 if more else len(every) - len(seen))
            self.assertEqual((page["first_id"], page["last_id"]),
                             (ids[0], ids[-1]))
            seen += ids
        self.assertEqual(seen, every)
        page = self.ask(path="/v1/models?limit=1&before_id=" +
                        quote(every[2], "")).json()
        self.assertEqual([model["id"] for model in page["data"]], [every[1]])
        self.assertTrue(page["has_more"])
        for query in ("limit=0", "limit=1001", "limit=x", "after_id=nobody"):
            self.assert_refused(self.ask(path="/v1/models?" + query), 400,
                                "invalid_request_error")

    def test_one_model_by_its_id(self):
        for path in ("/v1/models/meta/llama-3:70b",
                     "/v1/models/meta%2Fllama-3:70b"):
            self.assertEqual(self.ask(path=path).json()["id"],
                             "meta/llama-3:70b")
        self.assert_refused(self.ask(path="/v1/models/none"), 404,
                            "not_found_error")


class RefusalsTest(_ApiCase):

    def test_each_is_in_anthropics_words(self):
        self.assert_refused(self.ask(b"{"), 400, "invalid_request_error")
        self.assert_refused(self.ask(message("gpt-x"), path="/v1/messages/x"),
                            404, "not_found_error")
        self.assert_refused(
            self.ask(message("gpt-x"), headers={"anthropic-version": "1"}),
            400, "invalid_request_error")
        for status, told, type_ in ((429, 429, "rate_limit_error"),
                                    (500, 502, "api_error"),
                                    (529, 529, "overloaded_error")):
            self.upstream.set_script(
                "claude-bad",
                {"status": status, "headers": {"x-should-retry": "no"}})
            answer = self.ask(message("claude-bad"))
            self.assert_refused(answer, told, type_)
            self.assertEqual(answer.headers["x-should-retry"], "false")


if __name__ == "__main__":
    unittest.main()

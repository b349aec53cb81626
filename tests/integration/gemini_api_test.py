"""The HTTP API as Google's clients see it."""

import unittest
from urllib.parse import quote

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat

_CONFIG = gateway_case.CONFIG.replace(
    "  - name: anthropic\n",
    "  - name: mock\n"
    "    mock: {{}}\n"
    "  - name: gemini\n"
    "    gemini:\n"
    '      base_url: "http://{upstream}"\n'
    '      api_key: "env:OPENAI_KEY"\n'
    "  - name: anthropic\n").replace(
        "  model_rules:\n",
        "  model_rules:\n"
        '    - {{prefix: "mock", targets: [mock]}}\n'
        '    - {{prefix: "gemini-", targets: [gemini]}}\n')

_STREAM = ":streamGenerateContent?alt=sse"


def contents(text="Hello", **fields):
    """A request in Gemini's form with one turn of the user."""
    return {**fields, "contents": [{"role": "user",
                                    "parts": [{"text": text}]}]}


def said(chunks):
    """The text of the first candidate."""
    return "".join(
        part.get("text", "") for chunk in chunks
        for candidate in chunk.get("candidates", ())[:1]
        for part in candidate.get("content", {}).get("parts", ()))


class GeminiApiTest(gateway_case.GatewayCase):

    config = _CONFIG

    def ask(self, rest, body=None, **options):
        return ask(self.gateway.http, body, path="/v1beta/models" + rest,
                   **options)

    def test_models_of_every_vendor_answer(self):
        for model in ("mock-1", "gpt-g", "claude-g"):
            self.upstream.set_script(model, {"text": "one two three"})
            path = "/%s:generateContent" % model
            whole = self.ask(path, contents()).json()
            self.assertEqual(whole["candidates"][0]["finishReason"], "STOP")
            stream = self.ask("/" + model + _STREAM, contents())
            chunks = stream.events()
            self.assertEqual(said(chunks), said([whole]))
            ends = [chunk for chunk in chunks
                    if chunk["candidates"][0].get("finishReason")]
            self.assertEqual(ends, chunks[-1:])

    def test_tool_calls_are_translated(self):
        self.upstream.set_script("gpt-tool", {
            "tool_calls": [{"name": "find", "arguments": '{"q":"x"}'}]})
        body = contents(tools=[{"functionDeclarations": [{
            "name": "find", "parameters": {"type": "OBJECT", "properties": {
                "q": {"type": "STRING"}}}}]}])
        for rest in (":generateContent", _STREAM):
            answer = self.ask("/gpt-tool" + rest, body)
            chunks = answer.events() if rest == _STREAM else [answer.json()]
            calls = [part["functionCall"] for chunk in chunks
                     for part in chunk["candidates"][0].get(
                         "content", {}).get("parts", ())
                     if "functionCall" in part]
            self.assertEqual([(call["name"], call["args"])
                              for call in calls], [("find", {"q": "x"})])

    def test_a_stream_that_breaks_off_ends_with_one_error(self):
        self.upstream.set_script("gpt-cut", {"chunks": 5,
                                             "reset_after_chunks": 2})
        events = self.ask("/gpt-cut" + _STREAM, contents()).events()
        self.assertEqual(["error" in event for event in events],
                         [False] * (len(events) - 1) + [True])

    def test_a_stream_that_breaks_behind_its_end_is_complete(self):
        event = 'data: {"candidates":[{"index":0,"content":{"role":"model",' \
                '"parts":[{"text":"Hi"}]}%s}]}\r\n\r\n'
        self.upstream.set_script("gemini-end", {
            "content_type": "text/event-stream", "garbage": "short_body",
            "body": event % "" + event % ',"finishReason":"STOP"'})
        for path, body in (
                ("/v1beta/models/gemini-end" + _STREAM, contents()),
                ("/v1/chat/completions", chat("gemini-end", stream=True))):
            with self.subTest(path=path):
                answer = ask(self.gateway.http, body, path=path)
                self.assertEqual(http_calls.stream_errors(answer.body), [])
                line = self.gateway.wait_for_access(
                    path=path.split("?")[0])
                self.assertEqual(line["status"], "OK", line)

    def test_the_list_has_pages_for_those_who_want_them(self):
        every = self.ask("").json()["models"]
        page = self.ask("?pageSize=1").json()
        seen = page["models"]
        while "nextPageToken" in page:
            self.assertEqual(len(page["models"]), 1)
            page = self.ask("?pageSize=1&pageToken=" + quote(
                page["nextPageToken"], "")).json()
            seen += page["models"]
        self.assertEqual(seen, every)
        for query in ("?pageSize=0", "?pageSize=5000"):
            self.assertEqual(self.ask(query).json(), {"models": every})
        for query in ("?pageSize=-1", "?pageToken=nobody"):
            self.assertEqual(self.ask(query).status, 400)

    def test_counts_and_lists(self):
        self.assertEqual(self.ask("/mock-1:countTokens",
                                  contents()).json()["totalTokens"], 10)
        names = [model["name"] for model in self.ask("").json()["models"]]
        self.assertTrue(all(name.startswith("models/") for name in names))
        if names:
            self.assertEqual(self.ask(names[0][len("models"):]).json()["name"],
                             names[0])

    def test_refusals_are_in_googles_words(self):
        for rest, body, status, word in (
                ("/gpt-x:generateContent", b"{", 400, "INVALID_ARGUMENT"),
                ("/gpt-x:dance", contents(), 404, "NOT_FOUND"),
                ("/gpt-x:streamGenerateContent", contents(), 400,
                 "INVALID_ARGUMENT"),
                ("/gpt-x:generateContent?key=secret", contents(), 400,
                 "INVALID_ARGUMENT")):
            answer = self.ask(rest, body)
            self.assertEqual(answer.status, status, answer.body)
            self.assertEqual(answer.error()["code"], status)
            self.assertEqual(answer.error()["status"], word)
            self.assertNotIn(b"secret", answer.body)


if __name__ == "__main__":
    unittest.main()

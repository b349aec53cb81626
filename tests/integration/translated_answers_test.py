"""What vendors answer reaches the callers of every API, and all of it."""

import json
import unittest

from tests.integration.http_calls import ask
from tests.integration.vendor_case import VendorCase, prompt


class BlankReasonTest(VendorCase):
    """xAI's word for why an answer ended that calls tools may be blank."""

    CALL = {"role": "assistant", "tool_calls": [
        {"index": 0, "id": "c", "type": "function",
         "function": {"name": "f", "arguments": "{}"}}]}

    def play_choices(self, *choices):
        events = [{"id": "x", "object": "chat.completion.chunk", "created": 1,
                   "model": "grok", "choices": [{
                       "index": 0, "delta": delta, "finish_reason": reason}]}
                  for delta, reason in choices]
        self.play("gpt-x", "".join(
            "data: %s\n\n" % json.dumps(event) for event in events)
            + "data: [DONE]\n\n", content_type="text/event-stream")

    def test_calls_that_came_whole_are_an_answer(self):
        for choices in ([(self.CALL, "")],
                        [({"content": "a"}, ""), (self.CALL, None),
                         ({}, "")]):
            self.play_choices(*choices)
            self.assertTrue(self.chat("gpt-x", stream=True).body.endswith(
                b"data: [DONE]\n\n"))
            body = self.message("gpt-x", stream=True).body
            self.assertIn(b'"stop_reason":"tool_use"', body)
            self.assertTrue(body.rstrip().endswith(b'{"type":"message_stop"}'))

    def test_without_calls_or_the_word_the_answer_broke_off(self):
        for choices in ([({"content": "a"}, "")], [(self.CALL, None)]):
            self.play_choices(*choices)
            for answer in (self.chat("gpt-x", stream=True),
                           self.message("gpt-x", stream=True)):
                self.assertIn(b"without a reason", answer.body)


class BareErrorTest(VendorCase):
    """Google ends a stream that fails with JSON on lines of its own."""

    TEXT = 'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\n\n'
    ERROR = ('{\n  "error": {\n    "code": %d,\n'
             '    "message": "The model is overloaded.",\n'
             '    "status": "%s"\n  }\n}\n')
    OVERLOADED = ERROR % (503, "UNAVAILABLE")
    QUOTA = "[%s]\n" % ERROR % (429, "RESOURCE_EXHAUSTED")

    def answers(self, body):
        self.play("gemini-x", body, content_type="text/event-stream")
        return (self.chat("gemini-x", stream=True),
                self.message("gemini-x", stream=True),
                ask(self.gateway.http, prompt(),
                    path="/v1beta/models/gemini-x:streamGenerateContent"
                         "?alt=sse"))

    def test_at_the_start_it_is_a_status(self):
        # Anthropic has a status of its own for an overload.
        for body, statuses in ((self.OVERLOADED, [503, 529, 503]),
                               (self.QUOTA, [429, 429, 429])):
            for answer, status in zip(self.answers(body), statuses):
                self.assertEqual(answer.status, status, answer.body)
                self.assertIn(b"The model is overloaded.", answer.body)

    def test_in_the_middle_it_is_the_end(self):
        for error in (self.OVERLOADED, self.OVERLOADED + "\n", self.QUOTA):
            for answer in self.answers(self.TEXT + error):
                self.assertEqual(answer.status, 200)
                self.assertIn(b"The model is overloaded.", answer.body)

    def test_other_lines_without_data_say_nothing(self):
        end = ('data: {"candidates":[{"content":{"parts":[{"text":"b"}]},'
               '"finishReason":"STOP"}]}\n\n')
        for noise in (": error\n\n", "{\n\n", "[]\n\n", '{"a":1}\n\n',
                      "error\n\n"):
            for answer in self.answers(self.TEXT + noise + end):
                self.assertEqual(answer.status, 200, noise)
                self.assertNotIn(b'"error":', answer.body)


class CitationsTest(VendorCase):
    """What an answer rests on, by Anthropic's own words."""

    PAGE = {"type": "web_search_result_location", "url": "https://a.test/",
            "title": "A page", "encrypted_index": "e", "cited_text": "c"}
    BOOK = {"type": "char_location", "document_index": 0, "cited_text": "c",
            "document_title": "A book", "start_char_index": 0,
            "end_char_index": 1}
    # Characters, not bytes, are counted.
    TEXTS = (("Sée: ", []), ("it rains", [PAGE]), (".", []))
    FACTS = {"start_index": 5, "end_index": 13, "url": "https://a.test/",
             "title": "A page"}

    def play_whole(self, texts):
        self.play("claude-x", json.dumps({
            "id": "m", "type": "message", "role": "assistant", "model": "c",
            "content": [{"type": "text", "text": text,
                         "citations": citations or None}
                        for text, citations in texts],
            "stop_reason": "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1}}))

    def play_stream(self, texts, citations_first):
        events = [{"type": "message_start", "message": {
            "id": "m", "type": "message", "role": "assistant", "model": "c",
            "content": [], "stop_reason": None,
            "usage": {"input_tokens": 1, "output_tokens": 1}}}]
        for index, (text, citations) in enumerate(texts):
            pieces = [{"type": "text_delta", "text": text[:3]},
                      {"type": "text_delta", "text": text[3:]}]
            told = [{"type": "citations_delta", "citation": citation}
                    for citation in citations]
            pieces = told + pieces if citations_first else pieces + told
            events.append({"type": "content_block_start", "index": index,
                           "content_block": {"type": "text", "text": ""}})
            events += [{"type": "content_block_delta", "index": index,
                        "delta": piece} for piece in pieces]
            events.append({"type": "content_block_stop", "index": index})
        events += [{"type": "message_delta", "delta": {
            "stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
                   {"type": "message_stop"}]
        self.play("claude-x", "".join(
            "event: %s\ndata: %s\n\n" % (event["type"], json.dumps(event))
            for event in events), content_type="text/event-stream")

    @staticmethod
    def upstream_events(kind, **fields):
        """A stream of one block of its own kind, and a text."""
        events = [{"type": "message_start", "message": {
            "id": "m", "type": "message", "role": "assistant", "model": "c",
            "content": [], "stop_reason": None,
            "usage": {"input_tokens": 1, "output_tokens": 1}}},
                  {"type": "content_block_start", "index": 0,
                   "content_block": {"type": kind, **fields}},
                  {"type": "content_block_stop", "index": 0},
                  {"type": "content_block_start", "index": 1,
                   "content_block": {"type": "text", "text": "hi"}},
                  {"type": "content_block_stop", "index": 1},
                  {"type": "message_delta", "delta": {
                      "stop_reason": "end_turn"},
                   "usage": {"output_tokens": 1}},
                  {"type": "message_stop"}]
        return "".join("event: %s\ndata: %s\n\n"
                       % (event["type"], json.dumps(event))
                       for event in events)

    def respond(self, **fields):
        return ask(self.gateway.http, {"model": "claude-x", "input": "Hello",
                                       **fields}, path="/v1/responses")

    def by_gemini(self, method):
        return ask(self.gateway.http, prompt(),
                   path="/v1beta/models/claude-x:" + method)

    @staticmethod
    def events(answer):
        return [json.loads(line[6:]) for line in answer.body.split(b"\n")
                if line.startswith(b"data: {")]

    def test_a_whole_answer_has_its_pages_as_annotations(self):
        self.play_whole(self.TEXTS)
        answer = self.chat("claude-x")
        message = json.loads(answer.body)["choices"][0]["message"]
        self.assertEqual(message["content"], "Sée: it rains.")
        self.assertEqual(message["annotations"], [
            {"type": "url_citation", "url_citation": self.FACTS}])
        self.assertNotIn("citations",
                         answer.headers.get("x-llmgateway-warnings", ""))
        answer = self.respond()
        [item] = json.loads(answer.body)["output"]
        # Of the part's own text, which Responses keeps apart.
        self.assertEqual(
            [part["annotations"] for part in item["content"]],
            [[], [{"type": "url_citation", **self.FACTS, "start_index": 0,
                   "end_index": 8}], []])
        self.assertNotIn("citations",
                         answer.headers.get("x-llmgateway-warnings", ""))

    def test_a_stream_has_them_whichever_comes_first(self):
        for citations_first in (False, True):
            self.play_stream(self.TEXTS, citations_first)
            answer = self.chat("claude-x", stream=True)
            deltas = [choice["delta"] for event in self.events(answer)
                      for choice in event["choices"]]
            self.assertEqual([delta["annotations"] for delta in deltas
                              if "annotations" in delta],
                             [[{"type": "url_citation",
                                "url_citation": self.FACTS}]])
            self.assertEqual(deltas.count({}), 1)  # That of the end.
            self.assertNotIn(b"warnings", answer.body)
            answer = self.respond(stream=True)
            events = self.events(answer)
            facts = {"type": "url_citation", **self.FACTS, "start_index": 0,
                     "end_index": 8}
            self.assertEqual(
                [event["annotation"] for event in events if event["type"]
                 == "response.output_text.annotation.added"], [facts])
            self.assertEqual(
                [part["annotations"] for part in
                 events[-1]["response"]["output"][0]["content"]],
                [[], [facts], []])
            self.assertNotIn(b"warnings", answer.body)

    def test_what_is_no_page_is_told_of(self):
        texts = (("it rains", [self.BOOK]),)
        self.play_whole(texts)
        for answer in (self.chat("claude-x"), self.respond(),
                       self.by_gemini("generateContent")):
            self.assertIn("citations: ",
                          answer.headers["x-llmgateway-warnings"])
        self.play_stream(texts, citations_first=False)
        for answer in (self.chat("claude-x", stream=True),
                       self.respond(stream=True)):
            self.assertIn(b": x-llmgateway-warnings: citations: left out",
                          answer.body)

    def test_google_has_no_place_and_is_told_so_without_comments(self):
        # Google's clients take a comment for the beginning of an error.
        self.play_stream(self.TEXTS, citations_first=False)
        script = self.upstream_events("redacted_thinking", data="sealed")
        self.play("claude-redacted", script, content_type="text/event-stream")
        sealed = ask(self.gateway.http, prompt(), path="/v1beta/models/"
                     "claude-redacted:streamGenerateContent?alt=sse")
        self.assertNotIn(b"\n:", b"\n" + sealed.body)
        self.assertIn(b'"llmgatewayWarnings":["redacted_reasoning: left out: '
                      b'gemini has none"]', sealed.body)
        answer = self.by_gemini("streamGenerateContent?alt=sse")
        for line in answer.body.split(b"\n"):
            self.assertTrue(line.strip() == b"" or line.startswith(b"data: "))
        self.assertEqual(
            [warning for event in self.events(answer)
             for warning in event.get("llmgatewayWarnings", [])],
            ["citations: left out: gemini has none"])

    def test_pages_of_openais_are_told_of_where_there_is_no_place(self):
        facts = {**self.FACTS, "start_index": 0, "end_index": 2}
        self.play("gpt-x", json.dumps({
            "id": "x", "object": "chat.completion", "created": 1,
            "model": "gpt", "choices": [{
                "index": 0, "finish_reason": "stop", "message": {
                    "role": "assistant", "content": "hi", "annotations": [
                        {"type": "url_citation", "url_citation": facts}]}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1,
                      "total_tokens": 2}}))
        answer = self.message("gpt-x")
        self.assertIn("citations: left out",
                      answer.headers["x-llmgateway-warnings"])


class CustomToolTest(VendorCase):
    """A tool that takes a free text, where there are functions only."""

    INPUT = {"input": "*** Begin\n\"x\""}

    def setUp(self):
        super().setUp()
        start = {"id": "m", "type": "message", "role": "assistant",
                 "model": "c", "stop_reason": None,
                 "usage": {"input_tokens": 1, "output_tokens": 1}}
        call = {"type": "tool_use", "id": "t", "name": "patch"}
        self.play("claude-whole", json.dumps({
            **start, "content": [{**call, "input": self.INPUT}],
            "stop_reason": "tool_use"}))
        text = json.dumps(self.INPUT)
        events = [{"type": "message_start",
                   "message": {**start, "content": []}},
                  {"type": "content_block_start", "index": 0,
                   "content_block": {**call, "input": {}}}]
        events += [{"type": "content_block_delta", "index": 0, "delta": {
            "type": "input_json_delta", "partial_json": piece}}
                   for piece in (text[:9], text[9:15], text[15:])]
        events += [{"type": "content_block_stop", "index": 0},
                   {"type": "message_delta",
                    "delta": {"stop_reason": "tool_use"},
                    "usage": {"output_tokens": 1}},
                   {"type": "message_stop"}]
        self.play("claude-stream", "".join(
            "event: %s\ndata: %s\n\n" % (event["type"], json.dumps(event))
            for event in events), content_type="text/event-stream")

    @staticmethod
    def events(answer):
        return [json.loads(line[6:]) for line in answer.body.split(b"\n")
                if line.startswith(b"data: {")]

    def test_its_calls_are_its_own_at_the_api_of_chat_completions(self):
        tools = [{"type": "custom", "custom": {"name": "patch"}}]
        answer = self.chat("claude-whole", tools=tools)
        [call] = json.loads(answer.body)["choices"][0]["message"]["tool_calls"]
        self.assertEqual(call, {"id": "t", "type": "custom", "custom": {
            "name": "patch", "input": self.INPUT["input"]}})
        answer = self.chat("claude-stream", tools=tools, stream=True)
        calls = [call for event in self.events(answer)
                 for choice in event["choices"]
                 for call in choice["delta"].get("tool_calls", [])]
        self.assertEqual(calls[0]["custom"]["name"], "patch")
        self.assertEqual("".join(call["custom"]["input"] for call in calls),
                         self.INPUT["input"])

    def test_its_calls_are_its_own_at_the_api_of_responses(self):
        fields = {"input": "Hello",
                  "tools": [{"type": "custom", "name": "patch"}]}
        answer = ask(self.gateway.http, {"model": "claude-whole", **fields},
                     path="/v1/responses")
        [item] = json.loads(answer.body)["output"]
        self.assertEqual(
            (item["type"], item["call_id"], item["name"], item["input"]),
            ("custom_tool_call", "t", "patch", self.INPUT["input"]))
        answer = ask(self.gateway.http, {"model": "claude-stream",
                                         "stream": True, **fields},
                     path="/v1/responses")
        [item] = self.events(answer)[-1]["response"]["output"]
        self.assertEqual((item["type"], item["input"]),
                         ("custom_tool_call", self.INPUT["input"]))


class SignaturesTest(VendorCase):
    """What a vendor has sealed goes through a chat client and back."""

    TOOLS = [{"type": "function", "function": {"name": "f"}}]

    @staticmethod
    def gathered(answer):
        """The message of a stream, put together as OpenAI's client does."""
        message = {"role": "assistant"}

        def add(into, piece):
            for key, value in piece.items():
                if isinstance(value, list):
                    entries = into.setdefault(key, [])
                    for entry in value:
                        same = [each for each in entries
                                if each["index"] == entry["index"]]
                        if not same:
                            entries.append({})
                        add((same or entries[-1:])[0], entry)
                elif isinstance(value, dict):
                    add(into.setdefault(key, {}), value)
                elif isinstance(value, str) and key not in ("type", "role"):
                    into[key] = (into.get(key) or "") + value
                elif value is not None:
                    into[key] = value

        for line in answer.body.split(b"\n"):
            if line.startswith(b"data: {"):
                for choice in json.loads(line[6:])["choices"]:
                    add(message, choice["delta"])
        return message

    def second_turn(self, model, message, **fields):
        """What the provider is asked when the call has been answered."""
        ask(self.gateway.http, {
            "model": model, "tools": self.TOOLS, **fields, "messages": [
                {"role": "user", "content": "Hello"}, message,
                {"role": "tool", "content": "1",
                 "tool_call_id": message["tool_calls"][0]["id"]}]})
        return json.loads(self.upstream.last(model)["body"])

    def test_claudes_thoughts_streamed(self):
        model = "claude-sonnet-4-5"
        deltas = [({"type": "thinking", "thinking": "", "signature": ""},
                   [{"type": "thinking_delta", "thinking": "Let me "},
                    {"type": "thinking_delta", "thinking": "see."},
                    {"type": "signature_delta", "signature": "SIG"}]),
                  ({"type": "redacted_thinking", "data": "RED"}, []),
                  ({"type": "tool_use", "id": "t", "name": "f", "input": {}},
                   [{"type": "input_json_delta", "partial_json": "{}"}])]
        events = [{"type": "message_start", "message": {
            "id": "m", "type": "message", "role": "assistant", "model": "c",
            "content": [], "stop_reason": None,
            "usage": {"input_tokens": 1, "output_tokens": 1}}}]
        for index, (block, pieces) in enumerate(deltas):
            events.append({"type": "content_block_start", "index": index,
                           "content_block": block})
            events += [{"type": "content_block_delta", "index": index,
                        "delta": piece} for piece in pieces]
            events.append({"type": "content_block_stop", "index": index})
        events += [{"type": "message_delta", "delta": {
            "stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
                   {"type": "message_stop"}]
        self.play(model, "".join(
            "event: %s\ndata: %s\n\n" % (event["type"], json.dumps(event))
            for event in events), content_type="text/event-stream")
        message = self.gathered(self.chat(
            model, tools=self.TOOLS, reasoning_effort="medium", stream=True))
        sent = self.second_turn(model, message, reasoning_effort="medium")
        self.assertEqual(sent["messages"][1]["content"][:2], [
            {"type": "thinking", "thinking": "Let me see.",
             "signature": "SIG"},
            {"type": "redacted_thinking", "data": "RED"}])
        self.assertEqual(sent["thinking"]["type"], "enabled")

    def test_googles_signatures_of_calls(self):
        model = "gemini-3-flash-preview"
        part = {"functionCall": {"name": "f", "args": {"a": 1}},
                "thoughtSignature": "R1NJRw=="}
        answer = json.dumps({"candidates": [{
            "content": {"role": "model", "parts": [part]},
            "finishReason": "STOP", "index": 0}]})
        for stream in (False, True):
            with self.subTest(stream=stream):
                if stream:
                    self.play(model, "data: %s\n\n" % answer,
                              content_type="text/event-stream")
                    message = self.gathered(self.chat(
                        model, tools=self.TOOLS, stream=True))
                else:
                    self.play(model, answer)
                    told = self.chat(model, tools=self.TOOLS)
                    message = json.loads(told.body)["choices"][0]["message"]
                self.assertEqual(
                    message["tool_calls"][0]["extra_content"],
                    {"google": {"thought_signature": "R1NJRw=="}})
                sent = self.second_turn(model, message)
                [returned] = sent["contents"][1]["parts"]
                self.assertEqual(returned["thoughtSignature"], "R1NJRw==")


if __name__ == "__main__":
    unittest.main()

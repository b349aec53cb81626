"""What a provider itself calls failed is a failure at every API."""

import json
import unittest

from tests.integration.http_calls import ask, chat
from tests.integration.vendor_case import (CONFIG, VendorCase, message_of,
                                           prompt)


class GivenUpTest(VendorCase):
    """What a provider itself calls failed is served to nobody as a success."""

    WORD = "insufficient_system_resource"

    config = CONFIG.replace(
        "routing:\n",
        "  - name: seek\n"
        '    openai_compatible: {{base_url: "http://{upstream}/v1"}}\n'
        "routing:\n").replace(
            "  model_rules:\n",
            "  model_rules:\n"
            '    - {{prefix: "seek-", targets: [seek]}}\n')

    @classmethod
    def apis(cls, model):
        """Asks each API: whether to stream -> the answer."""
        def of(path, body, **headers):
            return lambda stream: ask(
                cls.gateway.http, {**body, "stream": stream}, path=path,
                headers=headers)
        path = "/v1beta/models/%s:" % model
        return {
            "chat": of("/v1/chat/completions", chat(model)),
            "messages": of("/v1/messages", message_of(model),
                           **{"anthropic-version": "2023-06-01"}),
            "responses": of("/v1/responses",
                            {"model": model, "input": "Hello"}),
            "gemini": lambda stream: ask(
                cls.gateway.http, prompt(),
                path=path + ("streamGenerateContent?alt=sse" if stream else
                               "generateContent"))}

    def completion(self, content):
        return json.dumps({
            "id": "x", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": self.WORD, "message": {
                "role": "assistant", "content": content}}]})

    def chunks(self, *contents):
        """A stream of these pieces, which then is given up."""
        choices = [({"role": "assistant", "content": ""}, None)]
        choices += [({"content": content}, None) for content in contents]
        return "".join("data: %s\n\n" % json.dumps(
            {"id": "x", "object": "chat.completion.chunk", "created": 1,
             "model": "m", "choices": [
                 {"index": 0, "delta": delta, "finish_reason": reason}]})
                       for delta, reason in choices + [({}, self.WORD)])

    def test_a_whole_one_is_tried_again_and_then_an_error(self):
        for content in ("", "partial"):
            for api, asking in self.apis("seek-x").items():
                with self.subTest(api=api, content=content):
                    self.play("seek-x", self.completion(content))
                    before = self.upstream.stat("seek-x", "requests")
                    answer = asking(False)
                    self.assertEqual(answer.status, 502, answer.body)
                    self.assertIn(self.WORD, answer.error()["message"])
                    self.assertEqual(
                        self.upstream.stat("seek-x", "requests"), before + 3)
                    line = self.gateway.wait_for_access(
                        request_id=answer.headers["x-request-id"])
                    self.assertEqual(line["error_reason"],
                                     "PROVIDER_UNAVAILABLE")

    def test_a_stream_of_which_nothing_came_likewise(self):
        for api, asking in self.apis("seek-x").items():
            with self.subTest(api=api):
                self.play("seek-x", self.chunks(),
                          content_type="text/event-stream")
                before = self.upstream.stat("seek-x", "requests")
                answer = asking(True)
                self.assertEqual(answer.status, 502, answer.body)
                self.assertEqual(self.upstream.stat("seek-x", "requests"),
                                 before + 3)

    def test_a_stream_that_has_begun_ends_with_the_error_of_its_api(self):
        for api, asking in self.apis("seek-x").items():
            with self.subTest(api=api):
                self.play("seek-x", self.chunks("a", "b"),
                          content_type="text/event-stream")
                before = self.upstream.stat("seek-x", "requests")
                answer = asking(True)
                self.assertEqual(answer.status, 200)
                self.assertIn(b'"b"', answer.body)
                self.assertIn(b"gave the answer up: " + self.WORD.encode(),
                              answer.body)
                for word in (b"[DONE]", b"message_stop", b'"STOP"',
                             b"response.completed"):
                    self.assertNotIn(word, answer.body)
                self.assertEqual(self.upstream.stat("seek-x", "requests"),
                                 before + 1)
                line = self.gateway.wait_for_access(
                    request_id=answer.headers["x-request-id"])
                self.assertEqual(line["error_reason"], "STREAM_INTERRUPTED")

    def test_googles_words_count_too(self):
        for word in ("MALFORMED_FUNCTION_CALL", "LANGUAGE", "OTHER"):
            for api, asking in self.apis("gemini-x").items():
                with self.subTest(word=word, api=api):
                    self.play("gemini-x", json.dumps({"candidates": [
                        {"index": 0, "finishReason": word, "content": {
                            "role": "model", "parts": []}}]}))
                    answer = asking(False)
                    self.assertEqual(answer.status, 502, answer.body)
                    self.assertIn(word, answer.error()["message"])


if __name__ == "__main__":
    unittest.main()

"""The HTTP door of OpenAI's Responses, and what the gateway remembers."""

import json
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import ask

_KEYS = {"ALICE_KEY": "alice-0123456789", "BOB_KEY": "bob-0123456789-bob"}

_CONFIG = gateway_case.CONFIG + """\
auth:
  callers:
    api_keys:
      - {{id: alice, key: "env:ALICE_KEY"}}
      - {{id: bob, key: "env:BOB_KEY"}}
"""


def said(body):
    """All text of a whole answer."""
    return "".join(part.get("text", "") for item in body["output"]
                   for part in item.get("content") or ())


class ResponsesDoorTest(gateway_case.GatewayCase):

    config = _CONFIG
    env = {**gateway_case.ENV, **_KEYS}

    def ask(self, body=None, path="/v1/responses", caller="ALICE_KEY",
            **options):
        return ask(self.gateway.http, body, path=path, headers={
            "authorization": "Bearer " + _KEYS[caller]}, **options)

    def create(self, model, text, **fields):
        answer = self.ask({"model": model, "input": text, **fields})
        self.assertEqual(answer.status, 200, answer.body)
        return answer

    def test_a_conversation_goes_on_across_models_and_streams(self):
        self.upstream.set_script("claude-a", {"text": "It is Oslo."})
        first = self.create("claude-a", "Where?").json()
        self.assertEqual(said(first), "It is Oslo.")
        self.assertEqual(first["status"], "completed")
        second = self.create("claude-b", "Sure?", stream=True,
                             previous_response_id=first["id"])
        events = second.events()
        self.assertEqual(events[0]["type"], "response.created")
        self.assertEqual(events[-1]["type"], "response.completed")
        self.assertEqual(
            [event["sequence_number"] for event in events],
            list(range(len(events))))
        sent = self.upstream.last_body("claude-b").decode()
        for text in ("Where?", "It is Oslo.", "Sure?"):
            self.assertIn(text, sent)
        third = self.create("claude-a", "Still?", previous_response_id=events[
            -1]["response"]["id"]).json()
        self.assertNotEqual(third["id"], first["id"])
        self.assertEqual(
            len(json.loads(self.upstream.last_body("claude-a"))["messages"]),
            5)

    def test_a_caller_sees_only_what_is_its_own(self):
        answer = self.create("claude-a", "Hello").json()
        path = "/v1/responses/" + answer["id"]
        self.assertEqual(self.ask(path=path, caller="BOB_KEY").status, 404)
        refused = self.ask({"model": "claude-a", "input": "x",
                            "previous_response_id": answer["id"]},
                           caller="BOB_KEY")
        self.assertEqual(refused.status, 400)
        self.assertIn("previous_response_id", refused.body.decode())
        self.assertEqual(self.ask(path=path).json()["id"], answer["id"])
        self.assertTrue(self.ask(path=path, method="DELETE").json()["deleted"])
        self.assertEqual(self.ask(path=path).status, 404)

    def test_what_is_not_stored_is_not_found(self):
        answer = self.create("claude-a", "Hello", store=False).json()
        self.assertEqual(
            self.ask(path="/v1/responses/" + answer["id"]).status, 404)

    def test_the_vendors_own_bytes_and_ids_pass(self):
        first = self.create("gpt-r", "hi").json()
        body = (b'{"model":"gpt-r", "input":"on","previous_response_id":'
                b'"%s","new":[1.50] }' % first["id"].encode())
        answer = self.ask(body)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.upstream.last_body("gpt-r"), body)

    def test_a_stream_that_breaks_off_ends_with_one_failure(self):
        self.upstream.set_script("claude-x", {"chunks": 5,
                                              "reset_after_chunks": 2})
        events = self.create("claude-x", "Hi", stream=True).events()
        ends = [event["type"] for event in events if event["type"] in (
            "response.completed", "response.incomplete", "response.failed")]
        self.assertEqual(ends, ["response.failed"])
        self.assertEqual(events[-1]["type"], "response.failed")

    def test_an_answer_that_was_interrupted_is_not_remembered(self):
        self.upstream.set_script("claude-y", {"chunks": 5,
                                              "reset_after_chunks": 2})
        events = self.create("claude-y", "Hi", stream=True).events()
        self.assertEqual(self.ask(path="/v1/responses/" + events[0][
            "response"]["id"]).status, 404)


if __name__ == "__main__":
    unittest.main()

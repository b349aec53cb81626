"""The HTTP API of OpenAI's Responses, and what the gateway remembers."""

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


class ResponsesApiTest(gateway_case.GatewayCase):

    config = _CONFIG
    env = {**gateway_case.ENV, **_KEYS}

    def ask(self, body=None, path="/v1/responses", caller="ALICE_KEY",
            headers=None, **options):
        return ask(self.gateway.http, body, path=path, headers={
            "authorization": "Bearer " + _KEYS[caller], **(headers or {})},
            **options)

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
        self.assertEqual(refused.status, 404)
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

    def test_nobody_goes_on_from_what_was_forwarded_for_another(self):
        first = self.create("gpt-whose", "A secret").json()
        for body, path in (({}, "/v1/responses"),
                           ({"stream": True}, "/v1/responses"),
                           ({}, "/v1/responses/input_tokens")):
            # One that nobody knows may have been another's once.
            for known in (first["id"], "resp_0123456789"):
                with self.subTest(path=path, body=body, id=known):
                    refused = self.ask(
                        {"model": "gpt-thief", "input": "Repeat all.",
                         "previous_response_id": known, **body}, path=path,
                        caller="BOB_KEY")
                    self.assertEqual(refused.status, 404, refused.body)
                    self.assertEqual(refused.error()["code"],
                                     "previous_response_not_found")
        self.assertEqual(self.upstream.stat("gpt-thief", "requests"), 0)
        self.create("gpt-whose", "On.", previous_response_id=first["id"])

    def test_nothing_stored_is_named_whose_owner_is_not_known(self):
        for param, body in (
                ("conversation", {"conversation": "conv_1", "input": "x"}),
                ("conversation", {"conversation": {"id": "conv_1"}}),
                ("input[1]", {"input": [
                    {"role": "user", "content": "x"},
                    {"type": "item_reference", "id": "msg_1"}]}),
                ("input[0]", {"input": [{"id": "msg_1"}]})):
            for path in ("/v1/responses", "/v1/responses/input_tokens"):
                with self.subTest(path=path, body=body):
                    refused = self.ask({"model": "gpt-stored", **body},
                                       path=path)
                    self.assertEqual(refused.status, 400, refused.body)
                    self.assertEqual(refused.error()["param"], param)
        self.assertEqual(self.upstream.stat("gpt-stored", "requests"), 0)

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

    def test_what_was_forwarded_is_read_and_deleted_where_it_lives(self):
        answer = self.create("gpt-kept", "Hello").json()
        path = "/v1/responses/" + answer["id"]
        # Whose it is the gateway knows; to the provider all are one.
        for method in ("GET", "DELETE"):
            self.assertEqual(self.ask(path=path, method=method,
                                      caller="BOB_KEY").status, 404)
        self.assertEqual(self.ask(path=path + "/cancel", method="POST",
                                  caller="BOB_KEY").status, 404)
        self.assertEqual(self.ask(path=path).json(), answer)
        self.assertEqual(
            self.ask(path=path + "/input_items?limit=3").json()["query"],
            "limit=3")
        self.assertTrue(self.ask(path=path, method="DELETE").json()["deleted"])
        self.assertEqual(self.ask(path=path).status, 404)

    def test_a_page_is_not_what_was_asked_for(self):
        """Nor nothing at all: what was to be deleted is still known."""
        path = "/v1/responses/" + self.create("gpt-page", "Hi").json()["id"]
        for body in ("<html>", "", "[1]", '{"id":'):
            for method, operation in (("GET", ""), ("GET", "/input_items"),
                                      ("POST", "/cancel"), ("DELETE", "")):
                self.upstream.set_script(path + operation, {"body": body})
                with self.subTest(body=body, method=method + operation):
                    answer = self.ask(path=path + operation, method=method)
                    self.assertEqual(answer.status, 502, answer.body)

    def test_an_id_is_no_step_in_a_path(self):
        for name, id_ in (("gpt-here", "."), ("gpt-up", "..")):
            self.upstream.set_script(name, {
                "content_type": "application/json", "body": json.dumps({
                    "id": id_, "object": "response", "created_at": 1,
                    "status": "completed", "model": "m", "output": []})})
            self.create(name, "Hi")
            before = self.upstream.stat("", "total.requests")
            for path in (id_, id_.replace(".", "%2e")):
                answer = self.ask(path="/v1/responses/" + path)
                self.assertEqual(answer.status, 404, answer.body)
            self.assertEqual(self.upstream.stat("", "total.requests"), before)

    def test_what_runs_in_the_background_is_asked_for_and_cancelled(self):
        answer = self.create("gpt-later", "Hello", background=True)
        path = "/v1/responses/" + answer.json()["id"]
        self.assertEqual(answer.json()["status"], "queued")
        self.assertEqual(self.ask(path=path).json()["status"], "queued")
        cancelled = self.ask(path=path + "/cancel", method="POST",
                             headers={"x-request-id": "cancel-1"})
        self.assertEqual(cancelled.json()["status"], "cancelled")
        entry = self.gateway.wait_for_access(request_id="cancel-1")
        self.assertEqual(entry["operation"], "POST /v1/responses/{id}/cancel")
        self.assertEqual(entry["path"], path + "/cancel")
        self.assertEqual(entry["provider"], "openai")

    def test_nobody_else_runs_anything_in_the_background(self):
        answer = self.ask({"model": "claude-bg", "input": "Hello",
                           "background": True})
        self.assertEqual(answer.status, 400, answer.body)
        self.assertEqual(answer.error()["param"], "background")
        self.assertEqual(self.upstream.stat("claude-bg", "requests"), 0)


class OwnAccountsTest(gateway_case.GatewayCase):
    """Callers with credentials of their own are told apart by the provider."""

    config = _CONFIG.replace(
        "  - name: openai\n",
        "  - name: openai\n    credential_passthrough: true\n", 1)
    env = {**gateway_case.ENV, **_KEYS}

    def test_ids_of_a_callers_own_account_pass(self):
        for own, status in (({"x-provider-authorization": "Bearer mine"}, 200),
                            ({}, 400)):
            answer = ask(self.gateway.http, {
                "model": "gpt-own", "input": "x", "conversation": "conv_1"},
                path="/v1/responses", headers={
                    "authorization": "Bearer " + _KEYS["ALICE_KEY"], **own})
            self.assertEqual(answer.status, status, answer.body)


class WithoutKeysTest(gateway_case.GatewayCase):
    """Where all callers are one, it is the provider that knows its ids."""

    def test_what_the_provider_has_stored_may_be_named(self):
        body = (b'{"model":"gpt-one", "conversation":"conv_1","input":['
                b'{"id":"msg_1","type":"item_reference"}] }')
        answer = ask(self.gateway.http, body, path="/v1/responses")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.upstream.last_body("gpt-one"), body)


class ManyCredentialsTest(gateway_case.GatewayCase):
    """Responses belong to the project whose key made them."""

    config = gateway_case.CONFIG.replace(
        "  - name: anthropic\n",
        '    credentials: [{{name: second, api_key: "env:SECOND_KEY"}}]\n'
        "  - name: anthropic\n", 1)
    env = {**gateway_case.ENV, "SECOND_KEY": "another-key-of-openai-1234"}

    def test_the_key_that_made_an_answer_asks_for_it(self):
        for _ in range(3):
            answer = ask(self.gateway.http, {"model": "gpt-k", "input": "x"},
                         path="/v1/responses").json()
            path = "/v1/responses/" + answer["id"]
            made_by = self.upstream.last("gpt-k")["headers"]
            for _ in range(2):
                self.assertEqual(ask(self.gateway.http, path=path).status, 200)
                asked_by = self.upstream.last(path)["headers"]
                self.assertEqual(key_of(asked_by), key_of(made_by))


class ReplayedTest(gateway_case.GatewayCase):
    """An answer that is told again lives where it was made."""

    config = ManyCredentialsTest.config + "idempotency: {{}}\n"
    env = ManyCredentialsTest.env

    def test_the_key_that_made_an_answer_asks_for_it_after_a_replay(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                model = "gpt-streamed" if stream else "gpt-whole"
                replays = [self.make(model, stream) for _ in range(2)]
                self.assertEqual(replays[0].body, replays[1].body)
                self.assertEqual(self.upstream.stat(model, "requests"), 1)
                made_by = self.upstream.last(model)["headers"]
                answer_id = (replays[0].events()[-1]["response"]["id"]
                             if stream else replays[0].json()["id"])
                path = "/v1/responses/" + answer_id
                for _ in range(4):
                    self.assertEqual(ask(self.gateway.http, path=path).status,
                                     200)
                    asked_by = self.upstream.last(path)["headers"]
                    self.assertEqual(key_of(asked_by), key_of(made_by))

    def make(self, model, stream):
        answer = ask(self.gateway.http,
                     {"model": model, "input": "x", "stream": stream},
                     path="/v1/responses",
                     headers={"idempotency-key": "k-" + model})
        self.assertEqual(answer.status, 200, answer.body)
        return answer


class CachedForAllTest(gateway_case.GatewayCase):
    """What others are told from the cache stays its maker's."""

    config = _CONFIG + """\
cache: {{ttl: 1h, scope: all, stored: true, streams: true}}
"""
    env = {**gateway_case.ENV, **_KEYS}

    def ask(self, body=None, path="/v1/responses", caller="ALICE_KEY",
            method=None):
        return ask(self.gateway.http, body, path=path, method=method, headers={
            "authorization": "Bearer " + _KEYS[caller]})

    def test_who_gets_it_from_the_cache_does_not_hold_it(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                body = {"model": "gpt-shared", "input": "x", "stream": stream}
                made, hit = (self.ask(body, caller=caller)
                             for caller in ("ALICE_KEY", "BOB_KEY"))
                self.assertIn("hit", hit.headers["x-llmgateway-cache"])
                self.assertEqual(hit.body, made.body)
                answer_id = (made.events()[-1]["response"]["id"] if stream
                             else made.json()["id"])
                path = "/v1/responses/" + answer_id
                for method in ("GET", "DELETE"):
                    self.assertEqual(self.ask(path=path, caller="BOB_KEY",
                                              method=method).status, 404)
                refused = self.ask(
                    {"model": "gpt-shared", "input": "y",
                     "previous_response_id": answer_id}, caller="BOB_KEY")
                self.assertEqual(refused.status, 404, refused.body)
                # To its maker it is told again, and stays its own.
                self.assertEqual(self.ask(body).body, made.body)
                self.assertEqual(self.ask(path=path).json()["id"], answer_id)


def _stored_chat(model):
    return {"model": model, "store": True,
            "messages": [{"role": "user", "content": "Hello"}]}


class KeptHereTest(gateway_case.GatewayCase):
    """The gateway keeps what a provider cannot."""

    config = gateway_case.CONFIG.replace(
        "    anthropic:\n",
        "    unsupported_parameters: refuse\n    anthropic:\n")

    def test_it_is_neither_told_as_left_out_nor_refused(self):
        answer = ask(self.gateway.http, _stored_chat("claude-x"))
        self.assertEqual(answer.status, 200, answer.body)
        self.assertNotIn("store", answer.headers.get("x-llmgateway-warnings",
                                                     ""))
        kept = ask(self.gateway.http,
                   path="/v1/responses/" + answer.json()["id"])
        self.assertEqual(kept.status, 200, kept.body)


class ForgetfulTest(gateway_case.GatewayCase):

    config = gateway_case.CONFIG + "response_store: {{entries_limit: 0}}\n"

    def test_what_nobody_keeps_is_told_as_left_out(self):
        answer = ask(self.gateway.http, _stored_chat("claude-x"))
        self.assertEqual(answer.status, 200, answer.body)
        self.assertIn("store: left out",
                      answer.headers["x-llmgateway-warnings"])

    def test_what_could_not_be_asked_for_is_not_begun(self):
        answer = ask(self.gateway.http, {"model": "gpt-x", "input": "Hello",
                                         "background": True},
                     path="/v1/responses")
        self.assertEqual(answer.status, 400, answer.body)
        self.assertIn("response_store.entries_limit",
                      answer.error()["message"])


class DefaultModelTest(gateway_case.GatewayCase):

    config = gateway_case.CONFIG.replace(
        "default_target: openai", "default_target: openai/gpt-default")

    def test_every_api_takes_requests_without_a_model(self):
        turns = [{"role": "user", "content": "Hello"}]
        for path, body in (
                ("/v1/chat/completions", {"messages": turns}),
                ("/v1/responses", {"input": "Hello"}),
                ("/v1/messages", {"messages": turns, "max_tokens": 9})):
            with self.subTest(path=path):
                answer = ask(self.gateway.http, body, path=path,
                             headers={"anthropic-version": "2023-06-01"})
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(answer.json()["model"], "gpt-default")
                sent = json.loads(self.upstream.last_body("gpt-default"))
                self.assertEqual(sent["model"], "gpt-default")

    def test_a_stream_says_which_model_it_got(self):
        answer = ask(self.gateway.http, {
            "messages": [{"role": "user", "content": "Hello"}],
            "max_tokens": 9, "stream": True}, path="/v1/messages",
            headers={"anthropic-version": "2023-06-01"})
        self.assertEqual(answer.events()[0]["message"]["model"], "gpt-default")


class NoDefaultModelTest(gateway_case.GatewayCase):

    def test_the_refusal_names_what_to_configure(self):
        answer = ask(self.gateway.http, {"input": "Hello"},
                     path="/v1/responses")
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.error()["param"], "model")
        self.assertIn("routing.default_target", answer.error()["message"])


def key_of(headers):
    """The credential among headers as they were written."""
    return [value for name, value in headers
            if name.lower() == "authorization"]


if __name__ == "__main__":
    unittest.main()

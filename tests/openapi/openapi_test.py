"""Holds every API, and what is sent upstream, to the vendors' own files."""

import json
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import ask
from tests.openapi import exchanges
from tests.openapi import wire_specs
from tests.testing import apis
from tests.testing import upstreams

_ANTHROPIC = {"anthropic-version": "2023-06-01", "x-api-key": "key"}


def setUpModule():  # pylint: disable=invalid-name
    """Reads the files once, for all; without them there is nothing to do."""
    global _SPECS  # pylint: disable=global-statement
    _SPECS = wire_specs.load()


class _ApiCase(gateway_case.GatewayCase):

    # Of apis.py; the file and the path in it; our path; what is asked.
    api = None
    spec = None
    path = None
    our_path = None
    requests = {}
    headers = {}
    model = "gpt-spec"  # Of the API's own vendor.
    config = upstreams.config()
    env = upstreams.ENV

    def setUp(self):
        super().setUp()
        self.upstream.reset()
        self.problems = {}

    def address(self, model):
        """The gateway, or the mock while it plays the API's own vendor."""
        if not apis.is_there(self.api):
            if model != self.model:
                self.skipTest("%s is not a api yet" % self.api)
            return self.upstream.address
        if upstreams.of(model) is None:
            self.skipTest("nobody serves %s yet" % model)
        return self.gateway.http

    def note(self, problems, when):
        """Keeps each problem once, and when it was met first."""
        for problem in problems:
            self.problems.setdefault(str(problem), when)

    def check(self):
        """Fails if there was a problem."""
        self.assertFalse(self.problems, "\n" + "\n".join(
            "%s (%s)" % one for one in sorted(self.problems.items())))

    def exchange(self, model, name, script, stream):
        """One request, and all that is said on both sides."""
        when = "%s, %s, answered with %s%s" % (
            model, name, script, ", streamed" if stream else "")
        self.upstream.set_script(model, exchanges.SCRIPTS[script])
        body = {"model": model, **self.requests[name]}
        if stream is not None:
            body["stream"] = stream
        self.note(_SPECS[self.spec].request(self.path, body),
                  when + ", our own request")
        answer = ask(self.address(model), body, path=self.our_path,
                     headers=self.headers)
        self.assertEqual(answer.status, 200, (when, answer.body))
        self.note(self.sent(model), when)
        if stream:
            for event in self.events(answer):
                self.note(_SPECS[self.spec].event(self.path, event), when)
        else:
            self.note(_SPECS[self.spec].reply(
                self.path, "post", answer.json()), when)

    def events(self, answer):
        return [event for event in answer.events() if event]

    def sent(self, model):
        """What is wrong with what the provider was asked."""
        upstream = upstreams.of(model)
        if upstream is None or upstream.spec is None:
            return []
        last = self.upstream.last(model)
        path = last["target"].split("?")[0]
        return _SPECS[upstream.spec].request(upstream.paths[path],
                                             json.loads(last["body"]))

    def every_exchange(self, model, streams=(False, True)):
        for stream in streams:
            for name in self.requests:
                self.exchange(model, name, "plain", stream)
            for script in exchanges.SCRIPTS:
                self.exchange(model, "plain", script, stream)
        self.check()

    def every_error(self, model, schema, statuses=(400, 404, 429, 500, 503)):
        """Of a whole answer, of a stream that does not begin, and of one
        that breaks off."""
        first = next(iter(self.requests.values()))
        for status in statuses:
            self.upstream.set_script(model, {"status": status})
            for stream in (False, True):
                answer = ask(self.address(model), {
                    "model": model, "stream": stream, **first},
                    path=self.our_path, headers=self.headers)
                self.assertGreaterEqual(answer.status, 400)
                self.note(_SPECS[self.spec].component(schema, answer.json()),
                          "status %d" % status)
        self.upstream.set_script(model, {"error_after_chunks": 2})
        answer = ask(self.address(model), {
            "model": model, "stream": True, **first}, path=self.our_path,
            headers=self.headers)
        self.broken_off(self.events(answer), schema)
        self.check()

    def broken_off(self, events, schema):
        """The last event is an error, all before it are what they are."""
        for event in events[:-1]:
            self.note(_SPECS[self.spec].event(self.path, event), "broken off")
        self.note(_SPECS[self.spec].component(schema, events[-1]),
                  "broken off")


class ChatTest(_ApiCase):
    """OpenAI's chats."""

    api = "openai_chat"
    spec = "openai"
    path = "/chat/completions"
    our_path = "/v1/chat/completions"
    requests = exchanges.CHAT

    def test_answers_of_openai(self):
        self.every_exchange("gpt-spec")

    def test_answers_of_anthropic(self):
        self.every_exchange("claude-spec")

    def test_answers_of_ollama(self):
        # Which takes images by value alone.
        self.requests = {name: body for name, body in self.requests.items()
                         if name != "image"}
        self.every_exchange("llama-spec")

    def test_answers_of_openrouter(self):
        self.every_exchange("router-spec")

    def test_answers_of_gemini(self):
        self.every_exchange("gemini-spec")

    def test_answers_of_azure(self):
        self.every_exchange("azure-spec")

    def test_answers_of_deepseek(self):
        # Which takes no images, and wants its own reasoning back with calls.
        self.requests = {name: body for name, body in self.requests.items()
                         if name not in ("image", "tools")}
        self.every_exchange("deepseek-spec")

    def test_errors(self):
        for model in ("gpt-spec", "claude-spec", "llama-spec", "gemini-spec"):
            self.every_error(model, "ErrorResponse")


class ResponsesTest(_ApiCase):
    """OpenAI's responses."""

    api = "openai_responses"
    spec = "openai"
    path = "/responses"
    our_path = "/v1/responses"
    requests = exchanges.RESPONSES

    def test_answers_of_openai(self):
        self.every_exchange("gpt-spec")

    def test_answers_of_anthropic(self):
        self.every_exchange("claude-spec")

    def test_answers_of_gemini(self):
        self.every_exchange("gemini-spec")

    def test_answers_of_ollama(self):
        self.every_exchange("llama-spec")

    def test_errors(self):
        self.every_error("gpt-spec", "ErrorResponse")

    def broken_off(self, events, schema):
        # The last says how the response stands; an `error` may be before it.
        for event in events:
            if event["type"] != "error":
                self.note(_SPECS[self.spec].event(self.path, event),
                          "broken off")
        self.assertEqual(events[-1]["type"], "response.failed")


class MessagesTest(_ApiCase):
    """Anthropic's messages."""

    api = "anthropic_messages"
    spec = "anthropic"
    path = "/v1/messages"
    our_path = "/v1/messages"
    requests = exchanges.MESSAGES
    headers = _ANTHROPIC
    model = "claude-spec"

    def test_answers_of_anthropic(self):
        self.every_exchange("claude-spec")

    def test_answers_of_openai(self):
        self.every_exchange("gpt-spec")

    def test_answers_of_gemini(self):
        self.every_exchange("gemini-spec")

    def test_answers_of_ollama(self):
        self.every_exchange("llama-spec")

    def events(self, answer):
        # The file does not know of pings.
        return [event for event in super().events(answer)
                if event["type"] != "ping"]

    def test_errors(self):
        self.every_error("claude-spec", "ErrorResponse")

    def test_tokens_are_counted(self):
        answer = ask(self.address("claude-spec"), {
            "model": "claude-spec", "messages": [
                {"role": "user", "content": "Hello"}]},
            path="/v1/messages/count_tokens", headers=self.headers)
        self.note(_SPECS["anthropic"].reply(
            "/v1/messages/count_tokens", "post", answer.json()), "counted")
        self.check()


class EmbeddingsTest(_ApiCase):
    """OpenAI's embeddings."""

    api = "openai_embeddings"
    spec = "openai"
    path = "/embeddings"
    our_path = "/v1/embeddings"
    requests = exchanges.EMBEDDINGS

    def test_answers(self):
        for name in self.requests:
            self.exchange("gpt-spec", name, "plain", None)
        self.check()


class ModelsTest(_ApiCase):
    """Both lists of models, and one of them."""

    api = "openai_models"

    def get(self, api, path, spec, spec_path, headers):
        self.api = api
        answer = ask(self.address("gpt-spec"), path=path, headers=headers)
        self.assertEqual(answer.status, 200, answer.body)
        self.note(_SPECS[spec].reply(spec_path, "get", answer.json()), path)
        self.check()

    def test_openais_list(self):
        self.get("openai_models", "/v1/models", "openai", "/models", {})

    def test_one_of_openais(self):
        self.get("openai_models", "/v1/models/gpt-mock", "openai",
                 "/models/{model}", {})

    def test_anthropics_list(self):
        self.get("anthropic_models", "/v1/models", "anthropic", "/v1/models",
                 _ANTHROPIC)

    def test_one_of_anthropics(self):
        self.get("anthropic_models", "/v1/models/claude-mock", "anthropic",
                 "/v1/models/{model_id}", _ANTHROPIC)


class OllamaTest(_ApiCase):
    """No API of ours: what the mock plays, as our provider will meet it."""

    api = "ollama_chat"
    spec = "ollama"
    path = "/api/chat"
    our_path = "/api/chat"
    requests = exchanges.OLLAMA_CHAT
    model = "llama-spec"

    def test_answers(self):
        self.every_exchange("llama-spec")

    def test_errors(self):
        self.every_error("llama-spec", "ErrorResponse")

    def events(self, answer):
        return [json.loads(line) for line in answer.body.splitlines()]

    def test_embeddings(self):
        body = {"model": "llama-spec", "input": ["a", "b"]}
        self.note(_SPECS["ollama"].request("/api/embed", body), "embed")
        answer = ask(self.upstream.address, body, path="/api/embed")
        self.note(_SPECS["ollama"].reply("/api/embed", "post",
                                         answer.json()), "embed")
        self.check()

    def test_models(self):
        answer = ask(self.upstream.address, path="/api/tags")
        self.note(_SPECS["ollama"].reply("/api/tags", "get", answer.json()),
                  "tags")
        self.check()


class OpenRouterTest(_ApiCase):
    """Likewise."""

    api = "openrouter_chat"
    spec = "openrouter"
    path = "/chat/completions"
    our_path = "/api/v1/chat/completions"
    requests = exchanges.CHAT
    model = "router-spec"

    def test_answers(self):
        self.every_exchange("router-spec")

    def test_errors(self):
        statuses = {400: "BadRequestResponse", 404: "NotFoundResponse",
                    429: "TooManyRequestsResponse",
                    503: "ServiceUnavailableResponse"}
        for status, schema in statuses.items():
            self.every_error("router-spec", schema, [status])

    def broken_off(self, events, schema):
        for event in events:
            self.note(_SPECS[self.spec].event(self.path, event), "broken off")


class _MannerCase(_ApiCase):
    """Whoever speaks OpenAI's format in a manner of his own. known_gaps.py has
    what is wrong with it by the name of the API."""

    spec = "openai"
    path = "/chat/completions"
    requests = {"plain": exchanges.CHAT["plain"]}

    def note(self, problems, when):
        super().note([problem for problem in problems
                      if not problem.known_of(self.api)], when)

    def events(self, answer):
        # The chunk of Azure's that tells what its filter thought has no id.
        return [event for event in super().events(answer)
                if event.get("id") != ""]


class AzureTest(_MannerCase):

    api = "azure_chat"
    our_path = "/openai/v1/chat/completions"
    headers = {"api-key": "key"}
    model = "azure-spec"

    def test_answers(self):
        self.every_exchange("azure-spec")

    def test_errors(self):
        self.every_error("azure-spec", "ErrorResponse")


class DeepSeekTest(_MannerCase):

    api = "deepseek_chat"
    our_path = "/chat/completions"
    model = "deepseek-spec"

    def test_answers(self):
        self.every_exchange("deepseek-spec")

    def test_errors(self):
        self.every_error("deepseek-spec", "ErrorResponse")


if __name__ == "__main__":
    unittest.main()

"""Every provider behind every API.

One gateway with a provider of every kind; each cell of the table of APIs in
docs/providers.md is four tests or more, such as
`test_anthropic_api_gemini_tools`.
"""

import math
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import matrix_apis
from tests.integration import matrix_providers
from tests.integration import matrix_reply
from tests.integration.matrix_providers import TEXT, USAGE

_TOOL = matrix_reply.Tool("find", {
    "type": "object", "properties": {"q": {"type": "string"}},
    "required": ["q"]})
_RESULT = "It rains in Oslo."
_CALL = {"name": "find", "arguments": '{"q":"Oslo"}'}
_COUNTED = 321


class ApiMatrixTest(gateway_case.GatewayCase):

    calls_grpc = True
    env = matrix_providers.ENV

    @classmethod
    def setUpClass(cls):
        folder = cls.enter_class(
            tempfile.TemporaryDirectory(prefix="matrix"))
        cls.config = matrix_providers.config_template(folder)
        super().setUpClass()

    def api(self, kind):
        return kind(self.gateway.grpc if kind is matrix_apis.Grpc
                    else self.gateway.http, self.caller)

    def script(self, model, *steps):
        """How the model answers, if the mock upstream plays it."""
        self.upstream.set_script(model, list(steps))

    def sent(self, model):
        return self.upstream.last_body(model).decode()

    def test_the_page_has_every_api_and_provider(self):
        with open("docs/providers.md", encoding="utf-8") as file:
            page = file.read()
        rows = page[page.index("| API |"):].split("\n\n")[0].split("\n")
        cells = [[cell.strip(" `") for cell in row.strip("|").split("|")]
                 for row in rows]
        self.assertEqual(cells[0][1:], [
            provider.name for provider in matrix_providers.PROVIDERS])
        self.assertEqual([row[0].split("`")[1] for row in cells[2:]],
                         [kind.name for kind in matrix_apis.APIS])
        for row in cells[2:]:
            self.assertEqual(row[1:], [
                "all" if provider.calls_tools else "all but tools"
                for provider in matrix_providers.PROVIDERS])

    def assert_well(self, reply):
        self.assertIsNone(reply.refusal, reply.raw)

    def assert_usage(self, provider, reply):
        if provider.name == "local_cli":
            # It does not tell, so it is estimated.
            self.assertGreater(min(reply.usage), 0, reply.raw)
        else:
            self.assertEqual(reply.usage, USAGE, reply.raw)

    def assert_refused(self, reply, expected, retry_s=None):
        """Refused in the API's own words, and in words for people."""
        self.assertIsNotNone(reply.refusal, reply.raw)
        self.assertEqual(reply.refusal[:2], expected, reply.raw)
        told_s = reply.refusal.retry_s
        # A second later less is left of it.
        self.assertEqual(told_s and math.ceil(told_s), retry_s, reply.raw)
        self.assertTrue(reply.refusal.message)
        self.assertEqual((reply.ends, reply.text), ([], ""), reply.raw)

    def check_text(self, kind, provider):
        """A whole answer: its text, its end and what it consumed."""
        api, model = self.api(kind), provider.model("text-" + kind.name)
        self.script(model, _answer())
        reply = api.ask(api.request(model, "Say it in Oslo."))
        self.assert_well(reply)
        self.assertEqual(reply.text, TEXT, reply.raw)
        self.assertEqual(reply.finish, kind.finishes[0])
        self.assertEqual(reply.calls, [])
        self.assert_usage(provider, reply)
        if provider.is_upstream:
            self.assertIn("Say it in Oslo.", self.sent(model))

    def check_stream(self, kind, provider):
        """A stream: the text in pieces, one end, and what it consumed."""
        api, model = self.api(kind), provider.model("stream-" + kind.name)
        self.script(model, _answer())
        reply = api.stream(api.request(model, "Hello"))
        self.assert_well(reply)
        self.assertEqual(reply.text, TEXT, reply.raw)
        self.assertEqual(reply.pieces, 4, reply.raw)
        self.assertEqual(reply.ends, [kind.end], reply.raw)
        self.assertEqual(reply.finish, kind.finishes[0])
        self.assert_usage(provider, reply)

    def check_tools(self, kind, provider):
        """A call of a tool, whole and streamed, and its result goes in."""
        api, model = self.api(kind), provider.model("tools-" + kind.name)
        self.script(model, {**_answer(), "text": "", "tool_calls": [_CALL],
                            "times": 2}, _answer())
        request = api.request(model, "Hello", tool=_TOOL,
                               must=provider.name == "mock")
        if not provider.calls_tools:
            for reply in (api.ask(request), api.stream(request)):
                self.assert_refused(reply, kind.incapable)
                self.assertIn("tools", reply.refusal.message)
            return
        streamed = api.stream(request)
        self.assert_called(kind, provider, streamed)
        self.assertEqual(streamed.ends, [kind.end], streamed.raw)
        called = api.ask(request)
        self.assert_called(kind, provider, called)
        reply = api.ask(api.go_on(request, called, _RESULT))
        self.assert_well(reply)
        self.assertEqual(reply.text, TEXT, reply.raw)
        if provider.is_upstream:
            for part in (_RESULT, "find", "Hello"):
                self.assertIn(part, self.sent(model))

    def assert_called(self, kind, provider, reply):
        self.assert_well(reply)
        call, = reply.calls
        self.assertEqual(call.name, "find", reply.raw)
        if provider.is_upstream:
            self.assertEqual(call.arguments, {"q": "Oslo"}, reply.raw)
        if kind is not matrix_apis.Gemini:
            self.assertTrue(call.id, reply.raw)
        self.assertEqual(reply.finish, kind.finishes[1], reply.raw)

    def check_error(self, kind, provider):
        """Too many requests, one that it does not like, a broken stream."""
        api = self.api(kind)
        limited = provider.model("limited-" + kind.name)
        invalid = provider.model("invalid-" + kind.name)
        self.script(limited, {"status": 429, "retry_after": "7"})
        self.script(invalid, {"status": 400})
        for ask in (api.ask, api.stream):
            self.assert_refused(
                ask(api.request(limited, "Hello")), kind.limited,
                # What tells no time rests for a while, and that is told.
                {"mock": 1, "local_cli": 5}.get(provider.name, 7))
            if provider.name == "local_cli":
                self.assert_refused(ask(api.request(invalid, "Hello")),
                                    kind.broken)
            else:
                told = kind.invalid
                code = getattr(kind, "own_codes", {}).get(provider.name)
                if code:
                    told = (told[0], (told[1][0], code))
                self.assert_refused(ask(api.request(invalid, "Hello")), told)
        self.check_broken(kind, provider)

    def check_broken(self, kind, provider):
        """A stream that breaks off ends once, and not well."""
        api, model = self.api(kind), provider.model("broken-" + kind.name)
        self.script(model, {**_answer(), "reset_after_chunks": 2})
        reply = api.stream(api.request(model, "Hello"))
        self.assertTrue(TEXT.startswith(reply.text), reply.raw)
        self.assertEqual(reply.pieces, 2, reply.raw)
        self.assertEqual(reply.ends, [kind.broken_end], reply.raw)
        if kind is matrix_apis.Grpc:
            self.assertEqual(reply.refusal[:2],
                             ("UNAVAILABLE", "STREAM_INTERRUPTED"))

    def check_count_tokens(self, kind, provider):
        """The provider's own count, or else an estimate."""
        api, model = self.api(kind), provider.model("count-" + kind.name)
        self.script(model, {"usage": {"prompt_tokens": _COUNTED}})
        reply = api.count(api.request(model, "a " * 400))
        self.assert_well(reply)
        if provider.counts:
            self.assertEqual(reply.count,
                             _COUNTED if provider.is_upstream else USAGE[0])
        else:
            # A quarter of the characters and a little more.
            self.assertIn(reply.count, range(200, 220))
            self.assertEqual(self.upstream.stat(model, "requests"), 0)
        if kind is matrix_apis.Grpc:
            self.assertEqual(reply.source, "SOURCE_PROVIDER" if provider.counts
                             else "SOURCE_ESTIMATE")

    def check_embeddings(self, kind, provider):
        """Vectors, or the clear word that it makes none."""
        api, model = self.api(kind), provider.model("embed-" + kind.name)
        self.script(model, {"dimensions": 3, "usage": {
            "prompt_tokens": USAGE[0]}})
        reply = api.embed(model, ["one", "two"])
        if not provider.embeds:
            self.assert_refused(reply, kind.unserved)
            return
        self.assert_well(reply)
        self.assertEqual([len(each) for each in reply.vectors], [3, 3])
        self.assertNotEqual(reply.vectors[0], reply.vectors[1])
        if provider.is_upstream:
            for text in ("one", "two"):
                self.assertIn(text, self.sent(model))


def _answer():
    return {"text": TEXT, "usage": {"prompt_tokens": USAGE[0],
                                    "completion_tokens": USAGE[1]}}


def _add(cell, kind, provider):
    check = getattr(ApiMatrixTest, "check_" + cell)

    def test(self):
        check(self, kind, provider)

    test.__name__ = "test_%s_api_%s_%s" % (kind.name, provider.name, cell)
    test.__doc__ = check.__doc__
    setattr(ApiMatrixTest, test.__name__, test)


def _add_all():
    for kind in matrix_apis.APIS:
        cells = ["text", "tools", "stream", "error"]
        cells += [cell for cell, method in (("count_tokens", "count"),
                                            ("embeddings", "embed"))
                  if hasattr(kind, method)]
        for provider in matrix_providers.PROVIDERS:
            for cell in cells:
                _add(cell, kind, provider)


_add_all()


if __name__ == "__main__":
    unittest.main()

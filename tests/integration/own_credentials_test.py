"""Callers with a credential of their own for the provider: in the header for
it or, where the gateway asks for no key, in the vendor's own."""

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat

_OAUTH = "sk-ant-oat01-token-of-a-coding-client"
_KEY = "sk-key-of-a-callers-own-0123456789"
_GATEWAY_KEY = "key-of-the-gateway-0123456789"
_MESSAGES = {"model": "claude-own", "max_tokens": 9,
             "messages": [{"role": "user", "content": "hi"}]}


def _passing_through(config):
    for name in ("openai", "anthropic"):
        config = config.replace(
            "  - name: %s\n" % name,
            "  - name: %s\n    credential_passthrough: true\n" % name)
    return config


class _OwnCredentialsCase(gateway_case.GatewayCase):

    config = _passing_through(gateway_case.CONFIG)
    calls_grpc = True

    def shown_by(self, model, body=None, path="/v1/chat/completions",
                 **headers):
        answer = ask(self.gateway.http, body or chat(model), path=path,
                     headers={name.replace("_", "-"): value
                              for name, value in headers.items()})
        self.assertEqual(answer.status, 200, answer.body)
        shown = {name.lower(): value for name, value
                 in dict(self.upstream.last(model)["headers"]).items()}
        return shown.get("authorization"), shown.get("x-api-key")

    def assert_nothing_is_written_down(self, *secrets):
        self.gateway.stop()
        for secret in secrets:
            self.assertNotIn(secret, self.gateway.output)
            self.assertNotIn(secret, self.gateway.access_text)


class WithoutKeysTest(_OwnCredentialsCase):

    def test_the_vendors_own_header_goes_to_the_provider(self):
        messages = {"model": "claude-own", "body": _MESSAGES,
                    "path": "/v1/messages"}
        self.assertEqual(
            self.shown_by(**messages, authorization="Bearer " + _OAUTH),
            ("Bearer " + _OAUTH, None))
        self.assertEqual(self.shown_by(**messages, x_api_key=_KEY),
                         (None, _KEY))
        self.assertEqual(
            self.shown_by("gpt-own", authorization="Bearer " + _KEY),
            ("Bearer " + _KEY, None))
        self.assertEqual(self.shown_by("gpt-own", x_goog_api_key=_KEY),
                         ("Bearer " + _KEY, None))
        # What is said to be for the provider goes first.
        self.assertEqual(
            self.shown_by("gpt-own", authorization="Bearer other",
                          x_provider_authorization="Bearer " + _KEY),
            ("Bearer " + _KEY, None))
        # Who brings nothing is served with the gateway's.
        self.assertEqual(
            self.shown_by("gpt-own"),
            ("Bearer " + gateway_case.ENV["OPENAI_KEY"], None))
        made = self.caller.generate(
            self.gateway.grpc, prompt("gpt-own"),
            metadata=[["authorization", "Bearer of-grpc-0123456789"]])
        self.assertEqual(made.end["code"], "OK")
        shown = dict(self.upstream.last("gpt-own")["headers"])
        self.assertIn("Bearer of-grpc-0123456789", shown.values())
        self.assert_nothing_is_written_down(_OAUTH, _KEY, "of-grpc-012345")


class WithoutTheSwitchTest(_OwnCredentialsCase):

    config = gateway_case.CONFIG

    def test_it_stays_here(self):
        self.assertEqual(
            self.shown_by("gpt-own", authorization="Bearer " + _KEY),
            ("Bearer " + gateway_case.ENV["OPENAI_KEY"], None))


class WithKeysTest(_OwnCredentialsCase):

    config = _passing_through(gateway_case.CONFIG) + """\
auth: {{callers: {{api_keys: [{{id: a, key: "env:GATEWAY_KEY"}}]}}}}
"""
    env = {**gateway_case.ENV, "GATEWAY_KEY": _GATEWAY_KEY}

    def test_a_key_of_the_gateways_goes_nowhere(self):
        ours = "Bearer " + _GATEWAY_KEY
        self.assertEqual(
            self.shown_by("gpt-own", authorization=ours),
            ("Bearer " + gateway_case.ENV["OPENAI_KEY"], None))
        self.assertEqual(
            self.shown_by("gpt-own", authorization=ours,
                          x_provider_authorization=_KEY),
            ("Bearer " + _KEY, None))

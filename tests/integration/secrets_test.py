"""Keys show up nowhere but where they are needed."""

import base64
import json
import re
import tempfile
import unicodedata
import unittest
import urllib.parse

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration import ledger_case
from tests.integration.certificates import Authority
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

# One for each place where a secret can stand.
_OPENAI = "canary-openai-7f3a9c"
_ANTHROPIC = "canary-anthropic-51bd07"
_TEAM = "canary-caller-team-e4c2"
_OTHER = "canary-caller-other-90aa"
_OPS = "canary-operator-51c8"
# Shown by callers, and known to nobody.
_STRANGER = "canary-stranger-key-3d3d"
# What people ask is nobody else's business either.
_PROMPT = "canary-prompt-c0ffee"
_REPLY = "canary-reply-bada55"

# The mock leaves some answers unfinished.
_CONFIG = gateway_case.with_upstream(
    "http: {timeouts: {idle: 300ms}}") + """\
auth:
  callers:
    api_keys:
      - {{id: team, key: "env:TEAM"}}
      - {{id: other, key: "file:{folder}/other"}}
  operators: {{api_keys: [{{id: ops, key: "env:OPS"}}]}}
logging: {{level: trace}}
"""
_ADMIN = "/llmgateway.v1.AdminService/"
_METRICS = "/llmgateway.v1.MetricsService/"


def _forms(secret):
    """How a secret may look after a careless writer has had it."""
    whole = secret.encode()
    return (whole, base64.b64encode(whole).rstrip(b"="), whole.hex().encode(),
            urllib.parse.quote(secret).encode(), whole[:-4], whole[8:])


class SecretsTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="secrets")
        self.addCleanup(folder.cleanup)
        with open(folder.name + "/other", "w", encoding="utf-8") as file:
            file.write(_OTHER)
        authority = Authority(folder.name, "ours")
        leaf = authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")
        self.secrets = [_OPENAI, _ANTHROPIC, _TEAM, _OTHER, _OPS, _STRANGER]
        # The middle of a private key.
        self.secrets.append(leaf.key_pem().split("\n")[1][10:50])
        self.upstream = self.enter(MockUpstream())
        self.caller = self.enter(grpc_caller.GrpcCaller())
        self.gateway = GatewayProcess(
            "listeners:\n"
            '  grpc: {address: "127.0.0.1:0"}\n'
            '  http: {address: "127.0.0.1:0"}\n'
            '  admin: {address: "127.0.0.1:0"}\n'
            '  operations: {address: "127.0.0.1:0", tls: '
            '{cert_chain: "file:%s", private_key: "file:%s"}}\n' % (
                leaf.cert, leaf.key) +
            _CONFIG.format(upstream=self.upstream.address,
                           folder=folder.name),
            env={"OPENAI_KEY": _OPENAI, "ANTHROPIC_KEY": _ANTHROPIC,
                 "TEAM": _TEAM, "OPS": _OPS})
        self.addCleanup(self.gateway.kill)
        self.seen = []  # (where, bytes)

    def enter(self, context):
        entered = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return entered

    def see(self, where, what):
        if not isinstance(what, bytes):
            what = json.dumps(what).encode()
        self.seen.append((where, what))

    def ask_both(self, model, key, **fields):
        """Asks at both APIs, whole and streamed."""
        for stream in (False, True):
            answer = http_calls.ask(
                self.gateway.http, chat(model, _PROMPT, stream=stream),
                headers={"authorization": "Bearer " + key})
            self.see("http %s" % answer.status,
                     answer.body + repr(answer.headers).encode())
            ask = self.caller.stream_all if stream else self.caller.generate
            call = ask(self.gateway.grpc,
                       grpc_caller.prompt(model, _PROMPT, **fields),
                       metadata=[["authorization", "Bearer " + key]])
            self.see("grpc %s" % call.end["code"],
                     [call.events, call.response, call.end])

    def ask_operators(self):
        for method, request in (
                ("ListProviders", {}), ("GetProvider", {"name": "openai"}),
                ("GetProvider", {"name": "anthropic"}), ("GetHealth", {}),
                ("GetConfig", {}), ("ExplainRoute", {
                    "request": grpc_caller.prompt("gpt-ok")}),
                ("ValidateConfig", {"text": "providers: [{name: a, openai: "
                                            "{api_key: %s}}]" % _STRANGER})):
            self.ask_operator(_ADMIN + method, request)
        for method in ("GetMetrics", "Scrape"):
            self.ask_operator(_METRICS + method, {})

    def ask_operator(self, method, request):
        for key in (_OPS, _TEAM, _STRANGER):
            call = self.caller.call(
                self.gateway.admin, method, request,
                metadata=[["authorization", "Bearer " + key]])
            self.assertEqual(call.end["code"] == "OK", key == _OPS, call.end)
            self.see(method, [call.response, call.end])

    def watch(self):
        """Begins to look at calls as they end."""
        watcher = self.caller.start(
            self.gateway.admin, _METRICS + "WatchRequests", {}, stream=True,
            metadata=[["authorization", "Bearer " + _OPS]])
        self.addCleanup(watcher.cancel)
        return watcher

    def play_all(self):
        """Traffic that goes well, and that fails in every way with a key in
        the provider's own words."""
        for vendor, key in (("gpt-", _OPENAI), ("claude-", _ANTHROPIC)):
            for name, script in (
                    ("ok", {"text": _REPLY}),
                    ("401", {"status": 401, "error": {
                        "message": "Incorrect API key provided: " + key,
                        "code": "invalid_api_key"}}),
                    ("400", {"status": 400, "error": {
                        "message": "no " + key, "param": key, "type": key}}),
                    ("429", {"status": 429, "retry_after": "99",
                             "error": {"message": key}}),
                    ("cut", {"status": 400, "error": {
                        "message": "no %s..." % key[:-2]}}),
                    ("head", {"text": _REPLY, "headers": {
                        "x-request-id": "Bearer " + key,
                        "x-ratelimit-limit-requests": key}}),
                    ("500", {"status": 500, "body": "<p>%s</p>" % key,
                             "content_type": "text/html"}),
                    ("302", {"status": 302, "location": "/?key=" + key}),
                    ("garbage", {"garbage": "bad_header_line"}),
                    ("html", {"garbage": "html"}),
                    ("broken", {"text": _REPLY, "close_after_chunks": 1}),
                    ("reset", {"reset_before_first_byte": True}),
                    ("event", {"text": _REPLY, "error_after_chunks": 1,
                               "error": {"message": "key " + key}})):
                model = vendor + name
                self.upstream.set_script(model, script)
                self.ask_both(model, _TEAM)
        for key in (_OTHER, _STRANGER, "Bearer " + _STRANGER):
            self.ask_both("gpt-ok", key)
        for body in (b'{"model":"' + _STRANGER.encode(), b"{"):
            answer = http_calls.ask(self.gateway.http, body, headers={
                "x-api-key": _STRANGER, "cookie": _STRANGER})
            self.see("http malformed", answer.body)

    def test_no_secret_shows_anywhere(self):
        watcher = self.watch()
        self.play_all()
        # What came of the keys where they belong: each provider got its own.
        self.assertIn(_OPENAI, json.dumps(self.upstream.last("gpt-ok")))
        self.assertIn(_ANTHROPIC, json.dumps(self.upstream.last("claude-ok")))
        self.ask_operators()
        self.gateway.stop()
        watcher.wait()
        self.assertGreater(len(watcher.events), 10)
        self.see("WatchRequests", watcher.events)
        # Something would have been seen if there had been anything to see.
        self.assertTrue(any(_REPLY.encode() in what for _, what in self.seen))
        self.see("log", self.gateway.output.encode())
        self.see("access log", self.gateway.access_text.encode())
        self.assertGreater(len(self.gateway.access_lines()), 50)
        for where, what in self.seen:
            for secret in self.secrets:
                for form in _forms(secret):
                    self.assertNotIn(form, what, where)

    def test_prompts_and_answers_stay_out_of_logs(self):
        self.play_all()
        self.gateway.stop()
        for text in (self.gateway.output, self.gateway.access_text):
            self.assertNotIn(_PROMPT, text)
            self.assertNotIn(_REPLY, text)

    def test_a_provider_never_sees_the_callers_key(self):
        self.play_all()
        for vendor in ("gpt-", "claude-"):
            for name in ("ok", "401", "broken"):
                seen = json.dumps(self.upstream.last(vendor + name))
                for secret in (_TEAM, _OTHER, _STRANGER):
                    self.assertNotIn(secret, seen)
        self.gateway.stop()


class ModelNamesTest(unittest.TestCase):
    """A key that is shown as a model's name is in no record of the call."""

    def test_a_key_in_place_of_a_model_is_recorded_nowhere(self):
        state = tempfile.TemporaryDirectory(prefix="names")
        self.addCleanup(state.cleanup)
        keys = ["sk-canary-of-a-model-%s-0123456789" % name
                for name in ("served", "refused", "streamed", "gemini")]
        with MockUpstream() as upstream, \
                grpc_caller.GrpcCaller() as caller, \
                GatewayProcess(
                    gateway_case.CONFIG.format(upstream=upstream.address) +
                    "runtime: {state_dir: '%s'}\n"
                    "ledger: {}\naudit: {}\n"
                    "tracing: {sampling_ratio: 1}\n"
                    "budgets:\n  rules:\n"
                    "    - {name: each, unit: total_tokens, "
                    "limit: 1000000, per: [model]}\n"
                    "logging: {level: trace}\n" % state.name,
                    env=gateway_case.ENV) as gateway:
            served, refused, streamed, by_path = keys
            upstream.set_script(refused, {"status": 404, "error": {
                "message": "no model " + refused}})
            for body, path in (
                    (chat(served), http_calls.CHAT),
                    (chat(refused), http_calls.CHAT),
                    (chat(streamed, stream=True), http_calls.CHAT),
                    ({"contents": [{"role": "user",
                                    "parts": [{"text": "hi"}]}]},
                     "/v1beta/models/%s:generateContent" % by_path)):
                answer = http_calls.ask(gateway.http, body, path=path)
                self.assertEqual(answer.status,
                                 404 if body.get("model") == refused else 200,
                                 answer.body)
            call = caller.generate(gateway.grpc, grpc_caller.prompt(served))
            self.assertEqual(call.end["code"], "OK", call.end)
            # Providers are asked for what the caller has written.
            self.assertEqual(json.loads(upstream.last_body(served))["model"],
                             served)
            seen = {}
            for method in ("AdminService/ListTraces",
                           "AdminService/ListCircuits",
                           "AdminService/SearchAudit",
                           "MetricsService/GetMetrics"):
                asked = caller.call(gateway.admin,
                                    "/llmgateway.v1." + method, {})
                self.assertEqual(asked.end["code"], "OK", asked.end)
                seen[method] = json.dumps(asked.response)
            seen["metrics"] = http_calls.ask(
                gateway.operations, path="/metrics").body.decode()
            gateway.stop()
            seen["log"] = gateway.output
            seen["access log"] = gateway.access_text
        seen["ledger"] = json.dumps(
            ledger_case.read_ledger(state.name + "/ledger.db"))
        for where in seen:
            for key in keys:
                self.assertNotIn(key[:30], seen[where], where)
            self.assertIn("[redacted:keys]", seen[where], where)

    def test_a_key_in_place_of_a_node_is_in_no_trace(self):
        keys = ["sk-canary-of-a-node-0123456789",
                gateway_case.ENV["OPENAI_KEY"]]
        with MockUpstream() as upstream, \
                grpc_caller.GrpcCaller() as caller, \
                GatewayProcess(
                    gateway_case.CONFIG.format(upstream=upstream.address) +
                    "tracing: {sampling_ratio: 1}\n"
                    "logging: {level: trace}\n",
                    env=gateway_case.ENV) as gateway:
            seen = []
            for key in keys:
                answer = http_calls.ask(gateway.http, chat("gpt-x"),
                                        headers={"x-llmgateway-node": key})
                self.assertEqual(answer.status, 400, answer.body)
                gateway.wait_for_access(
                    request_id=answer.headers["x-request-id"])
                trace = answer.headers["x-trace-id"]
                for method, request in (
                        ("ListTraces", {}), ("GetTrace", {"trace_id": trace}),
                        ("GetTraceMetrics", {})):
                    asked = caller.call(
                        gateway.admin,
                        "/llmgateway.v1.AdminService/" + method, request)
                    self.assertEqual(asked.end["code"], "OK", asked.end)
                    seen.append(json.dumps(asked.response))
                    if method == "GetTrace":
                        self.assertIn("[redacted:", seen[-1])
            gateway.stop()
        for text in seen + [gateway.output, gateway.access_text]:
            for key in keys:
                self.assertNotIn(key, text)

    def test_a_key_is_seen_through_what_nobody_sees(self):
        state = tempfile.TemporaryDirectory(prefix="unseen")
        self.addCleanup(state.cleanup)
        key = "operator-key-of-the-canary-0123456789"
        # A space without width, a soft hyphen, marks of direction, a joiner, a
        # tag, an escape, a wide digit.
        hidden = ["operator" + unseen + "-key-of-the-canary-0123456789"
                  for unseen in ("\u200b", "\u00ad", "\u202e", "\u2066",
                                 "\u034f", "\U000e0041", "%E2%80%AE")]
        hidden.append(key[:-1] + "\uff19")
        with MockUpstream() as upstream, \
                grpc_caller.GrpcCaller() as caller, \
                GatewayProcess(
                    gateway_case.CONFIG.format(upstream=upstream.address) +
                    "runtime: {state_dir: '%s'}\n"
                    "ledger: {}\naudit: {}\n"
                    "tracing: {sampling_ratio: 1}\n"
                    "auth: {operators: {api_keys: "
                    "[{id: ops, key: 'env:OPS'}]}}\n" % state.name,
                    env={**gateway_case.ENV, "OPS": key}) as gateway:
            metadata = [["authorization", "Bearer " + key]]
            for model in hidden:
                http_calls.ask(gateway.http, chat(model))
                http_calls.ask(gateway.http, chat(model), path="/v1beta/" +
                               urllib.parse.quote("models/" + model, "/%"))
                caller.generate(gateway.grpc, grpc_caller.prompt(model))
            # What the log tells of a kind at once is one refusal.
            caller.call(gateway.grpc, "/llmgateway.v1.Gateway/" + key, raw="")
            seen = {}
            for method in ("AdminService/ListTraces",
                           "AdminService/SearchAudit",
                           "MetricsService/GetMetrics"):
                asked = caller.call(gateway.admin, "/llmgateway.v1." + method,
                                    {}, metadata=metadata)
                self.assertEqual(asked.end["code"], "OK", asked.end)
                seen[method] = json.dumps(asked.response, ensure_ascii=False)
            seen["metrics"] = http_calls.ask(
                gateway.operations, path="/metrics",
                headers={"authorization": "Bearer " + key}).body.decode()
            gateway.stop()
            seen["log"] = gateway.output
            seen["access log"] = gateway.access_text
        seen["ledger"] = json.dumps(
            ledger_case.read_ledger(state.name + "/ledger.db"),
            ensure_ascii=False)
        self.assertIn('"a call was refused"', seen["log"])
        for where, text in seen.items():
            shown = unicodedata.normalize("NFKC", urllib.parse.unquote(text))
            shown = "".join(each for each in shown
                            if unicodedata.category(each) not in ("Cf", "Mn"))
            self.assertNotIn(key, shown, where)
            self.assertIsNone(re.search("[\u202a-\u202e\u2066-\u2069]", text),
                              where)


if __name__ == "__main__":
    unittest.main()

"""The package's live tests: by a real gateway before the mock upstream, and by
a program `claude`; and the quick start of its README."""

import json
import os
import re
import unittest

from tests.clients.python import package
from tests.integration import certificates
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_LEAST = 10
_CALLER = "key-of-a-caller-0123456789"
_OPERATOR = "key-of-an-operator-0123456789"
_POLICIES = os.path.abspath("tests/service/config/policies")

_CONFIG = gateway_process.LISTENERS + """\
  admin_http: {address: "127.0.0.1:0"}
providers:
  - name: openrouter
    openai:
      base_url: "http://%(upstream)s/v1"
      api_key: "env:OPENAI_KEY"
routing:
  model_rules: [{prefix: "gpt-", targets: [openrouter]}]
  selection:
    files:
      - %(policies)s/model_policies.yaml
      - %(policies)s/node_requirements.yaml
prices:
  models:
    - {model: "google/*", input: "0.15", output: "0.6"}
    - {model: "anthropic/*", input: "3", output: "15"}
tracing: {}
auth:
  callers: {api_keys: [{id: team, key: "env:CALLER"}]}
  operators: {api_keys: [{id: on-call, key: "env:OPERATOR"}]}
"""

# What the live tests ask for, all of it: each takes what it knows.
_ANSWER = json.dumps({
    "value": 4,
    "cities": [{"name": "Paris", "country": "France"},
               {"name": "Oslo", "country": "Norway"}],
    "mood": "positive",
})
_CLAUDE = """\
#!/bin/sh
if [ -n "$CLAUDECODE" ]; then echo "nested session" >&2; exit 1; fi
cat <<'END'
%s
END
""" % json.dumps({"type": "result", "is_error": False, "result": _ANSWER})

_sources = package.sources()
_environment = package.Environment(
    "live", os.path.join(_sources, "integration_tests"))


def _run(name, env, *files):
    return _environment.suite(
        name, "--run-live", "-m", "live", *files,
        cwd=os.path.join(_sources, "integration_tests"), env=env)


def _by_gateway():
    with MockUpstream() as upstream:
        upstream.set_script("*", {"text": _ANSWER})
        config = _CONFIG % {"upstream": upstream.address,
                            "policies": _POLICIES}
        secrets = {"OPENAI_KEY": "key-of-openai-1234567890",
                   "CALLER": _CALLER, "OPERATOR": _OPERATOR}
        with GatewayProcess(config, env=secrets) as gateway:
            return _run("gateway", {
                "GATEWAY_URL": "http://" + gateway.http,
                "GATEWAY_KEY": _CALLER,
                "GATEWAY_ADMIN_URL": "http://" + gateway.admin_http,
                "GATEWAY_OPERATOR_KEY": _OPERATOR,
                "LLM_MODEL": "gpt-4o"})


def _by_program():
    folder = package.scratch("claude")
    program = os.path.join(folder, "claude")
    with open(program, "w", encoding="utf-8") as file:
        file.write(_CLAUDE)
    os.chmod(program, 0o755)
    path = folder + os.pathsep + _environment.variables["PATH"]
    return _run("local_claude", {"PATH": path}, "tests/test_live.py")


_gateway_suite = _by_gateway()
_claude_suite = _by_program()


def load_tests(loader, tests, pattern):
    tests.addTests(_gateway_suite)
    tests.addTests(_claude_suite)
    return tests


class SessionTest(unittest.TestCase):

    def live(self, suite):
        ran = [name for name in suite.passed if "test_live." in name]
        self.assertGreaterEqual(len(ran), _LEAST)

    def test_both_suites_are_whole(self):
        self.live(_gateway_suite)
        self.live(_claude_suite)

    def summary(self, suite):
        """What a session says at its end, by the words before the colon."""
        told = suite.output.partition("live session")[2]
        return dict(re.findall(r"^([A-Z][\w ]+): (.*)$", told, re.MULTILINE))

    def test_a_session_tells_what_it_took(self):
        told = self.summary(_gateway_suite)
        self.assertEqual(told["Claude CLI calls"], "0")
        self.assertGreaterEqual(int(told["Other calls"]), _LEAST)
        self.assertRegex(told["Tokens"], r"^[1-9]\d* in, [1-9]\d* out$")
        self.assertGreater(float(told["Cost"].lstrip("$")), 0)

    def test_a_session_of_the_program_is_free(self):
        told = self.summary(_claude_suite)
        self.assertGreaterEqual(int(told["Claude CLI calls"]), _LEAST)
        self.assertEqual(told["Other calls"], "0")
        self.assertRegex(told["Tokens"],
                         r"^[1-9]\d* in, [1-9]\d* out \(estimated\)$")
        self.assertEqual(told["Cost"], "$0.000000")


class ReadmeTest(unittest.TestCase):

    def config(self):
        """That of `make run`, on ports of the system's choice."""
        with open("deploy/config/quickstart.yaml", encoding="utf-8") as file:
            return re.sub(r'"127\.0\.0\.1:\d+"', '"127.0.0.1:0"', file.read())

    def paste(self, url, name, **options):
        """What the quick start prints, as it stands there but for the address,
        and for pip, which has no network."""
        with open("clients/python/README.md", encoding="utf-8") as file:
            script = re.search(r"^```sh\n(.*?)^```", file.read(),
                               re.MULTILINE | re.DOTALL).group(1)
        pasted = script.replace("http://127.0.0.1:8080", url)
        self.assertNotEqual(script, pasted)
        lines = [line for line in pasted.splitlines(keepends=True)
                 if not line.startswith(("python3 -m venv", "pip "))]
        self.assertEqual(len(lines), len(pasted.splitlines()) - 2)
        return _environment.run("bash", "-ec", "".join(lines),
                                cwd=package.scratch(name), **options)

    def test_the_quick_start(self):
        with GatewayProcess(self.config()) as gateway:
            printed = self.paste("http://" + gateway.http, "plain")
        self.assertIn("mock True\n30 tokens by mock-model\n", printed)

    def test_the_quick_start_by_tls_and_with_a_key(self):
        authority = certificates.Authority(package.scratch("tls"), "ours")
        leaf = authority.issue("localhost", "DNS:localhost")
        config = self.config().replace(
            '  http: {address: "127.0.0.1:0"',
            '  http: {address: "127.0.0.1:0", tls: {cert_chain: "file:%s", '
            'private_key: "file:%s"}' % (leaf.cert, leaf.key))
        config += 'auth: {callers: {api_keys: [{id: a, key: "env:KEY"}]}}\n'
        with GatewayProcess(config, env={"KEY": _CALLER}) as gateway:
            url = "https://" + gateway.http.replace("127.0.0.1", "localhost")
            trusted = {"GATEWAY_CA": authority.cert, "GATEWAY_KEY": _CALLER}
            printed = self.paste(url, "secret", env=trusted)
            self.assertIn("30 tokens by mock-model\n", printed)
            printed = self.paste(
                url, "secret", status=1, env={"LLM_MAX_RETRIES": "1"})
            self.assertIn("CERTIFICATE_VERIFY_FAILED", printed)
            printed = self.paste(url, "secret", status=1,
                                 env={**trusted, "GATEWAY_KEY": "sk-wrong"})
            self.assertIn("401 invalid_api_key", printed)
            self.assertNotIn("sk-wrong", printed)


if __name__ == "__main__":
    unittest.main()

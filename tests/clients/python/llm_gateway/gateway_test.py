"""LLMGateway in a process, by its new name and its old one."""

import inspect
import json
import os
import subprocess
import sys
import unittest

from tests.clients.python.llm_gateway import client_path, router_case
from tests.clients.python.llm_gateway.router_case import prompt_request
from tests.integration import ledger_case
from tests.integration.http_calls import ask, chat

import llm_gateway
from llm_gateway import gateway
from llm_gateway.gateway import (
    BudgetAllocation, BudgetConfig, BudgetScope, LedgerClient, LedgerEntry,
    LLMGateway, MockProvider, PromptRouter, RouteOutcome, TokenBudgeter)

_CTL = os.path.abspath("clients/cli/gatewayctl")
_CONFIG = {"default_provider": "mock", "default_model": "mock-model-1",
           "default_timeout_ms": 5000,
           "providers": {"mock": {"provider_class": "MockProvider"}}}
# What grpc would be is not to be found, nor what the vendors' SDKs are.
_WITHOUT_GRPC = """
import sys
sys.modules.update(dict.fromkeys(("grpc", "google", "anthropic", "openai")))
from llm_gateway import LLMGateway, LedgerClient, MockProvider, PromptRequest
gateway = LLMGateway(LedgerClient(sys.argv[1]))
gateway.register_provider("mock", MockProvider())
print(gateway.route(PromptRequest(*["x"] * 10, auth_token="t")).outcome.value)
try:
    LLMGateway.connect("127.0.0.1:1")
except ImportError as error:
    print(error)
"""


def _ctl(*arguments):
    return subprocess.run([_CTL, *arguments], capture_output=True, text=True,
                          check=False)


class LLMGatewayTest(router_case.RouterCase):

    def config(self, **members):
        return self.write("router_config.json",
                          json.dumps({**_CONFIG, **members}))

    def route(self, made, **fields):
        return made.route(prompt_request(**fields))

    def test_the_old_name_is_the_same_class(self):
        self.assertIs(PromptRouter, LLMGateway)
        self.assertIs(llm_gateway.PromptRouter, llm_gateway.LLMGateway)

    def test_all_names_are_the_packages(self):
        for name in gateway.__all__:
            self.assertIs(getattr(llm_gateway, name), getattr(gateway, name))
            self.assertIn(name, dir(llm_gateway))
        self.assertEqual(len(llm_gateway.__all__), 19)
        self.assertFalse(set(llm_gateway.__all__) & set(gateway.__all__))

    def test_a_file_configures_it(self):
        made = LLMGateway.from_config_file(self.config(), self.ledger)
        response = self.route(made)
        self.assertEqual((response.outcome, response.content),
                         (RouteOutcome.SUCCESS, "Mock response"))
        self.assertEqual(self.route(made, auth_token=None).error_code,
                         "AUTH_ERROR")

    def test_dev_mode_is_the_arguments_or_the_files(self):
        for path, dev_mode in (
                (self.config(), True),
                (self.config(dev_mode={"bypass_auth": True}), False)):
            made = LLMGateway.from_config_file(path, self.ledger,
                                               dev_mode=dev_mode)
            self.assertEqual(self.route(made, auth_token=None).outcome,
                             RouteOutcome.SUCCESS)

    def test_the_file_can_put_a_mock_in_place_of_the_provider(self):
        made = LLMGateway.from_config_file(
            self.config(default_provider="anthropic",
                        dev_mode={"use_mock_provider": True}), self.ledger)
        response = self.route(made)
        self.assertEqual((response.content, response.provider_id),
                         ("Mock response", "anthropic"))

    def test_the_file_can_let_budgets_be(self):
        budgeter = TokenBudgeter(self.ledger, BudgetConfig())
        budgeter.allocate(BudgetScope("SES-TEST0001"), BudgetAllocation(1))
        for dev_mode, outcome in (({}, RouteOutcome.REJECTED),
                                  ({"bypass_budget": True},
                                   RouteOutcome.SUCCESS)):
            made = LLMGateway.from_config_file(
                self.config(dev_mode=dev_mode), self.ledger, budgeter)
            self.assertEqual(self.route(made).outcome, outcome)

    def test_an_auth_provider_is_kept_and_not_asked(self):
        keeper = object()
        made = LLMGateway(self.ledger, None, None, keeper)
        self.assertIs(made.auth_provider, keeper)

    def test_it_is_constructed_as_the_router_was(self):
        self.assertEqual(
            list(inspect.signature(LLMGateway).parameters)[:5],
            ["ledger_client", "budgeter", "config", "auth_provider",
             "dev_mode"])

    def test_a_process_needs_no_grpc(self):
        done = subprocess.run(
            [sys.executable, "-c", _WITHOUT_GRPC, self.path("other.jsonl")],
            env={**os.environ, "PYTHONPATH": client_path.CLIENT_PATH},
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        outcome, told = done.stdout.splitlines()
        self.assertEqual(outcome, "SUCCESS")
        self.assertIn("pip install 'llm-gateway[grpc]'", told)


class LedgerOfBothTest(router_case.RouterCase):
    """The gateway's own program reads this ledger, and the reverse."""

    def fill(self):
        budgeter = TokenBudgeter(self.ledger, BudgetConfig())
        budgeter.allocate(BudgetScope("SES-TEST0001"),
                          BudgetAllocation(100000))
        made = LLMGateway(self.ledger, budgeter)
        made.register_provider(
            "mock", MockProvider(default_response='Größe "日本" \\ 😀'))
        made.route(prompt_request())
        made.route(prompt_request(prompt="e\u0301\x7f\u2028", temperature=.1))
        made.route(prompt_request(provider_id="nobody"))
        made.route(prompt_request(auth_token=None))

    def test_gatewayctl_verifies_what_was_written(self):
        self.fill()
        done = _ctl("ledger", "verify", self.ledger_path)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(str(self.ledger.count()), done.stdout)

    def test_gatewayctl_verifies_segments_as_one_chain(self):
        self.ledger = LedgerClient(self.ledger_path, rotate_bytes=1)
        self.fill()
        segments = [str(path) for path in self.ledger._segments()]
        self.assertGreater(len(segments), 3)
        done = _ctl("ledger", "verify", *segments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_gatewayctl_finds_what_was_changed(self):
        self.fill()
        with open(self.ledger_path, encoding="utf-8") as file:
            text = file.read()
        self.write("changed.jsonl", text.replace('"input_tokens": 100',
                                                 '"input_tokens": 10', 1))
        done = _ctl("ledger", "verify", self.path("changed.jsonl"))
        self.assertNotEqual(done.returncode, 0, done.stdout)

    def test_what_gatewayctl_imports_and_exports_is_verified_here(self):
        self.fill()
        imported = self.path("ledger.db")
        done = _ctl("ledger", "import", self.ledger_path, "--to", imported)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = _ctl("ledger", "export", "--file", imported)
        self.assertEqual(done.returncode, 0, done.stderr)
        exported = LedgerClient(self.write("exported.jsonl", done.stdout))
        self.assertEqual(exported.verify_chain(), (True, []))
        self.assertEqual(exported.read_all(), self.ledger.read_all())
        # And either goes on with it.
        exported.write(LedgerEntry("NOTE", "S", "D", "more"))
        done = _ctl("ledger", "verify", self.path("exported.jsonl"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class GatewaysLedgerTest(ledger_case.LedgerCase):
    """What a gateway has written is read here."""

    def test_its_export_is_verified_and_gone_on_with(self):
        gateway = self.start()
        for stream in (False, True):
            for text in ("Hello", 'Größe "日本" \\ 😀'):
                answer = ask(gateway.http, chat("gpt-x", text, stream=stream))
                self.assertEqual(answer.status, 200)
        self.upstream.set_script("gpt-x", {"status": 400})
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 400)
        gateway.stop()
        done = _ctl("ledger", "export", "--file", self.path)
        self.assertEqual(done.returncode, 0, done.stderr)
        exported = os.path.join(os.path.dirname(self.state), "all.jsonl")
        with open(exported, "w", encoding="utf-8") as file:
            file.write(done.stdout)
        ledger = LedgerClient(exported)
        self.assertEqual(ledger.verify_chain(), (True, []))
        self.assertEqual([vars(entry) for entry in ledger.read_all()],
                         self.entries())
        self.assertEqual(len(ledger.read_by_event_type("DISPATCH")), 5)
        ledger.write(LedgerEntry("NOTE", "S", "D", "more"))
        done = _ctl("ledger", "verify", exported)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()

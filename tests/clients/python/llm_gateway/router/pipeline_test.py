"""A prompt is logged, sent, logged and counted, in this order."""

import dataclasses
import hashlib
import json
import unittest
from unittest import mock

from tests.clients.python.llm_gateway import router_case
from tests.clients.python.llm_gateway.router_case import prompt_request

from llm_gateway.router.budgets import (
    BudgetAllocation, BudgetConfig, BudgetScope)
from llm_gateway.router.circuit_breaker import (
    CircuitBreakerConfig, CircuitState)
from llm_gateway.router.config_file import RouterConfig
from llm_gateway.router.messages import RouteOutcome
from llm_gateway.router.pipeline import RoutePipeline
from llm_gateway.router.provider import (
    MockProvider, ProviderError, ProviderResponse)
from llm_gateway.router.token_budgeter import TokenBudgeter

_IDENTITY = {"agent_id", "session_id", "work_order_id", "tier", "contract_id",
             "framework_id"}
_SCOPE = BudgetScope("SES-TEST0001", "WO-1")


class PipelineCase(router_case.RouterCase):

    def setUp(self):
        super().setUp()
        self.provider = MockProvider()
        self.slept = []
        self.make()

    def make(self, config=None, budgeter=None, **options):
        self.pipeline = RoutePipeline(self.ledger, budgeter, config,
                                      sleep=self.slept.append, **options)
        self.pipeline.register_provider("mock", self.provider)

    def play(self, provider):
        self.provider = provider
        self.pipeline.register_provider("mock", provider)

    def fail(self, code="SERVER_ERROR", retryable=True, after=0):
        self.play(MockProvider(fail_after=after, fail_with=ProviderError(
            "it broke", code, retryable)))

    def route(self, **fields):
        return self.pipeline.route(prompt_request(**fields))

    def assertRejected(self, response, code, message):
        """Refused with one entry, and nobody asked."""
        self.assertEqual(
            (response.outcome, response.error_code, response.error_message),
            (RouteOutcome.REJECTED, code, message))
        entry = self.ledger.read_recent(1)[0]
        self.assertEqual((entry.event_type, entry.decision, entry.reason),
                         ("PROMPT_REJECTED", "REJECTED",
                          "%s: %s" % (code, message)))
        self.assertEqual(entry.metadata, {
            "agent_id": "agent-1", "session_id": entry.metadata["session_id"],
            "contract_id": entry.submission_id, "error_code": code,
            "error_message": message})
        self.assertEqual((response.exchange_entry_id,
                          response.dispatch_entry_id), (entry.id, ""))


class SuccessTest(PipelineCase):

    def test_is_two_entries_of_which_one_names_the_other(self):
        response = self.route()
        self.assertEqual(self.kinds(), ["DISPATCH", "EXCHANGE"])
        dispatch, exchange = self.ledger.read_all()
        self.assertEqual(exchange.metadata["dispatch_entry_id"], dispatch.id)
        self.assertEqual((response.dispatch_entry_id,
                          response.exchange_entry_id),
                         (dispatch.id, exchange.id))
        self.assertEqual(self.ledger.verify_chain(), (True, []))

    def test_returns_what_the_provider_said(self):
        response = self.route()
        self.assertEqual(
            (response.outcome, response.content, response.input_tokens,
             response.output_tokens, response.model_id, response.provider_id,
             response.finish_reason, response.budget_remaining),
            (RouteOutcome.SUCCESS, "Mock response", 100, 50, "mock-model-1",
             "mock", "stop", None))
        self.assertEqual(response.context_hash,
                         hashlib.sha256(b"What is 2+2?").hexdigest())
        self.assertRegex(response.timestamp,
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$")
        self.assertGreater(response.latency_ms, 0)

    def test_a_dispatch_tells_who_asks_and_no_more(self):
        self.route()
        entry = self.entry("DISPATCH")
        self.assertEqual((entry.decision, entry.submission_id, entry.reason),
                         ("DISPATCHED", "PRC-TEST-1",
                          "Dispatching to mock/mock-model-1"))
        self.assertEqual(entry.metadata, {
            "contract_id": "PRC-TEST-1", "agent_id": "agent-1",
            "session_id": "SES-TEST0001"})

    def test_an_exchange_has_what_was_said(self):
        self.route()
        entry = self.entry("EXCHANGE")
        self.assertEqual((entry.decision, entry.reason),
                         ("SUCCESS", "Exchange completed"))
        self.assertEqual(set(entry.metadata), _IDENTITY | {
            "prompt", "response", "outcome", "input_tokens", "output_tokens",
            "context_hash", "dispatch_entry_id", "model_id", "finish_reason",
            "latency_ms"})
        self.assertEqual((entry.metadata["prompt"],
                          entry.metadata["response"],
                          entry.metadata["outcome"]),
                         ("What is 2+2?", "Mock response", "success"))

    def test_the_dispatch_is_written_before_anything_is_sent(self):
        kinds = self.kinds

        class Asking(MockProvider):
            def send(self, *arguments, **fields):
                self.seen = kinds()
                return super().send(*arguments, **fields)

        self.play(Asking())
        self.route()
        self.assertEqual(self.provider.seen, ["DISPATCH"])

    def test_what_the_ledger_does_not_take_is_not_sent(self):
        def refuse(_):
            raise OSError("no space left")

        self.ledger.write = refuse
        with self.assertRaisesRegex(OSError, "no space left"):
            self.route()
        self.assertEqual(self.provider.call_count, 0)

    def test_the_provider_is_asked_as_the_request_says(self):
        self.route(model_id="m", max_tokens=7, temperature=0.5,
                   structured_output={"type": "object"},
                   tools=[{"name": "f"}])
        self.assertEqual(self.provider.calls, [{
            "model_id": "m", "prompt": "What is 2+2?", "max_tokens": 7,
            "temperature": 0.5, "timeout_ms": 30000,
            "structured_output": {"type": "object"},
            "tools": [{"name": "f"}]}])
        self.assertEqual(self.entry("EXCHANGE").metadata["tools_offered"], 1)


class RejectionTest(PipelineCase):

    def tearDown(self):
        self.assertEqual(self.provider.call_count, 0)
        super().tearDown()

    def test_a_request_must_say_what_and_for_whom(self):
        for fields, message in (({"prompt": " \n"}, "Prompt is empty"),
                                ({"contract_id": ""},
                                 "contract_id is required"),
                                ({"session_id": ""},
                                 "session_id is required")):
            self.assertRejected(self.route(**fields), "INVALID_INPUT",
                                message)
        self.assertEqual(self.kinds(), ["PROMPT_REJECTED"] * 3)

    def test_a_prompt_that_no_ledger_takes_is_refused(self):
        self.assertRejected(self.route(prompt="a\ud800"), "INVALID_INPUT",
                            "prompt is not valid Unicode")

    def test_a_request_must_have_a_token(self):
        for token in (None, ""):
            self.assertRejected(self.route(auth_token=token), "AUTH_ERROR",
                                "Authentication required")

    def test_a_rejection_does_not_tell_the_prompt(self):
        self.route(auth_token=None, prompt="a secret")
        with open(self.ledger_path, encoding="utf-8") as file:
            self.assertNotIn("a secret", file.read())


class BudgetTest(PipelineCase):

    def allocate(self, tokens, **options):
        budgeter = TokenBudgeter(self.ledger, BudgetConfig(
            pricing={"mock-model-1": {"input_per_1k": 1, "output_per_1k": 2}}))
        budgeter.allocate(_SCOPE, BudgetAllocation(tokens))
        self.make(budgeter=budgeter, **options)
        return budgeter

    def test_what_is_over_it_is_refused(self):
        self.allocate(10)
        self.assertRejected(
            self.route(max_tokens=5000), "BUDGET_EXHAUSTED",
            "Budget check failed: BUDGET_EXHAUSTED")
        self.assertEqual(self.provider.call_count, 0)

    def test_the_reason_is_in_the_words(self):
        self.make(budgeter=TokenBudgeter(self.ledger, BudgetConfig()))
        self.assertRejected(self.route(), "BUDGET_EXHAUSTED",
                            "Budget check failed: NOT_ALLOCATED")

    def test_what_was_taken_is_debited_last(self):
        self.allocate(5000)
        response = self.route()
        self.assertEqual(self.kinds(), ["BUDGET_ALLOCATE", "DISPATCH",
                                        "EXCHANGE", "BUDGET_DEBIT"])
        self.assertEqual((response.budget_remaining, response.cost_incurred),
                         (4850, 0.1 + 0.1))

    def test_a_failure_is_not_debited(self):
        budgeter = self.allocate(5000)
        self.fail()
        self.route()
        self.assertEqual(budgeter.get_status(_SCOPE).consumed_total, 0)

    def test_warn_sends_and_tells(self):
        self.allocate(10, budget_mode="warn")
        self.assertEqual(self.route().outcome, RouteOutcome.SUCCESS)
        self.assertEqual(self.kinds(), [
            "BUDGET_ALLOCATE", "BUDGET_WARNING", "DISPATCH", "EXCHANGE",
            "BUDGET_DEBIT"])
        entry = self.entry("BUDGET_WARNING")
        self.assertEqual((entry.decision, entry.metadata["remaining"],
                          entry.metadata["requested_tokens"],
                          entry.metadata["budget_mode"]),
                         ("WARNING", 10, 4096, "warn"))

    def test_off_checks_nothing_and_debits(self):
        budgeter = self.allocate(10, budget_mode="off")
        self.assertEqual(self.route().outcome, RouteOutcome.SUCCESS)
        self.assertEqual(budgeter.get_status(_SCOPE).consumed_total, 150)

    def test_what_is_no_mode_enforces(self):
        self.allocate(10, budget_mode="perhaps")
        self.assertEqual(self.route().outcome, RouteOutcome.REJECTED)


class FailureTest(PipelineCase):

    def test_is_an_error_with_its_exchange(self):
        self.fail()
        response = self.route()
        self.assertEqual(
            (response.outcome, response.error_code, response.error_message,
             response.input_tokens, response.content),
            (RouteOutcome.ERROR, "SERVER_ERROR",
             "ProviderError(SERVER_ERROR): it broke", 0, ""))
        self.assertEqual(self.kinds(), ["DISPATCH", "EXCHANGE"])
        entry = self.entry("EXCHANGE")
        self.assertEqual(set(entry.metadata), _IDENTITY | {
            "prompt", "response", "outcome", "error_code", "error_message",
            "context_hash", "dispatch_entry_id", "model_id", "latency_ms"})
        self.assertEqual((entry.decision, entry.metadata["outcome"],
                          entry.metadata["response"]), ("ERROR", "error", ""))
        self.assertEqual(response.exchange_entry_id, entry.id)

    def test_a_timeout_is_one_whoever_raises_it(self):
        for error in (ProviderError("late", "TIMEOUT"), TimeoutError("late")):
            self.play(MockProvider(fail_after=0, fail_with=error))
            response = self.route()
            self.assertEqual((response.outcome, response.error_code),
                             (RouteOutcome.TIMEOUT, "TIMEOUT"))
            self.assertEqual(
                self.ledger.read_recent(1)[0].metadata["outcome"], "timeout")

    def test_whatever_a_provider_raises_is_an_error(self):
        self.play(MockProvider(fail_after=0, fail_with=KeyError("oops")))
        response = self.route()
        self.assertEqual((response.outcome, response.error_code),
                         (RouteOutcome.ERROR, "PROVIDER_ERROR"))

    def test_what_is_no_answer_is_an_error_with_its_exchange(self):
        answer = ProviderResponse("Hi", "m", 1, 2, "r-1", "mock")
        budgeter = TokenBudgeter(self.ledger, BudgetConfig())
        budgeter.allocate(_SCOPE, BudgetAllocation(5000))
        for wrong, told in (
                (None, "it is None"), (b"Hi", "content is not a string"),
                (dataclasses.replace(answer, content=None),
                 "content is not a string"),
                (dataclasses.replace(answer, model=None), "model is not a string"),
                (dataclasses.replace(answer, input_tokens=None),
                 "input_tokens is None"),
                (dataclasses.replace(answer, input_tokens=-5), "input_tokens is -5"),
                (dataclasses.replace(answer, output_tokens=1.5),
                 "output_tokens is 1.5"),
                (dataclasses.replace(answer, output_tokens=True),
                 "output_tokens is True"),
                (dataclasses.replace(answer, finish_reason=7),
                 "finish_reason is not a string")):
            with self.subTest(told):
                self.make(budgeter=budgeter)
                self.play(mock.Mock(send=lambda wrong=wrong, **_: wrong))
                response = self.route()
                self.assertEqual(
                    (response.outcome, response.error_code,
                     response.error_message),
                    (RouteOutcome.ERROR, "PROVIDER_ERROR",
                     "ProviderError(PROVIDER_ERROR): Provider 'mock' gave no "
                     "valid answer: " + told))
                self.assertEqual(
                    [entry.event_type for entry in self.ledger.read_recent(2)],
                    ["EXCHANGE", "DISPATCH"])
        self.assertEqual(budgeter.get_status(_SCOPE).consumed_total, 0)

    def test_an_unknown_provider_is_an_error(self):
        response = self.route(provider_id="nobody")
        self.assertEqual(
            (response.outcome, response.error_code, response.error_message),
            (RouteOutcome.ERROR, "PROVIDER_NOT_FOUND",
             "Provider 'nobody' not registered"))
        self.assertEqual(self.kinds(), ["DISPATCH", "EXCHANGE"])


class BreakerTest(PipelineCase):

    def test_three_failures_open_it_and_the_fourth_is_not_sent(self):
        self.fail()
        for _ in range(3):
            self.route()
        self.assertRejected(self.route(), "CIRCUIT_OPEN",
                            "Circuit breaker is open")
        self.assertEqual(self.provider.call_count, 3)

    def test_unknown_providers_count_and_rejections_do_not(self):
        for _ in range(5):
            self.route(auth_token=None)
        self.assertIs(self.pipeline.circuit_breaker.state,
                      CircuitState.CLOSED)
        for _ in range(3):
            self.route(provider_id="nobody")
        self.assertIs(self.pipeline.circuit_breaker.state, CircuitState.OPEN)

    def test_it_closes_when_the_provider_has_recovered(self):
        self.make(RouterConfig(circuit_breaker=CircuitBreakerConfig(
            failure_threshold=2, recovery_timeout_ms=0)))
        self.fail()
        self.route()
        self.route()
        self.play(MockProvider())
        self.assertEqual(self.route().outcome, RouteOutcome.SUCCESS)
        self.assertIs(self.pipeline.circuit_breaker.state,
                      CircuitState.CLOSED)

    def test_a_ledger_that_fails_takes_no_probe(self):
        self.make(RouterConfig(circuit_breaker=CircuitBreakerConfig(
            failure_threshold=1, recovery_timeout_ms=0)))
        self.fail()
        self.route()
        write = self.ledger.write

        def refuse(_):
            raise OSError("full")

        self.ledger.write = refuse
        with self.assertRaises(OSError):
            self.route()
        self.ledger.write = write
        self.play(MockProvider())
        self.assertEqual(self.route().outcome, RouteOutcome.SUCCESS)


class RetryTest(PipelineCase):

    def config(self, **fields):
        self.make(RouterConfig(max_retries=2, retry_backoff_ms=100, **fields))

    def heal_after(self, failures, code="RATE_LIMITED"):
        class Healing(MockProvider):
            def send(self, *arguments, **fields):
                answer = super().send(*arguments, **fields)
                if self.call_count <= failures:
                    raise ProviderError("not yet", code)
                return answer

        self.play(Healing())

    def test_none_unless_configured(self):
        self.fail()
        self.route()
        self.assertEqual(self.provider.call_count, 1)

    def test_sends_again_after_a_wait_that_grows(self):
        self.config()
        self.heal_after(2)
        response = self.route()
        self.assertEqual((response.outcome, self.slept),
                         (RouteOutcome.SUCCESS, [0.1, 0.2]))
        self.assertEqual(self.kinds(), ["DISPATCH"] + ["EXCHANGE"] * 3)
        failed, again, done = self.ledger.read_by_event_type("EXCHANGE")
        self.assertEqual([entry.metadata["will_retry"]
                          for entry in (failed, again)], [True, True])
        self.assertEqual((done.metadata["retry_count"],
                          done.metadata["attempts_total"]), (2, 3))

    def test_a_multiplier_makes_it_grow_faster(self):
        self.config(retry_backoff_multiplier=3.0)
        self.heal_after(2)
        self.route()
        self.assertEqual(self.slept, [0.1, 0.3])

    def test_ends_with_the_last(self):
        self.config()
        self.fail()
        response = self.route()
        self.assertEqual((response.outcome, self.provider.call_count),
                         (RouteOutcome.ERROR, 3))
        last = self.ledger.read_recent(1)[0]
        self.assertEqual((last.id, last.metadata["will_retry"]),
                         (response.exchange_entry_id, False))

    def test_what_cannot_help_is_not_tried(self):
        self.config()
        for code in ("AUTH_ERROR", "INVALID_REQUEST"):
            self.make(self.pipeline.config)
            self.fail(code)
            self.route()
            self.assertEqual(self.provider.call_count, 1, code)

    def test_of_other_codes_the_provider_says(self):
        for retryable, calls in ((False, 1), (True, 3)):
            self.config()
            self.fail("OWN_CODE", retryable)
            self.route()
            self.assertEqual(self.provider.call_count, calls)


class RoutingTest(PipelineCase):

    def setUp(self):
        super().setUp()
        self.make(RouterConfig(
            default_provider="mock", domain_tag_routes={
                "code": "other",
                "prose": {"provider_id": "third", "model_id": "m3"}},
            providers={
                "made": {"provider_class": "MockProvider",
                         "config": {"text": "made"}},
                "absent": {"provider_class": "no.such.Class"}}))
        for name in ("other", "third"):
            self.pipeline.register_provider(
                name, MockProvider(default_response=name))

    def test_the_first_tag_that_has_a_route_counts(self):
        self.assertEqual(self.route(domain_tags=["?", "code", "prose"])
                         .content, "other")
        response = self.route(domain_tags=["prose"])
        self.assertEqual((response.content, response.model_id),
                         ("third", "m3"))

    def test_what_the_request_says_counts_more(self):
        response = self.route(domain_tags=["prose"], provider_id="mock")
        self.assertEqual((response.provider_id, response.model_id),
                         ("mock", "mock-model-1"))
        self.assertEqual(self.route(domain_tags=["prose"], model_id="mine")
                         .model_id, "mine")

    def test_a_configured_provider_is_made_when_asked(self):
        self.assertEqual(self.route(provider_id="made").content, "made")

    def test_one_that_cannot_be_made_is_told(self):
        response = self.route(provider_id="absent")
        self.assertEqual(response.error_code, "PROVIDER_NOT_FOUND")
        self.assertIn("providers.absent", response.error_message)


class OutputTest(PipelineCase):

    SCHEMA = {"type": "object", "required": ["answer", "why"]}

    def check(self, content, schema):
        self.play(MockProvider(default_response=content))
        response = self.route(output_schema=schema)
        self.assertEqual(response.outcome, RouteOutcome.SUCCESS)
        return response.output_valid, response.output_validation_errors

    def test_is_not_looked_at_without_a_schema(self):
        self.assertEqual(self.check("Hello", None), (None, []))

    def test_must_be_json(self):
        self.assertEqual(self.check("x" * 200, self.SCHEMA), (
            False, ["Response is not valid JSON: " + "x" * 100]))

    def test_must_have_what_is_required(self):
        self.assertEqual(self.check('{"why": 1}', self.SCHEMA), (
            False, ["Missing required field: answer"]))
        self.assertEqual(self.check('{"why": 1, "answer": 2}', self.SCHEMA),
                         (True, []))
        self.assertFalse(self.check("[]", self.SCHEMA)[0])
        self.assertEqual(self.check("[]", {"type": "array"}), (True, []))

    def test_the_parts_of_an_answer_are_passed_on(self):
        blocks = [{"type": "text", "text": "Hello"}]

        class WithBlocks:
            def send(self, **_):
                answer = ProviderResponse("Hello", "m", 1, 1, "r", "mock",
                                          finish_reason="tool_use")
                object.__setattr__(answer, "content_blocks", blocks)
                return answer

        self.play(WithBlocks())
        response = self.route(tools=[{"name": "f"}])
        self.assertEqual((response.content_blocks, response.finish_reason),
                         (tuple(blocks), "tool_use"))
        self.assertTrue(
            self.entry("EXCHANGE").metadata["tool_use_in_response"])
        json.dumps(self.entry("EXCHANGE").metadata)


if __name__ == "__main__":
    unittest.main()

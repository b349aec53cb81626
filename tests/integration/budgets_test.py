"""What callers may spend, over public ports: refusals and their details at
each API, streams and cancels, sessions, allocations, and gatewayctl as
docs/budgets.md has it."""

import json
import os
import re
import subprocess
import tempfile
import unittest

from tests.integration import grpc_caller
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.samples import await_sample
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import environment
from tests.testing.redis_process import RedisProcess

_ADMIN = "/llmgateway.v1.AdminService/"
_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
# A call takes 10 tokens in and 20 out, and each costs a thousandth of a dollar.
_CONFIG = """\
providers: [{name: mock, mock: {%s}}]
routing: {default_target: mock}
prices: {models: [{model: '*', kind: mock, input: '1000', output: '1000'}]}
%s
"""
_CALL_TOKENS = 30


def _subject(usage):
    return dict(usage.get("subject", {}))


class BudgetsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def start(self, budgets, mock="", more="", env=None):
        gateway = GatewayProcess(
            _CONFIG % (mock, "budgets: %s\n%s" % (budgets, more)), env=env)
        self.addCleanup(gateway.kill)
        return gateway

    def generate(self, gateway, stream=False, scope=None, **fields):
        call = grpc_caller.prompt("m", max_output_tokens=20, **fields)
        if scope:
            call["scope"] = scope
        if stream:
            return self.caller.stream_all(gateway.grpc, call)
        return self.caller.generate(gateway.grpc, call)

    def operate(self, gateway, method, **request):
        return self.caller.call(gateway.admin, _ADMIN + method, request)

    def spent(self, gateway, rule, **subject):
        usage = self.operate(gateway, "GetBudget", rule=rule,
                             subject=subject).response["usage"]
        self.assertEqual(usage.get("reserved", "0"), "0")
        return int(usage.get("spent", 0))

    def wait_for_spent(self, gateway, rule):
        """Awaits a call that nobody waits for any more."""
        while True:
            usage = self.operate(gateway, "GetBudget",
                                 rule=rule).response["usage"]
            if usage.get("reserved", "0") == "0":
                return int(usage.get("spent", 0))

    def test_a_call_takes_what_it_is_billed_however_it_is_made(self):
        gateway = self.start(
            "{rules: [{name: b, unit: total_tokens, limit: 10000}]}")
        self.assertEqual(self.generate(gateway).end["code"], "OK")
        self.assertEqual(self.spent(gateway, "b"), _CALL_TOKENS)
        self.assertEqual(self.generate(gateway, stream=True).end["code"], "OK")
        self.assertEqual(self.spent(gateway, "b"), 2 * _CALL_TOKENS)
        for stream in (False, True):
            answer = ask(gateway.http, chat("m", stream=stream))
            self.assertEqual(answer.status, 200)
        self.assertEqual(self.spent(gateway, "b"), 4 * _CALL_TOKENS)

    def test_an_answer_says_what_is_left(self):
        gateway = self.start(
            "{rules: [{name: t, unit: total_tokens, limit: 1000},"
            " {name: d, unit: cost, limit_usd: '1', period: day}]}")
        whole = self.generate(gateway)
        answer = whole.response
        self.assertEqual(answer["budget_remaining_tokens"], "970")
        self.assertEqual(answer["budget_remaining_usd_nanos"], "970000000")
        stream = self.generate(gateway, stream=True)
        end = stream.events[-1]["end"]
        self.assertEqual(end["budget_remaining_tokens"], "940")
        self.assertEqual(end["budget_remaining_usd_nanos"], "940000000")
        for call in (whole, stream):
            self.assertEqual(self.left_by_trailers(call), [None, None])

    def left_by_trailers(self, call):
        return [call.trailer("x-llmgateway-budget-remaining-" + unit)
                for unit in ("tokens", "usd")]

    def test_trailers_say_what_is_left_where_no_answer_does(self):
        gateway = self.start(
            "{rules: [{name: t, unit: total_tokens, limit: 1000},"
            " {name: d, unit: cost, limit_usd: '1', period: day}]}",
            mock="fault: interrupted, fault_after_calls: 1,"
                 " fault_after_chunks: 2")
        vectors = self.caller.call(
            gateway.grpc, "/llmgateway.v1.GatewayService/Embed",
            {"model": "m", "inputs": [{"text": "Hello"}]})
        self.assertEqual(self.left_by_trailers(vectors), ["990", "0.99"])
        broken = self.generate(gateway, stream=True)
        end = broken.events[-1]["end"]
        tokens, dollars = self.left_by_trailers(broken)
        self.assertLess(int(tokens), 990)
        self.assertEqual(tokens, end["budget_remaining_tokens"])
        self.assertEqual(round(float(dollars) * 10 ** 9),
                         int(end["budget_remaining_usd_nanos"]))

    def test_a_call_that_does_not_fit_is_refused_with_what_is_left(self):
        gateway = self.start(
            "{rules: [{name: daily, unit: cost, limit_usd: '0.07',"
            " period: day, per: [user]}]}")
        ann = {"user_id": "ann"}
        for _ in range(2):
            self.assertEqual(self.generate(gateway, scope=ann).end["code"],
                             "OK")
        refused = self.generate(gateway, scope=ann).end
        self.assertEqual(refused["code"], "RESOURCE_EXHAUSTED")
        self.assertEqual(refused["reason"], "BUDGET_EXCEEDED")
        told = refused["metadata"]
        self.assertEqual(told["limit"], "daily")
        self.assertEqual(told["code"], "DAILY_BUDGET_EXCEEDED")
        self.assertEqual(told["remaining"], "10000000")
        self.assertRegex(told["reset_time"], r"^20\d\d-\d\d-\d\dT00:00:00Z$")
        self.assertGreater(refused["retry_s"], 0)
        # Others have theirs.
        self.assertEqual(
            self.generate(gateway, scope={"user_id": "bob"}).end["code"], "OK")

    def test_each_answer_that_is_asked_for_is_reserved(self):
        gateway = self.start(
            "{expected_output_tokens: 100, rules: [{name: b,"
            " unit: output_tokens, request_limit: 160}]}")
        gemini = "/v1beta/models/m:generateContent"
        contents = [{"role": "user", "parts": [{"text": "Hi"}]}]
        for path, body, requested in (
                (None, chat("m", n=8, max_tokens=20), None),
                (None, chat("m", n=9, max_tokens=20), 180),
                (None, chat("m", n=2), 200),
                (gemini, {"contents": contents, "generationConfig": {
                    "candidateCount": 8, "maxOutputTokens": 20}}, None),
                (gemini, {"contents": contents, "generationConfig": {
                    "candidateCount": 9, "maxOutputTokens": 20}}, 180)):
            with self.subTest(path=path, requested=requested):
                answer = ask(gateway.http, body,
                             path=path or "/v1/chat/completions")
                text = answer.body.decode()
                self.assertEqual(answer.status, 429 if requested else 200,
                                 text)
                if requested:
                    self.assertIn(str(requested), text)
        refused = self.generate(gateway, sampling={"choice_count": 9}).end
        self.assertEqual(refused["metadata"]["code"],
                         "REQUEST_BUDGET_EXCEEDED")
        self.assertEqual(refused["metadata"]["requested"], "180")

    def test_each_api_refuses_in_its_own_words(self):
        gateway = self.start(
            "{rules: [{name: b, unit: total_tokens, limit: 1}]}")
        for path, body, status in (
                ("/v1/chat/completions", chat("m"), 429),
                ("/v1/messages", {"model": "m", "max_tokens": 9, "messages": [
                    {"role": "user", "content": "Hi"}]}, 402),
                ("/v1beta/models/m:generateContent", {"contents": [
                    {"parts": [{"text": "Hi"}]}]}, 429)):
            with self.subTest(path=path):
                answer = ask(gateway.http, body, path=path)
                self.assertEqual(answer.status, status)
                self.assertIn("the budget b of 1 tokens", answer.body.decode())

    def test_sessions_have_their_budgets_within_each_other(self):
        gateway = self.start(
            "{sessions: {session_tokens: 1000, work_order_tokens: 120,"
            " work_order_turns: 3}}")
        scope = {"session_id": "SES-1", "work_order_id": "WO-1"}
        for _ in range(2):
            self.assertEqual(self.generate(gateway, scope=scope).end["code"],
                             "OK")
        self.assertEqual(self.spent(gateway, "session", session="SES-1"),
                         2 * _CALL_TOKENS)
        summary = self.operate(gateway, "GetSessionSummary",
                               session_id="SES-1").response
        self.assertEqual(summary["total_tokens"], "60")
        self.assertEqual(summary["cost_usd_nanos"], "60000000")
        self.assertEqual(summary["work_orders"][0]["work_order_id"], "WO-1")
        self.assertEqual(summary["work_orders"][0]["turns"], "2")
        self.assertEqual(self.generate(gateway, scope=scope).end["code"], "OK")
        refused = self.generate(gateway, scope=scope).end
        self.assertEqual(refused["metadata"]["code"], "TURN_LIMIT")
        self.assertEqual(refused["metadata"]["limit"], "work_order")
        # The vector of a scope that is nearly nothing.
        self.operate(gateway, "AllocateBudget", rule="session",
                     subject={"session": "SES-2"}, limit=10)
        small = self.generate(
            gateway, scope={"session_id": "SES-2"}).end
        self.assertEqual(small["metadata"]["code"], "BUDGET_EXHAUSTED")
        within = self.generate(gateway, scope={
            "session_id": "SES-2", "work_order_id": "W"}).end
        self.assertEqual(within["metadata"]["code"], "HIERARCHY_EXCEEDED")

    def test_a_period_a_request_and_a_subject_have_limits_of_their_own(self):
        gateway = self.start(
            "{rules: ["
            "{name: hourly, unit: cost, limit_usd: '0.04', period: hour,"
            " per: [user], overrides: [{subject: {user: bob},"
            " limit_usd: '0.1'}, {subject: {user: dan}, limit_usd: '9'}]},"
            " {name: monthly, unit: cost, limit_usd: '0.5', period: month},"
            " {name: one, unit: cost, limit_usd: '9',"
            " request_limit_usd: '0.05'}]}")

        def ask_as(user, **fields):
            end = self.generate(gateway, scope={"user_id": user},
                                **fields).end
            return end["code"], end.get("metadata", {}).get("code")

        self.assertEqual(ask_as("ann"), ("OK", None))
        self.assertEqual(ask_as("ann"),
                         ("RESOURCE_EXHAUSTED", "HOURLY_BUDGET_EXCEEDED"))
        for _ in range(3):
            self.assertEqual(ask_as("bob"), ("OK", None))
        self.assertEqual(ask_as("bob"),
                         ("RESOURCE_EXHAUSTED", "HOURLY_BUDGET_EXCEEDED"))
        self.assertEqual(self.spent(gateway, "monthly"),
                         4 * _CALL_TOKENS * 10**6)
        self.assertEqual(ask_as("dan", text="word " * 100),
                         ("RESOURCE_EXHAUSTED", "REQUEST_BUDGET_EXCEEDED"))

    def test_the_role_of_a_key_makes_its_budget_larger(self):
        keys = {"PLAIN": "key-of-plain-0123456789",
                "PREMIUM": "key-of-premium-0123456789"}
        gateway = self.start(
            "{role_multipliers: {premium: '3'}, rules: [{name: daily,"
            " unit: cost, limit_usd: '0.05', period: day, per: [caller]}]}",
            more="auth: {callers: {api_keys: [{id: plain, key: 'env:PLAIN'},"
            " {id: premium, key: 'env:PREMIUM', labels: {role: premium}}]}}\n",
            env=keys)
        served = {}
        for name, key in keys.items():
            answers = [ask(gateway.http, chat("m", max_tokens=20),
                           headers={"x-api-key": key}).status
                       for _ in range(5)]
            served[name] = answers
        self.assertEqual(served, {"PLAIN": [200, 429, 429, 429, 429],
                                  "PREMIUM": [200, 200, 200, 200, 429]})

    def test_what_nobody_has_allocated_is_refused_where_it_is_required(self):
        gateway = self.start("{sessions: {require_allocation: true}}")
        scope = {"session_id": "SES-1"}
        refused = self.generate(gateway, scope=scope).end
        self.assertEqual(refused["metadata"]["code"], "NOT_ALLOCATED")
        self.operate(gateway, "AllocateBudget", rule="session",
                     subject={"session": "SES-1"}, limit=100)
        self.assertEqual(self.generate(gateway, scope=scope).end["code"], "OK")
        line = gateway.wait_for_log(
            msg="an operator has allocated a budget")
        self.assertEqual((line["budget"], line["scope"]),
                         ("session", "SES-1"))

    def test_warn_serves_and_says_so_once_in_the_log(self):
        gateway = self.start(
            "{mode: warn, rules: [{name: b, unit: total_tokens, limit: 50}]}")
        self.assertNotIn("warnings", self.generate(gateway).response)
        for _ in range(3):
            warnings = self.generate(gateway).response["warnings"]
            self.assertIn("the budget b of 50 tokens has",
                          warnings[0]["message"])
            self.assertEqual(warnings[0]["field"], "budgets.b")
        started = self.generate(gateway, stream=True).events[0]["started"]
        self.assertEqual(started["warnings"][0]["field"], "budgets.b")
        self.assertEqual(len(gateway.log_lines(module="budgets")), 1)
        metrics = ask(gateway.operations, path="/metrics",
                      method="GET").body.decode()
        self.assertIn('llmgw_budget_refusals_total{budget="b",mode="warn"} 4',
                      metrics)
        self.assertIn('llmgw_budget_refusals_total{budget="b",mode="enforce"} 0',
                      metrics)

    def ask_each_api(self, gateway, stream=False, headers=None):
        """(path, answer) of a call by each API that vendors have."""
        method = "streamGenerateContent?alt=sse" if stream else (
            "generateContent")
        for path, body in (
                ("/v1/chat/completions", chat("m", stream=stream,
                                              max_tokens=20)),
                ("/v1/responses", {"model": "m", "input": "Hi",
                                   "stream": stream,
                                   "max_output_tokens": 20}),
                ("/v1/messages", {"model": "m", "max_tokens": 20,
                                  "stream": stream, "messages": [
                                      {"role": "user", "content": "Hi"}]}),
                ("/v1beta/models/m:" + method, {"contents": [
                    {"parts": [{"text": "Hi"}]}],
                    "generationConfig": {"maxOutputTokens": 20}})):
            answer = ask(gateway.http, body, path=path, headers=headers)
            self.assertEqual(answer.status, 200, answer.body)
            yield path, answer

    def test_each_api_says_what_is_left_and_warns(self):
        gateway = self.start(
            "{rules: [{name: t, unit: total_tokens, limit: 1000},"
            " {name: d, unit: cost, limit_usd: '1', period: day},"
            " {name: w, unit: total_tokens, limit: 1, mode: warn}]}")
        left = 1000
        for path, answer in self.ask_each_api(gateway):
            with self.subTest(path=path):
                self.assertRegex(answer.headers["x-llmgateway-warnings"],
                                 "^budgets.w: .* is served all the same")
                now = int(
                    answer.headers["x-llmgateway-budget-remaining-tokens"])
                self.assertLess(now, left)
                self.assertEqual(
                    float(answer.headers["x-llmgateway-budget-remaining-usd"]),
                    now / 1000)
                left = now

    def test_each_apis_stream_warns_and_says_in_its_details_what_is_left(self):
        gateway = self.start(
            "{rules: [{name: t, unit: total_tokens, limit: 1000},"
            " {name: w, unit: total_tokens, limit: 1, mode: warn}]}")
        for path, answer in self.ask_each_api(
                gateway, stream=True,
                headers={"x-llmgateway-details": "true"}):
            with self.subTest(path=path):
                self.assertRegex(answer.headers["x-llmgateway-warnings"],
                                 "^budgets.w: .* is served all the same")
                text = answer.body.decode()
                self.assertRegex(text, r'"budget_remaining_tokens":\d+')
                self.assertRegex(text, r'"warnings":\["budgets.w: [^]]* is '
                                 'served all the same')

    def test_without_a_budget_nothing_is_said_of_one(self):
        gateway = self.start("{rules: [{name: t, unit: total_tokens,"
                             " limit: 1000, match: {models: [x]}}]}")
        for _, answer in self.ask_each_api(gateway):
            self.assertFalse([name for name in answer.headers
                              if "budget" in name or "warnings" in name])

    def test_off_counts_and_says_nothing(self):
        gateway = self.start(
            "{mode: 'off', rules: [{name: b, unit: total_tokens, limit: 1}]}")
        self.assertNotIn("warnings", self.generate(gateway).response)
        self.assertEqual(self.spent(gateway, "b"), _CALL_TOKENS)

    def test_a_stream_that_its_caller_leaves_is_charged_what_had_come(self):
        gateway = self.start(
            "{rules: [{name: b, unit: total_tokens, limit: 100000}]}",
            mock="chunk_count: 1000, chunk_interval: 20ms, reply: '%s'"
            % ("word " * 4000))
        call = self.caller.stream(
            gateway.grpc, grpc_caller.prompt("m", max_output_tokens=8000))
        for _ in range(30):
            self.assertIsNotNone(call.next_event())
        usage = self.operate(gateway, "GetBudget", rule="b").response["usage"]
        self.assertGreater(int(usage["reserved"]), 0)
        call.cancel()
        call.wait()
        spent = self.wait_for_spent(gateway, "b")
        self.assertGreater(spent, 0)
        self.assertLess(spent, 4000)

    def test_a_key_is_charged_to_the_budget_that_it_names(self):
        keys = {"TEAM": "key-of-the-team-0123456789",
                "ELSE": "key-of-another-0123456789"}
        gateway = self.start(
            "{rules: [{name: team, unit: total_tokens, limit: 60,"
            " keys_only: true}]}",
            more="auth:\n"
                 "  callers:\n"
                 "    api_keys:\n"
                 "    - {id: team, key: 'env:TEAM', budget: team}\n"
                 "    - {id: else, key: 'env:ELSE'}\n", env=keys)

        def status(who):
            return ask(gateway.http, chat("m", max_tokens=30), headers={
                "authorization": "Bearer " + keys[who]}).status
        self.assertEqual([status("TEAM"), status("TEAM"), status("ELSE"),
                          status("ELSE")], [200, 429, 200, 200])
        self.assertEqual(self.spent(gateway, "team"), _CALL_TOKENS)

    def test_another_configuration_goes_on_with_what_was_spent(self):
        rule = "{name: b, unit: total_tokens, limit: %d}"
        gateway = self.start("{rules: [%s]}" % (rule % 40))
        self.assertEqual(self.generate(gateway).end["code"], "OK")
        self.assertEqual(self.generate(gateway).end["code"],
                         "RESOURCE_EXHAUSTED")
        gateway.write_config(_CONFIG % (
            "", "budgets: {rules: [%s]}" % (rule % 80)))
        reloaded = self.operate(gateway, "ReloadConfig")
        self.assertEqual(reloaded.end["code"], "OK", reloaded.end)
        self.assertEqual(self.spent(gateway, "b"), _CALL_TOKENS)
        self.assertEqual(self.generate(gateway).end["code"], "OK")

    def test_what_costs_by_variable_is_a_budget(self):
        gateway = self.start("{}", env={"LLM_COST_LIMIT_USD": "0.05",
                                        "LLM_COST_WARN_USD": "0.02"})
        self.assertEqual(self.generate(gateway).end["code"], "OK")
        warned = self.generate(gateway)
        # 20 thousandths of a dollar are left, and the call may take 21.
        self.assertEqual(warned.end["code"], "RESOURCE_EXHAUSTED")
        self.assertEqual(warned.end["metadata"]["limit"],
                         "cost-limit")

    def test_a_kill_forgets_nothing_that_was_acknowledged(self):
        folder = tempfile.TemporaryDirectory(prefix="budgets")
        self.addCleanup(folder.cleanup)
        config = _CONFIG % ("", """\
budgets:
  sessions: {session_tokens: 1000, work_order_tokens: 500, agent_tokens: 90}
  rules: [{name: b, unit: cost, limit_usd: '1', period: month, per: [user]}]
ledger: {path: "%s/ledger.db"}
""" % folder.name)
        scope = {"user_id": "ann", "session_id": "SES-1",
                 "work_order_id": "WO-1", "agent_id": "agent-1"}
        subjects = (("session", {"session": "SES-1"}),
                    ("work_order", {"session": "SES-1",
                                    "work_order": "WO-1"}),
                    ("agent", {"session": "SES-1", "work_order": "WO-1",
                               "agent": "agent-1"}))
        first = GatewayProcess(config)
        self.addCleanup(first.kill)
        for stream in (False, True):
            self.assertEqual(
                self.generate(first, stream, scope=scope).end["code"], "OK")
        allocated = self.operate(first, "AllocateBudget", rule="session",
                                 subject={"session": "SES-1"}, limit=2000)
        self.assertRegex(allocated.response["ledger_entry_id"], "^LED-")
        first.kill()
        second = GatewayProcess(config)
        self.addCleanup(second.kill)
        for rule, subject in subjects:
            self.assertEqual(self.spent(second, rule, **subject),
                             2 * _CALL_TOKENS, rule)
        self.assertEqual(self.spent(second, "b", user="ann"), 60000000)
        usage = self.operate(second, "GetBudget", rule="session",
                             subject={"session": "SES-1"}).response["usage"]
        self.assertEqual(usage["limit"], "2000")
        self.assertEqual(self.generate(second, scope=scope).end["code"], "OK")
        self.assertEqual(
            self.generate(second, scope=scope).end["metadata"]["limit"],
            "agent")
        self.operate(second, "ResetBudget", rule="agent")
        second.kill()
        third = GatewayProcess(config)
        self.addCleanup(third.kill)
        self.assertEqual(self.spent(third, "agent", **subjects[2][1]), 0)
        self.assertEqual(self.spent(third, "session", session="SES-1"),
                         3 * _CALL_TOKENS)

    def test_the_page_does_what_it_says(self):
        with open("docs/budgets.md", encoding="utf-8") as file:
            page = file.read()
        examples = re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL)
        self.assertEqual([kind for kind, _ in examples],
                         ["yaml", "yaml", "sh"])
        config, shared = examples[0][1], examples[1][1]
        redis = RedisProcess()
        self.addCleanup(redis.close)
        self.assertIn("redis:6379", shared)
        sharing = GatewayProcess(
            _CONFIG % ("", shared.replace("redis:6379", redis.address)))
        self.addCleanup(sharing.kill)
        await_sample(sharing, "llmgw_budget_sharing_replicas", 1)
        sharing.stop()
        gateway = GatewayProcess(_CONFIG % ("", config))
        self.addCleanup(gateway.kill)
        self.assertEqual(self.generate(gateway, scope={
            "user_id": "ann", "session_id": "SES-1",
            "work_order_id": "WO-1"}).end["code"], "OK")
        section = page.split("\n## What operators do")[1]
        for line in re.search(r"```sh\n(.*?)```", section,
                              re.DOTALL)[1].splitlines():
            with self.subTest(line=line):
                words = line.split()
                self.assertEqual(words[:2], ["gatewayctl", "budgets"])
                made = subprocess.run(
                    [_GATEWAYCTL, *words[1:]], text=True, check=False,
                    capture_output=True, timeout=60,
                    env=environment({"GATEWAY_ADMIN": gateway.admin}))
                self.assertEqual(made.returncode, 0, made.stderr)
                self.assertTrue(made.stdout)

    def test_the_first_example_is_as_the_page_has_it(self):
        with open("docs/budgets.md", encoding="utf-8") as file:
            config = re.search(r"```yaml\n(.*?)```", file.read(),
                               re.DOTALL)[1]
        # A call takes 30 tokens, for 3 dollars.
        gateway = GatewayProcess(
            (_CONFIG % ("", config + """\
auth: {callers: {api_keys: [{id: plain, key: 'env:PLAIN'},
  {id: premium, key: 'env:PREMIUM', labels: {role: premium}}]}}
""")).replace("'1000'", "'100000'"), env={
    "PLAIN": "key-of-plain-0123456789",
    "PREMIUM": "key-of-premium-0123456789"})
        self.addCleanup(gateway.kill)

        def ask_as(key, user, tokens=20):
            return self.caller.generate(
                gateway.grpc,
                {**grpc_caller.prompt("m", max_output_tokens=tokens),
                 "scope": {"user_id": user}},
                metadata=[["x-api-key", "key-of-%s-0123456789" % key]])

        spent = {}

        def spend_all(key, user, dollars):
            """Until the next call's estimate does not fit."""
            while (end := ask_as(key, user).end)["code"] == "OK":
                spent[user] = spent.get(user, 0) + 3
            told = end["metadata"]
            self.assertEqual(told["limit"], "daily")
            self.assertEqual(int(told["remaining"]),
                             (dollars - spent[user]) * 10**9)
            self.assertGreater(int(told["requested"]), int(told["remaining"]))
        # Whom the call names, whatever its key is.
        spend_all("plain", "ann", 50)
        spend_all("plain", "bob", 50)
        # What ann has left by a key of that role.
        spend_all("premium", "ann", 250)
        # By its estimate only.
        refused = ask_as("premium", "dan", tokens=50).end
        self.assertEqual(refused["metadata"]["limit"], "request")
        spend_all("premium", "dan", 250)
        self.assertGreater(sum(spent.values()), 500)
        warned = ask_as("plain", "eve")
        self.assertEqual(warned.end["code"], "OK", warned.end)
        self.assertIn("budgets.monthly", [
            each["field"] for each in warned.response["warnings"]])

    def test_a_budget_that_all_share_has_no_roles(self):
        keys = {"PREMIUM": "key-of-premium-0123456789"}
        gateway = self.start(
            "{role_multipliers: {premium: '3'}, rules: [{name: all,"
            " unit: total_tokens, limit: 70}]}",
            more="auth: {callers: {api_keys: [{id: premium,"
            " key: 'env:PREMIUM', labels: {role: premium}}]}}\n", env=keys)
        self.assertEqual(
            [ask(gateway.http, chat("m", max_tokens=30),
                 headers={"x-api-key": keys["PREMIUM"]}).status
             for _ in range(2)], [200, 429])

    def test_what_there_is_not_is_refused(self):
        gateway = self.start(
            "{rules: [{name: b, unit: cost, limit_usd: '1', per: [user]}]}")
        for method, request, code in (
                ("GetBudget", {"rule": "c"}, "NOT_FOUND"),
                ("GetBudget", {"rule": "b"}, "INVALID_ARGUMENT"),
                ("ListBudgets", {"rule": "c"}, "NOT_FOUND"),
                ("ListBudgets", {"page_size": -1}, "INVALID_ARGUMENT"),
                ("ListBudgets", {"page_token": "x"}, "INVALID_ARGUMENT"),
                ("AllocateBudget", {"rule": "b", "subject": {"user": "a"}},
                 "INVALID_ARGUMENT"),
                ("AllocateBudget", {"rule": "b", "subject": {"user": "a"},
                                    "limit": 5}, "INVALID_ARGUMENT"),
                ("ResetBudget", {"rule": "b", "subject": {"model": "a"}},
                 "INVALID_ARGUMENT"),
                ("GetSessionSummary", {"session_id": "S"},
                 "FAILED_PRECONDITION")):
            with self.subTest(method=method, **request):
                self.assertEqual(
                    self.operate(gateway, method, **request).end["code"], code)

    def test_scopes_are_listed_and_reset(self):
        gateway = self.start(
            "{rules: [{name: b, unit: total_tokens, limit: 100,"
            " per: [user]}]}")
        for user, calls in (("ann", 2), ("bob", 1)):
            for _ in range(calls):
                self.generate(gateway, scope={"user_id": user})
        listed = self.operate(gateway, "ListBudgets").response["usage"]
        self.assertEqual([(_subject(each), each["spent"]) for each in listed],
                         [({"user": "ann"}, "60"), ({"user": "bob"}, "30")])
        reset = self.operate(gateway, "ResetBudget", rule="b",
                             subject={"user": "ann"}).response
        self.assertEqual(reset["reset_count"], "1")
        self.assertEqual(self.spent(gateway, "b", user="ann"), 0)
        self.assertEqual(self.spent(gateway, "b", user="bob"), 30)
        shown = subprocess.run(
            [_GATEWAYCTL, "budgets", "list", "--output", "json"], text=True,
            check=True, capture_output=True, timeout=60,
            env=environment({"GATEWAY_ADMIN": gateway.admin}))
        self.assertEqual(json.loads(shown.stdout)["usage"][0]["spent"], "30")


if __name__ == "__main__":
    unittest.main()

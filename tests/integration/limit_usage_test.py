"""What operators see of limits, and give back, by rpc and by gatewayctl as
docs/limits.md has it."""

import json
import os
import re
import subprocess
import unittest

from tests.integration import grpc_caller
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import environment

_ADMIN = "/llmgateway.v1.AdminService/"
_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
_CONFIG = """\
providers: [{name: mock, mock: {}}]
routing: {default_target: mock}
auth:
  callers:
    api_keys:
    - {id: search, key: "env:SEARCH"}
    - id: nightly
      key: "env:NIGHTLY"
      limits: [{unit: requests, limit: 2, window: 1h}]
rate_limits:
- {name: rpm, unit: requests, limit: 3, window: 1h, per: [caller]}
- {name: calls, unit: concurrent_calls, limit: 8}
"""
_KEYS = {"SEARCH": "key-of-search-0123456789",
         "NIGHTLY": "key-of-nightly-0123456789"}


class LimitUsageTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        self.gateway = GatewayProcess(_CONFIG, env=_KEYS)
        self.addCleanup(self.gateway.kill)

    def chat(self, who):
        return ask(self.gateway.http, chat("m"), headers={
            "authorization": "Bearer " + _KEYS[who]}).status

    def operate(self, method, **request):
        return self.caller.call(self.gateway.admin, _ADMIN + method, request)

    def gatewayctl(self, *words):
        return subprocess.run(
            [_GATEWAYCTL, "limits", *words], text=True, check=False,
            capture_output=True, timeout=60,
            env=environment({"GATEWAY_ADMIN": self.gateway.admin}))

    def test_what_calls_take_is_seen_and_given_back(self):
        self.assertEqual([self.chat("SEARCH") for _ in range(4)],
                         [200, 200, 200, 429])
        self.assertEqual(self.chat("NIGHTLY"), 200)
        usage = self.operate("ListLimitUsage").response["usage"]
        self.assertEqual(
            [(each["rule"], each["subject"], each.get("remaining", "0"))
             for each in usage],
            [("rpm", {"caller": "search"}, "0"),
             ("key", {"caller": "nightly"}, "1"),
             ("rpm", {"caller": "nightly"}, "2")])
        self.assertEqual(usage[0]["sharing"], "SHARING_LOCAL")
        reset = self.operate("ResetLimit", rule="rpm",
                             subject={"caller": "search"}).response
        self.assertEqual(reset["reset_count"], "1")
        self.assertEqual(self.chat("SEARCH"), 200)
        line = self.gateway.wait_for_log(
            msg="an operator has given back what was taken of a limit")
        self.assertEqual((line["limit"], line["counters"]), ("rpm", 1))

    def test_a_call_under_way_is_seen_and_not_given_back(self):
        slow = GatewayProcess(
            _CONFIG.replace("mock: {}", "mock: {delay: 60s}"), env=_KEYS)
        self.addCleanup(slow.kill)
        call = self.caller.start_generate(
            slow.grpc, grpc_caller.prompt("m"),
            metadata=[["authorization", "Bearer " + _KEYS["SEARCH"]]])
        usage = []
        while not usage:
            usage = self.caller.call(
                slow.admin, _ADMIN + "ListLimitUsage",
                {"rule": "calls"}).response.get("usage", [])
        self.assertEqual((usage[0]["limit"], usage[0]["remaining"]),
                         ("8", "7"))
        refused = self.caller.call(
            slow.admin, _ADMIN + "ResetLimit", {"rule": "calls"})
        self.assertEqual(refused.end["code"], "INVALID_ARGUMENT")
        call.cancel()
        call.wait()

    def test_what_there_is_not_is_refused(self):
        for method, request, code in (
                ("ListLimitUsage", {"rule": "rpn"}, "NOT_FOUND"),
                ("ListLimitUsage", {"page_size": -1}, "INVALID_ARGUMENT"),
                ("ListLimitUsage", {"page_token": "x"}, "INVALID_ARGUMENT"),
                ("ResetLimit", {}, "INVALID_ARGUMENT"),
                ("ResetLimit", {"rule": "rpn"}, "NOT_FOUND"),
                ("ResetLimit", {"rule": "rpm", "subject": {"user": "a"}},
                 "INVALID_ARGUMENT")):
            with self.subTest(method=method, **request):
                self.assertEqual(self.operate(method, **request).end["code"],
                                 code)

    def test_the_page_does_what_it_says(self):
        with open("docs/limits.md", encoding="utf-8") as file:
            section = file.read().split("\n## What operators see")[1]
        commands = [line.split()[2:] for line in re.search(
            r"```sh\n(.*?)```", section, re.DOTALL)[1].splitlines()]
        for _ in range(3):
            self.assertEqual(self.chat("SEARCH"), 200)
        every, some, reset = [self.gatewayctl(*words) for words in commands]
        self.assertRegex(every.stdout, r"(?m)^LIMIT +UNIT +SUBJECT +LEFT")
        row = r"(?m)^rpm +requests +caller=search +0 +3 +1h +20"
        self.assertRegex(every.stdout, row)
        self.assertRegex(some.stdout, row)
        self.assertEqual(reset.stdout, "1 of rpm given back\n")
        self.assertEqual(self.chat("SEARCH"), 200)

    def test_json_is_what_the_gateway_answers(self):
        self.assertEqual(self.chat("SEARCH"), 200)
        listed = self.gatewayctl("list", "--output", "json")
        self.assertEqual(json.loads(listed.stdout)["usage"][0]["subject"],
                         {"caller": "search"})

    def test_what_is_wrong_is_told_and_nothing_printed(self):
        for words, told in ((["list", "--rule", "rpn"], "'rpn'"),
                            (["reset"], "needs the name"),
                            (["reset", "calls"], "calls at once"),
                            (["grow"], "list or reset")):
            made = self.gatewayctl(*words)
            self.assertEqual((made.returncode, made.stdout), (1, ""), words)
            self.assertIn(told, made.stderr)


if __name__ == "__main__":
    unittest.main()

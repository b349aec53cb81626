"""What operators say that models cost, what a provider says that it charged,
and where a cost is told: docs/cost.md."""

import json
import os
import re
import subprocess
import tempfile
import time
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import environment
from tests.testing.mock_upstream import MockUpstream

_ADMIN = "/llmgateway.v1.AdminService/"
_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
_MILLION = 1000 * 1000
_CONFIG = """\
providers:
  - name: openai
    openai: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
routing: {{default_target: openai}}
prices:
  models:
    - {{model: house, input: "1", output: "2"}}
    - {{model: house, input: "3", output: "4",
       effective_time: 2100-01-01T00:00:00Z}}
    - model: tiered
      input: "1"
      output: "2"
      steps:
        - {{above_input_tokens: 1000, input: "10", output: "20"}}
runtime: {{state_dir: "{state}"}}
"""


class SetPricingTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        self.upstream = MockUpstream().__enter__()
        self.addCleanup(self.upstream.__exit__, None, None, None)
        folder = tempfile.TemporaryDirectory(prefix="prices")
        self.addCleanup(folder.cleanup)
        self.config = _CONFIG.format(upstream=self.upstream.address,
                                     state=folder.name + "/state")
        self.start()

    def start(self):
        self.gateway = GatewayProcess(self.config, env=gateway_case.ENV)
        self.addCleanup(self.gateway.kill)

    def cost_of(self, model, tokens=_MILLION):
        # Without a word, since output that is told as none is estimated.
        self.upstream.set_script(model, {
            "content_type": "application/json", "body": json.dumps({
                "id": "c", "object": "chat.completion", "created": 1,
                "model": "m", "choices": [{
                    "index": 0, "finish_reason": "stop",
                    "message": {"role": "assistant", "content": ""}}],
                "usage": {"prompt_tokens": tokens, "completion_tokens": 0,
                          "total_tokens": tokens}})})
        answer = ask(self.gateway.http, chat(model))
        self.assertEqual(answer.status, 200, answer.body)
        return answer.headers.get("x-llmgateway-cost-usd")

    def operate(self, method, **request):
        return self.caller.call(self.gateway.admin, _ADMIN + method, request)

    def gatewayctl(self, *words):
        return subprocess.run(
            [_GATEWAYCTL, "prices", *words], text=True, check=False,
            capture_output=True, timeout=60,
            env=environment({"GATEWAY_ADMIN": self.gateway.admin}))

    def test_an_operators_price_wins_outlasts_the_process_and_is_taken_back(
            self):
        self.assertEqual(self.cost_of("house"), "1")
        done = self.gatewayctl("set", "house", "--input_usd", "5", "--output_usd", "6")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("operator", done.stdout)
        self.assertEqual(self.cost_of("house"), "5")
        line = self.gateway.wait_for_log(msg="An operator has set a price")
        self.assertEqual(line["model"], "house")
        self.gateway.stop()
        self.start()
        self.assertEqual(self.cost_of("house"), "5")
        self.assertEqual(self.gatewayctl("remove", "house").returncode, 0)
        self.assertEqual(self.cost_of("house"), "1")
        again = self.gatewayctl("remove", "house")
        self.assertEqual(again.returncode, 1)
        self.assertIn("no operator has set a price", again.stderr)
        self.gateway.stop()
        self.start()
        self.assertEqual(self.cost_of("house"), "1")
        self.gateway.stop()

    def test_a_price_begins_at_its_time_while_the_gateway_runs(self):
        begin = time.time() + 3
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begin)) + (
            ".%03dZ" % int(begin % 1 * 1000))
        done = self.gatewayctl("set", "house", "--from", at, "--input_usd", "9",
                               "--output_usd", "9")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("config", done.stdout)
        seen = []
        while time.time() < begin + 0.2:
            before = time.time()
            cost = self.cost_of("house")
            after = time.time()
            if after < begin - 0.05:
                self.assertEqual(cost, "1")
            elif before > begin + 0.05:
                self.assertEqual(cost, "9")
            seen.append(cost)
        self.assertEqual((seen[0], seen[-1]), ("1", "9"))
        self.gateway.stop()

    def test_what_is_listed_is_what_holds(self):
        self.operate("SetPricing", price={
            "model": "house", "kind": "openai",
            "steps": [{"input": "5", "output": "6"}]})
        # Of this kind: others have a price for any name.
        listed = self.operate("ListPricing", model="house",
                              kind="openai").response
        self.assertEqual(
            [(price.get("kind", ""), price["source"],
              price["steps"][0]["input"], price.get("effective_time", ""))
             for price in listed["prices"]],
            [("", "SOURCE_CONFIG", "1", ""),
             ("", "SOURCE_CONFIG", "3", "2100-01-01T00:00:00Z"),
             ("openai", "SOURCE_OPERATOR", "5", "")])
        self.assertRegex(listed["shipped_date"], r"^20\d\d-\d\d-\d\d$")
        table = self.gatewayctl("list", "--model", "house",
                                "--kind", "openai").stdout
        self.assertEqual(len(table.splitlines()), 4, table)
        refused = self.operate("SetPricing", price={
            "model": "house", "steps": [{"input": "cheap"}]}).end
        self.assertEqual(refused["code"], "INVALID_ARGUMENT")
        self.assertIn("price.steps[0].input", json.dumps(refused))
        self.assertIn("price.steps[0].output", json.dumps(refused))
        self.gateway.stop()

    def test_a_long_prompt_has_its_own_price(self):
        self.assertEqual(self.cost_of("tiered", 1000), "0.001")
        self.assertEqual(self.cost_of("tiered", 1001), "0.01001")
        self.gateway.stop()


class ProviderCostTest(gateway_case.GatewayCase):
    """OpenRouter's own cost stands beside ours, whichever way an answer goes."""

    calls_grpc = True
    config = """\
providers:
  - name: openrouter
    openrouter: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
routing: {{default_target: openrouter}}
prices: {{models: [{{model: house, input: "1", output: "2"}}]}}
"""
    _USAGE = {"prompt_tokens": 10, "completion_tokens": 5,
              "total_tokens": 15, "cost": "COST",
              "cost_details": {"upstream_inference_cost": None}}

    def play(self, stream):
        choice = {"index": 0, "finish_reason": "stop"}
        if stream:
            chunk = {"id": "c", "object": "chat.completion.chunk",
                     "created": 1, "model": "house"}
            body = "".join("data: %s\n\n" % each for each in (
                json.dumps({**chunk, "choices": [
                    {**choice, "delta": {"role": "assistant",
                                         "content": "Hi"}}]}),
                json.dumps({**chunk, "choices": [], "usage": self._USAGE}),
                "[DONE]"))
        else:
            body = json.dumps({
                "id": "c", "object": "chat.completion", "created": 1,
                "model": "house", "usage": self._USAGE, "choices": [
                    {**choice, "message": {"role": "assistant",
                                           "content": "Hi"}}]})
        # As it is written, which is finer than a nano-dollar.
        self.upstream.set_script("house", {
            "body": body.replace('"COST"', "1.23456789449e-05"),
            "content_type": "text/event-stream" if stream
            else "application/json"})

    @staticmethod
    def wants_usage(path, stream):
        """Callers of a stream see usage only if they ask for it."""
        if path != http_calls.CHAT or not stream:
            return {}
        return {"stream_options": {"include_usage": True}}

    def test_whole_and_streamed_parsed_and_forwarded(self):
        for stream in (False, True):
            self.play(stream)
            ask_grpc = (self.caller.stream_all if stream
                        else self.caller.generate)
            call = ask_grpc(self.gateway.grpc, grpc_caller.prompt("house"))
            usage = (call.events[-1]["end"] if stream
                     else call.response)["usage"]
            self.assertEqual(usage["provider_cost_usd_nanos"], "12346")
            self.assertEqual(usage["cost_usd_nanos"], "20000")
            for path in (http_calls.CHAT, "/v1/messages"):
                with self.subTest(path=path, stream=stream):
                    answer = ask(self.gateway.http,
                                 chat("house", stream=stream, max_tokens=9,
                                      **self.wants_usage(path, stream)),
                                 path=path,
                                 headers={"x-llmgateway-details": "true"})
                    self.assertEqual(answer.status, 200, answer.body)
                    text = answer.body.decode()
                    self.assertIn('"provider_cost_usd":0.000012346', text)
                    self.assertIn('"cost_usd":0.00002,', text)
                    # Callers of the format have it as it came.
                    if path == http_calls.CHAT:
                        self.assertIn('"cost":1.23456789449e-05', text.replace(
                            " ", ""))


class MessagesDetailsTest(gateway_case.GatewayCase):
    """A loaded llmGateway file has whole answers of /v1/messages tell what its
    clients read there."""

    config = gateway_case.CONFIG + "listeners:\n" + "".join(
        '  %s: {{address: "127.0.0.1:0"%s}}\n' % (
            name, ", messages_details: true" if name == "http" else "")
        for name in ("grpc", "http", "admin", "operations"))

    def test_whole_messages_tell_and_nothing_else_does(self):
        for model, cost in (("claude-sonnet-4-5", rb"0\.\d+"),
                            ("claude-nobody-knows", rb"0")):
            answer = ask(self.gateway.http, chat(model, max_tokens=9),
                         path="/v1/messages")
            self.assertEqual(answer.status, 200, answer.body)
            told = answer.json()
            self.assertEqual(told["provider"], "anthropic")
            self.assertGreaterEqual(told["latency_ms"], 0)
            self.assertRegex(answer.body, rb'"cost_usd":%s}\s*$' % cost)
        for path, stream in (("/v1/messages", True), (http_calls.CHAT, False)):
            answer = ask(self.gateway.http,
                         chat("claude-sonnet-4-5", max_tokens=9,
                              stream=stream), path=path)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertFalse(re.search(rb"cost_usd|latency_ms", answer.body))


if __name__ == "__main__":
    unittest.main()

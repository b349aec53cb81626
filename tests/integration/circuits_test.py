"""What operators see of targets, and make of them, and what becomes of the calls
meanwhile. docs/resilience.md and docs/runbook.md tell it."""

import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask, chat
from tests.testing.gateway_process import LISTENERS

_ADMIN = "/llmgateway.v1.AdminService/"
_CONFIG = gateway_case.PROVIDERS + """\
routing:
  model_rules:
    - {{alias: pair, targets: [openai/gpt-a, openai/gpt-b]}}
    - {{alias: only, targets: [openai/gpt-only]}}
  default_target: openai/gpt-default
resilience:
  retry: {{attempts_limit: 1}}
  circuit_breaker: {{consecutive_failures: 3, open_duration: 1h}}
"""


class OperatorCase(gateway_case.GatewayCase):

    calls_grpc = True

    def setUp(self):
        self.upstream.reset()

    def operate(self, method, gateway=None, **request):
        """The answer to an operator, who must have one."""
        call = self.caller.call((gateway or self.gateway).admin,
                                _ADMIN + method, request)
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response

    def refused(self, method, **request):
        call = self.caller.call(self.gateway.admin, _ADMIN + method, request)
        return call.end["code"]

    def circuit(self, model):
        for circuit in self.operate("ListCircuits").get("circuits", []):
            if circuit["model"] == model:
                return circuit
        return None

    def metric(self, line):
        text = ask(self.gateway.operations, path="/metrics").body.decode()
        for sample in text.splitlines():
            if sample.startswith(line + " "):
                return float(sample.split()[-1])
        return None


class AnotherProviderTest(OperatorCase):
    """A name that leads elsewhere by now, and one that is gone."""

    config = """\
providers:
  - {{name: moves, openai: {{base_url: "http://{upstream}/v1"}}}}
  - {{name: stays, openai: {{base_url: "http://{upstream}/v1"}}}}
  - {{name: goes, openai: {{base_url: "http://{upstream}/v1"}}}}
routing:
  model_rules:
    - {{alias: moving, targets: [moves/gpt-m]}}
    - {{alias: staying, targets: [stays/gpt-s]}}
  default_target: stays
resilience:
  retry: {{attempts_limit: 1}}
  circuit_breaker: {{consecutive_failures: 3, open_duration: 1h}}
"""

    def states(self):
        return {c["provider"]: c["state"]
                for c in self.operate("ListCircuits").get("circuits", [])}

    def test_it_begins_anew_and_what_is_gone_is_forgotten(self):
        for model in ("gpt-m", "gpt-s", "gpt-g"):
            self.upstream.set_script(model, {"status": 503})
        for _ in range(3):
            ask(self.gateway.http, chat("moving"))
            ask(self.gateway.http, chat("staying"))
            ask(self.gateway.http, chat("gpt-g"),
                headers={"x-llmgateway-provider": "goes"})
        self.assertEqual(self.states(), dict.fromkeys(
            ("moves", "stays", "goes"), "STATE_OPEN"))
        gone = 'circuit_breaker_state{provider="goes",model="gpt-g"}'
        self.assertEqual(self.metric(gone), 2)
        # The same mock, under a name of its host that the provider had not.
        elsewhere = self.upstream.address.replace("127.0.0.1", "localhost")
        self.assertNotEqual(elsewhere, self.upstream.address)
        text = self.config.format(upstream=self.upstream.address).replace(
            self.upstream.address, elsewhere, 1)
        text = "".join(line for line in text.splitlines(keepends=True)
                       if "name: goes" not in line)
        self.operate("ApplyConfig", text=LISTENERS + text)
        self.upstream.reset()
        self.assertEqual(ask(self.gateway.http, chat("moving")).status, 200)
        self.assertEqual(ask(self.gateway.http, chat("staying")).status, 503)
        self.assertEqual(self.states(), {"moves": "STATE_CLOSED",
                                         "stays": "STATE_OPEN"})
        self.assertIsNone(self.metric(gone))


class RestingTargetTest(OperatorCase):
    """Who could serve the request rests, and the other target cannot serve it:
    that passes, and is no fault of the request."""

    config = """\
providers:
  - {{name: able, openai: {{base_url: "http://{upstream}/v1"}}}}
  - name: unable
    openai: {{base_url: "http://{upstream}/v1"}}
    model_capabilities: [{{model: gpt-tiny, tools: false}}]
routing:
  model_rules:
    - alias: both
      targets: [able/gpt-able, {{provider: unable, model: gpt-tiny, priority: 1}}]
resilience:
  retry: {{attempts_limit: 1}}
  circuit_breaker: {{consecutive_failures: 3, open_duration: 1h}}
"""
    TOOLS = {"tools": [{"type": "function", "function": {
        "name": "f", "parameters": {"type": "object"}}}]}

    def reason(self):
        answer = ask(self.gateway.http, chat("both", **self.TOOLS))
        self.assertEqual(answer.status, 503, answer.body)
        return answer.json()["error"]["code"], answer.headers.get("retry-after")

    def steps(self):
        request = {"request": prompt("both")}
        return {step["rule"]: step.get("detail", "")
                for step in self.operate("ExplainRoute", **request)["steps"]}

    def test_the_caller_hears_until_when_and_the_operator_why(self):
        self.upstream.set_script("gpt-able", {"status": 503})
        for _ in range(3):
            ask(self.gateway.http, chat("both", **self.TOOLS))
        code, wait = self.reason()
        # As OpenAI's API says that the circuit is open.
        self.assertEqual(code, "server_is_overloaded")
        self.assertGreater(int(wait), 0)
        self.assertEqual(ask(self.gateway.http, chat("both")).status, 200)
        self.assertIn("rests", self.steps()["target:able/gpt-able"])
        self.operate("ResetCircuit", provider="able")
        self.operate("SetModelEnabled", provider="able", model="gpt-able",
                     enabled=False)
        self.assertEqual(self.reason()[0], "model_disabled")
        self.assertIn("disabled", self.steps()["target:able/gpt-able"])


class CircuitsTest(OperatorCase):

    config = _CONFIG

    def test_a_disabled_model_is_passed_over(self):
        self.operate("SetModelEnabled", provider="openai", model="gpt-a",
                     enabled=False, reason="too dear")
        for _ in range(6):
            self.assertEqual(ask(self.gateway.http, chat("pair")).status, 200)
        self.assertEqual(self.upstream.stat("gpt-a", "requests"), 0)
        self.assertEqual(self.circuit("gpt-a")["disabled_reason"],
                         "by an operator: too dear")
        self.assertEqual(
            self.metric('llmgw_disabled_models{by="operator"}'), 1)
        self.operate("SetModelEnabled", provider="openai", model="gpt-a",
                     enabled=True)
        for _ in range(20):
            ask(self.gateway.http, chat("pair"))
        self.assertGreater(self.upstream.stat("gpt-a", "requests"), 0)

    def test_where_all_are_disabled_the_call_says_so(self):
        self.operate("SetModelEnabled", provider="openai", model="gpt-only",
                     enabled=False)
        for headers in ({}, {"x-llmgateway-provider": "openai"}):
            model = "gpt-only" if headers else "only"
            answer = ask(self.gateway.http, chat(model), headers=headers)
            self.assertEqual(answer.status, 503)
            self.assertEqual(answer.error()["code"], "model_disabled")
            call = self.caller.generate(self.gateway.grpc, prompt(model),
                                        metadata=list(headers.items()))
            self.assertEqual(call.end["code"], "UNAVAILABLE")
            self.assertIn("disabled", call.end["message"])
        self.assertEqual(self.upstream.stat("gpt-only", "requests"), 0)
        self.assertGreater(
            self.metric('llmgw_failed_calls_total{at_fault="policy"}'), 0)
        self.operate("SetModelEnabled", provider="openai", model="gpt-only",
                     enabled=True)
        self.assertEqual(ask(self.gateway.http, chat("only")).status, 200)

    def test_a_page_has_the_fields_that_are_asked_for(self):
        self.operate("ForceCircuit", provider="openai", model="gpt-masked",
                     state="STATE_METRICS_ONLY")
        page = self.operate("ListCircuits", read_mask="model,state",
                            page_size=1000)
        self.assertIn({"model": "gpt-masked", "state": "STATE_METRICS_ONLY"},
                      page["circuits"])
        health = self.operate("GetHealth", read_mask="status")
        self.assertEqual(list(health), ["status"])
        self.assertEqual(
            self.refused("ListCircuits", read_mask="colour"),
            "INVALID_ARGUMENT")

    def test_what_is_only_checked_changes_nothing(self):
        answer = self.operate("SetModelEnabled", provider="openai",
                              model="gpt-checked", enabled=False,
                              validate_only=True)
        self.assertTrue(answer["circuit"]["disabled"])
        self.assertIsNone(self.circuit("gpt-checked"))

    def test_three_server_errors_open_a_circuit_which_an_operator_closes(self):
        self.upstream.set_script("gpt-only", {"status": 500})
        for _ in range(3):
            # What official clients may ask again is theirs to ask again.
            self.assertIn(ask(self.gateway.http, chat("only")).status,
                          (500, 502, 503))
        self.assertEqual(ask(self.gateway.http, chat("only")).status, 503)
        self.assertEqual(self.upstream.stat("gpt-only", "requests"), 3)
        circuit = self.circuit("gpt-only")
        self.assertEqual(circuit["state"], "STATE_OPEN")
        self.assertIn("retry_time", circuit)
        labels = '{provider="openai",model="gpt-only"}'
        self.assertEqual(self.metric("circuit_breaker_state" + labels), 2)
        self.assertGreaterEqual(
            self.metric("circuit_breaker_failures" + labels), 3)
        self.upstream.reset()
        closed = self.operate("ResetCircuit", provider="openai",
                              model="gpt-only")
        self.assertEqual([c["state"] for c in closed["circuits"]],
                         ["STATE_CLOSED"])
        self.assertEqual(ask(self.gateway.http, chat("only")).status, 200)

    def test_a_forced_circuit_stays_as_it_is_told(self):
        force = {"provider": "openai", "model": "gpt-forced"}
        headers = {"x-llmgateway-provider": "openai"}
        self.operate("ForceCircuit", state="STATE_FORCED_OPEN", **force)
        answer = ask(self.gateway.http, chat("gpt-forced"), headers=headers)
        self.assertEqual(answer.status, 503)
        # It has not failed, and nobody knows when it is taken back.
        self.assertIn("an operator has forced its circuit open",
                      answer.error()["message"])
        self.assertNotIn("retry-after", answer.headers)
        labels = '{provider="openai",model="gpt-forced"}'
        self.assertEqual(self.metric("circuit_breaker_state" + labels), 3)
        self.operate("ForceCircuit", state="STATE_METRICS_ONLY", **force)
        self.upstream.set_script("gpt-forced", {"status": 503})
        for _ in range(5):
            ask(self.gateway.http, chat("gpt-forced"), headers=headers)
        self.assertEqual(self.upstream.stat("gpt-forced", "requests"), 5)
        self.operate("ForceCircuit", state="STATE_CONFIGURED", **force)
        self.assertEqual(self.circuit("gpt-forced")["state"], "STATE_CLOSED")

    def test_what_is_wrong_is_refused(self):
        for method, request, code in [
                ("ListCircuits", {"page_size": -1}, "INVALID_ARGUMENT"),
                ("ListCircuits", {"provider": "nobody"}, "NOT_FOUND"),
                ("ResetCircuit", {"provider": "nobody"}, "NOT_FOUND"),
                ("ForceCircuit", {"provider": "openai", "model": "m"},
                 "INVALID_ARGUMENT"),
                ("SetModelEnabled", {"provider": "openai"},
                 "INVALID_ARGUMENT")]:
            self.assertEqual(self.refused(method, **request), code, method)


class RecoveryTest(OperatorCase):

    config = _CONFIG.replace("consecutive_failures: 3, open_duration: 1h",
                             "consecutive_failures: 2, open_duration: 50ms")

    def test_after_its_rest_one_success_closes_a_circuit(self):
        self.upstream.set_script("gpt-only", {"status": 503})
        for _ in range(2):
            self.assertEqual(ask(self.gateway.http, chat("only")).status, 503)
        self.upstream.reset()
        state = None
        while state != "STATE_HALF_OPEN":
            state = self.circuit("gpt-only")["state"]
            self.assertIn(state, ("STATE_OPEN", "STATE_HALF_OPEN"))
        self.assertEqual(ask(self.gateway.http, chat("only")).status, 200)
        self.assertEqual(self.circuit("gpt-only")["state"], "STATE_CLOSED")


class DisabledByFailuresTest(OperatorCase):

    config = _CONFIG.replace(
        "resilience:\n",
        "resilience:\n  disable_model_after_failures: 2\n")

    def test_so_many_failures_in_a_row_disable_a_model(self):
        self.upstream.set_script("gpt-only", {"status": 503})
        for _ in range(2):
            ask(self.gateway.http, chat("only"))
        answer = ask(self.gateway.http, chat("only"))
        self.assertEqual(answer.error()["code"], "model_disabled")
        self.assertEqual(self.circuit("gpt-only")["disabled_reason"],
                         "by 2 failures of its own in a row")
        line = self.gateway.wait_for_log(level="error")
        self.assertEqual((line["model"], line["failures_in_a_row"]),
                         ("gpt-only", 2))
        self.assertEqual(
            self.metric('llmgw_disabled_models{by="failures"}'), 1)
        self.upstream.reset()
        self.operate("SetModelEnabled", provider="openai", model="gpt-only",
                     enabled=True)
        self.assertEqual(ask(self.gateway.http, chat("only")).status, 200)


class EjectionTest(OperatorCase):

    config = _CONFIG.replace(
        "  circuit_breaker: {{consecutive_failures: 3, open_duration: 1h}}\n",
        """\
  circuit_breaker: {{mode: "off"}}
  outlier_ejection: {{enabled: true, consecutive_failures: 2,
                      base_ejection: 1h, ejection_limit: 1h}}
""")

    def test_a_target_that_does_worse_is_left_alone(self):
        self.upstream.set_script("gpt-a", {"status": 503})
        for _ in range(20):
            self.assertEqual(ask(self.gateway.http, chat("pair")).status, 200)
        self.assertEqual(self.upstream.stat("gpt-a", "requests"), 2)
        self.assertIn("ejected_until", self.circuit("gpt-a"))
        self.assertNotIn("ejected_until", self.circuit("gpt-b"))
        # Not even if it fails, too: one of them is asked.
        self.upstream.set_script("gpt-b", {"status": 503})
        for _ in range(5):
            ask(self.gateway.http, chat("pair"))
        self.assertNotIn("ejected_until", self.circuit("gpt-b"))
        self.assertEqual(
            self.metric('llmgw_ejections_total{reason="consecutive_faults"}'),
            1)
        self.upstream.reset()
        self.operate("ResetCircuit", provider="openai")
        self.assertNotIn("ejected_until", self.circuit("gpt-a"))


class ProbesTest(OperatorCase):

    config = """\
providers:
  - name: near
    openai: {{base_url: "http://127.0.0.1:1/v1"}}
    resilience: {{health_check: {{enabled: true, interval: 1s}}}}
  - {{name: far, mock: {{}}}}
routing:
  model_rules:
    - {{alias: m, targets: [near/m, {{provider: far, model: mock-model,
       priority: 1}}]}}
resilience: {{circuit_breaker: {{mode: "off"}}}}
"""

    def test_one_that_does_not_answer_probes_is_asked_last(self):
        line = self.gateway.wait_for_log(
            msg="A provider does not answer probes")
        self.assertEqual(line["provider"], "near")
        provider = self.operate("GetProvider", name="near")
        self.assertEqual(provider["health"]["state"], "STATE_FAILING")
        answer = ask(self.gateway.http, chat("m"))
        self.assertEqual(answer.status, 200)
        record = self.gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])
        self.assertEqual((record["provider"], record["attempt_count"]),
                         ("far", 1))
        self.assertEqual(
            self.metric('llmgw_provider_probes_failing{provider="near"}'), 1)


if __name__ == "__main__":
    unittest.main()

"""Alerts, over public ports: a real receiver is told once that something is
wrong and once that it is not, whatever happens in between; models are disabled;
rules change while they fire; the file of an existing installation does what
docs/alerts.md says; and gatewayctl shows it all."""

import hashlib
import hmac
import http.server
import json
import os
import re
import subprocess
import tempfile
import threading
import unittest

from tests.integration import grpc_caller
from tests.integration.http_calls import ask
from tests.integration.samples import await_sample
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import environment

_ADMIN = "/llmgateway.v1.AdminService/"
_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
_PAGE = "docs/alerts.md"
_SEED = "tests/service/config/policies/alerts.yaml"
_TIMEOUT_S = 60.0
_KEY = "whose-hook-is-this"
# Each call fails that names the model `broken`, and costs three cents
# otherwise: 10 tokens in and 20 out, of which each costs a thousandth of a
# dollar.
_CONFIG = """\
providers:
- {name: mock, mock: {}}
- {name: bad, mock: {fault: server_error}}
routing:
  default_target: mock
  model_rules:
  - {exact: broken, targets: [bad/broken]}
  - {glob: '*', targets: [mock]}
resilience: {retry: {attempts_limit: 1}, circuit_breaker: {mode: "off"}}
prices: {models: [{model: '*', kind: mock, input: '1000', output: '1000'}]}
"""
_ERRORS = ("{name: errors, condition: 'error_rate > 5%', action: page,"
           " window: 2s, calls_min: 1}")


class Receiver:
    """A webhook's receiver, which answers as it is told to."""

    def __init__(self, port=0):
        self._changed = threading.Condition()
        self._statuses = []
        self.taken = []  # Of each request headers, raw body and status.
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.take(dict(self.headers), body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port),
                                                       Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self._server.serve_forever,
                         daemon=True).start()

    def answer(self, *statuses):
        self._statuses = list(statuses)

    def take(self, headers, body):
        with self._changed:
            status = self._statuses.pop(0) if self._statuses else 200
            self.taken.append((headers, body, status))
            self._changed.notify_all()
            return status

    def wait_for(self, count):
        """The events of that many requests, as soon as they are there."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.taken) >= count,
                                          _TIMEOUT_S):
                raise AssertionError(f"{len(self.taken)} of {count} are there")
            return [json.loads(body) for _, body, _ in self.taken]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class AlertsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="alerts")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.state = os.path.join(folder.name, "kept")
        self.receiver = Receiver()
        self.addCleanup(lambda: self.receiver.close())
        self.page = ("{name: page, webhook: {url: '%s', signing_key: env:KEY,"
                     " headers: {x-team: night}}}" % self.receiver.url)

    def config(self, rules, actions=None, more=""):
        return (_CONFIG + "alerts: {interval: 1s, rules: [%s], actions: [%s]}\n"
                % (rules, actions or self.page) +
                "runtime: {state_dir: '%s'}\n" % self.state + more)

    def start(self, *args, **kwargs):
        gateway = GatewayProcess(self.config(*args, **kwargs),
                                 env={"KEY": _KEY})
        self.addCleanup(gateway.kill)
        return gateway

    def call(self, gateway, model="m", times=1):
        for _ in range(times):
            made = self.caller.generate(gateway.grpc,
                                        grpc_caller.prompt(model))
        return made.end

    def operate(self, gateway, method, code="OK", **request):
        made = self.caller.call(gateway.admin, _ADMIN + method, request)
        self.assertEqual(made.end["code"], code, made.end)
        return made.response if code == "OK" else made.end

    def alerts(self, gateway):
        return self.operate(gateway, "ListAlerts").get("alerts", [])

    def wait_for_alert(self, gateway, test):
        """The first alert of which the test is true."""
        for _ in range(100_000):
            for alert in self.alerts(gateway):
                if test(alert):
                    return alert
        raise AssertionError(self.alerts(gateway))

    def metric(self, gateway, name):
        text = ask(gateway.operations, path="/metrics").body.decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else None

    def gatewayctl(self, gateway, *words):
        return subprocess.run(
            [_GATEWAYCTL, *words], text=True, check=False,
            capture_output=True, timeout=60,
            env=environment({"GATEWAY_ADMIN": gateway.admin}))

    def test_it_fires_once_and_is_resolved_once(self):
        gateway = self.start(_ERRORS)
        self.call(gateway, "broken")
        fired = self.receiver.wait_for(1)[0]
        self.assertEqual((fired["alert"], fired["state"], fired["condition"],
                          fired["value"], fired["subject"]),
                         ("errors", "firing", "error_rate > 5%", 100, ""))
        self.assertEqual(fired["text"],
                         "errors fires: error_rate > 5%, it is 100")
        self.assertRegex(fired["time"], r"^20\d\d-\d\d-\d\dT.*Z$")
        headers, body, _ = self.receiver.taken[0]
        headers = {name.lower(): value for name, value in headers.items()}
        self.assertEqual(
            headers["x-llmgateway-signature"], "sha256=" +
            hmac.new(_KEY.encode(), body, hashlib.sha256).hexdigest())
        self.assertEqual(headers["x-team"], "night")
        self.assertEqual(headers["content-type"], "application/json")
        resolved = self.receiver.wait_for(2)[1]
        self.assertEqual((resolved["alert"], resolved["state"]),
                         ("errors", "resolved"))
        self.assertNotEqual(resolved["id"], fired["id"])
        self.assertEqual(self.alerts(gateway)[0]["state"], "STATE_OK")
        await_sample(gateway, 'llmgw_alert_firing{alert="errors"}', 0)
        # It is counted once the receiver's answer has come.
        await_sample(
            gateway, 'llmgw_alert_notifications_total{outcome="told"}', 2)
        self.assertNotIn(_KEY, gateway.output)
        self.assertNotIn("/hook", gateway.output)
        gateway.stop()
        self.assertEqual(len(self.receiver.taken), 2)

    def test_what_costs_nothing_hides_no_failure(self):
        gateway = self.start(
            _ERRORS.replace("2s", "1m"), more="cache: {on_request: false}\n")
        self.assertEqual(self.call(gateway, times=30)["code"], "OK")
        for _ in range(30):
            made = self.caller.generate(gateway.grpc, {"model": "broken"})
            self.assertEqual(made.end["code"], "INVALID_ARGUMENT", made.end)
        self.call(gateway, "broken")
        # One was answered, and twenty-nine were given the same answer.
        self.assertEqual(self.receiver.wait_for(1)[0]["value"], 50)
        for outcome, provider in (("answered", "mock"),
                                  ("provider_failed", "bad")):
            self.assertEqual(self.metric(
                gateway, 'llmgw_served_calls_total{provider="%s",outcome="%s"}'
                % (provider, outcome)), 1)

    def test_it_is_told_again_until_it_is_taken_and_in_order(self):
        self.receiver.answer(500, 503)
        gateway = self.start(_ERRORS)
        self.call(gateway, "broken")
        events = self.receiver.wait_for(4)
        self.assertEqual([each["state"] for each in events],
                         ["firing", "firing", "firing", "resolved"])
        self.assertEqual(len({each["id"] for each in events[:3]}), 1)
        gateway.stop()

    def test_a_receiver_that_is_down_is_told_when_it_is_back(self):
        port = self.receiver.port
        self.receiver.close()
        gateway = self.start(_ERRORS.replace("2s", "1h"))
        self.call(gateway, "broken")
        self.wait_for_alert(
            gateway, lambda each: each["state"] == "STATE_FIRING")
        await_sample(gateway, "llmgw_alert_notifications_pending", 1)
        self.assertEqual(self.call(gateway)["code"], "OK")
        self.wait_for_alert(gateway, lambda each: "action_error" in each)
        self.receiver = Receiver(port)
        self.assertEqual(self.receiver.wait_for(1)[0]["state"], "firing")
        gateway.stop()

    def test_what_a_process_could_not_tell_the_next_one_does(self):
        port = self.receiver.port
        self.receiver.close()
        gateway = self.start(_ERRORS.replace("2s", "1h"))
        self.call(gateway, "broken")
        # On disk before anybody is told.
        self.wait_for_alert(
            gateway, lambda each: each["state"] == "STATE_FIRING")
        await_sample(gateway, "llmgw_alert_notifications_pending", 1)
        gateway.stop()
        self.receiver = Receiver(port)
        again = self.start(_ERRORS.replace("2s", "1h"))
        self.assertEqual(self.receiver.wait_for(1)[0]["state"], "firing")
        self.assertEqual(self.alerts(again)[0]["state"], "STATE_FIRING")
        # It knows so once the receiver's answer has come.
        await_sample(again, "llmgw_alert_notifications_pending", 0)
        again.stop()

        # It was told: no process after that tells it again.
        third = self.start(_ERRORS)
        events = self.receiver.wait_for(2)
        self.assertEqual([each["state"] for each in events],
                         ["firing", "resolved"])
        third.stop()

    def test_one_that_is_silenced_tells_when_the_silence_ends(self):
        gateway = self.start(_ERRORS.replace("2s", "1h"))
        silenced = self.operate(gateway, "SilenceAlert", name="errors",
                                duration="3600s")["alerts"][0]
        self.assertIn("silence_end_time", silenced)
        self.call(gateway, "broken")
        self.wait_for_alert(
            gateway, lambda each: each["state"] == "STATE_FIRING")
        self.assertEqual(self.metric(
            gateway, 'llmgw_alert_silenced{alert="errors"}'), 1)
        gateway.kill()

        again = self.start(_ERRORS.replace("2s", "1h"))
        self.assertIn("silence_end_time", self.alerts(again)[0])
        self.assertEqual(self.receiver.taken, [])
        self.call(again, "broken")
        self.wait_for_alert(
            again, lambda each: each["state"] == "STATE_FIRING")
        self.assertEqual(self.receiver.taken, [])
        self.operate(again, "SilenceAlert", name="errors")
        self.assertEqual(self.receiver.wait_for(1)[0]["state"], "firing")
        again.stop()

    def test_a_silence_withdraws_what_is_being_told(self):
        self.receiver.answer(*[500] * 100)
        rule = _ERRORS.replace("2s", "1h")
        gateway = self.start(rule)
        self.call(gateway, "broken")
        fired = self.receiver.wait_for(2)[0]
        self.operate(gateway, "SilenceAlert", name="errors",
                     duration="3600s")
        told = len(self.receiver.taken)
        self.assertEqual(
            self.metric(gateway, "llmgw_alert_notifications_pending"), 0)
        gateway.kill()

        again = self.start(rule)
        self.assertEqual(self.alerts(again)[0]["state"], "STATE_FIRING")
        self.assertEqual(
            self.metric(again, "llmgw_alert_notifications_pending"), 0)
        self.receiver.answer()
        self.operate(again, "SilenceAlert", name="errors")
        last = self.receiver.wait_for(told + 1)[told]
        self.assertEqual((last["id"], last["state"]), (fired["id"], "firing"))
        again.stop()

    def test_a_model_that_fails_is_disabled(self):
        rule = ("{name: failures, condition: 'model_consecutive_failures > 2',"
                " action: off}")
        told = rule.replace("failures,", "told,").replace("off", "page")
        actions = "{name: off, disable_model: {}}, " + self.page
        gateway = self.start(rule + ", " + told, actions)
        self.call(gateway, "broken", times=2)
        self.assertEqual(self.call(gateway, "broken")["reason"],
                         "PROVIDER_UNAVAILABLE")
        line = gateway.wait_for_log(msg="An alert has disabled a model")
        self.assertEqual((line["alert"], line["provider"], line["model"],
                          line["failures_in_a_row"]),
                         ("failures", "bad", "broken", 3))
        self.assertEqual(self.call(gateway, "broken")["reason"],
                         "MODEL_DISABLED")
        self.assertEqual(self.call(gateway)["code"], "OK")
        self.assertEqual(self.receiver.wait_for(1)[0]["subject"], "bad/broken")
        self.assertEqual(self.metric(
            gateway, "llmgw_models_disabled_by_alerts_total"), 1)
        circuit = [each for each in self.operate(
            gateway, "ListCircuits")["circuits"] if each.get("disabled")][0]
        self.assertEqual(circuit["disabled_reason"],
                         "by alert failures: model_consecutive_failures > 2")
        gateway.kill()

        again = self.start(rule, actions)
        self.assertEqual(self.call(again, "broken")["reason"],
                         "MODEL_DISABLED")
        # What an operator enables is disabled again if it still fails.
        self.operate(again, "SetModelEnabled", provider="bad", model="broken",
                     enabled=True)
        self.call(again, "broken", times=3)
        again.wait_for_log(msg="An alert has disabled a model")
        self.assertEqual(self.call(again, "broken")["reason"],
                         "MODEL_DISABLED")
        again.stop()

    def test_what_an_hour_costs_is_exact_and_outlasts_the_process(self):
        rule = "{name: spend, condition: 'hourly_cost > $0.06', action: page}"
        gateway = self.start(rule)
        self.call(gateway, times=2)
        spend = self.wait_for_alert(gateway,
                                    lambda each: each.get("value") == 0.06)
        self.assertEqual(spend["state"], "STATE_OK")
        gateway.stop()
        again = self.start(rule)
        self.call(again)
        self.assertEqual(self.receiver.wait_for(1)[0]["value"], 0.09)
        again.stop()

    def test_rules_change_while_they_fire(self):
        gateway = self.start(_ERRORS.replace("2s", "1h"))
        self.call(gateway, "broken")
        self.receiver.wait_for(1)
        # The same rule goes on, however many come beside it.
        slow = ("{name: slow, condition: 'avg_latency >= 0s', action: note,"
                " calls_min: 1}")
        gateway.write_config(self.config(
            _ERRORS.replace("2s", "1h") + ", " + slow,
            self.page + ", {name: note, log: {}}"))
        gateway.wait_for_log(msg="configuration in use")
        self.assertEqual([each["name"] for each in self.alerts(gateway)],
                         ["errors", "slow"])
        self.assertEqual(self.alerts(gateway)[0]["state"], "STATE_FIRING")
        self.call(gateway)
        line = gateway.wait_for_log(msg="An alert fires")
        self.assertEqual(line["alert"], "slow")
        self.assertEqual(len(self.receiver.taken), 1)
        # One that goes is resolved.
        gateway.write_config(self.config(slow, self.page +
                                         ", {name: note, log: {}}"))
        self.assertEqual([each["state"] for each in self.receiver.wait_for(2)],
                         ["firing", "resolved"])
        # A mistake changes nothing.
        bad = self.operate(
            gateway, "ValidateConfig", text=self.config(
                slow.replace("note", "nobody"), "{name: note, log: {}}"))
        self.assertIn("alerts.rules[0].action",
                      [each["path"] for each in bad["problems"]])
        gateway.stop()

    def test_the_page_and_the_published_file_do_what_they_say(self):
        with open(_PAGE, encoding="utf-8") as file:
            page = file.read()
        with open(_SEED, encoding="utf-8") as file:
            seed = file.read()
        file_text, config = re.findall(r"```yaml\n(.*?)```", page,
                                       re.DOTALL)[:2]
        self.assertEqual(file_text, seed)
        path = os.path.join(self.folder, "alerts.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(seed)
        config = config.replace("files: [alerts.yaml]", f"files: ['{path}']")
        config = config.replace("alerts:\n", "alerts:\n  interval: 1s\n")
        config = config.replace("https://pager.example/hooks/gateway",
                                self.receiver.url)
        gateway = GatewayProcess(_CONFIG + "tracing: {}\n" + config, env={
            "PAGER_KEY": _KEY,
            "PAGER_AUTHORIZATION": "GenieKey abc",
            "SLACK_WEBHOOK_URL": self.receiver.url + "/slack"})
        self.addCleanup(gateway.kill)
        self.call(gateway, "broken", times=10)
        gateway.wait_for_log(msg="An alert has disabled a model")
        events = {each["alert"]: each for each in self.receiver.wait_for(1)}
        self.assertEqual(events["high_error_rate"]["state"], "firing")
        headers = self.receiver.taken[0][0]
        self.assertEqual((headers["authorization"], headers["x-team"]),
                         ("GenieKey abc", "platform"))
        self.assertEqual(
            sorted((each["name"], each["state"])
                   for each in self.alerts(gateway)),
            [("cost_spike", "STATE_OK"), ("high_error_rate", "STATE_FIRING"),
             ("high_latency", "STATE_OK"), ("model_failures", "STATE_FIRING")])
        lines = re.search(r"```sh\n(.*?)```", page, re.DOTALL)[1].splitlines()
        self.assertGreaterEqual(len(lines), 4)
        for line in lines:
            with self.subTest(line=line):
                words = line.split(" #")[0].split()
                self.assertEqual(words[0], "gatewayctl")
                made = self.gatewayctl(gateway, *words[1:])
                self.assertEqual(made.returncode, 0, made.stderr)
                self.assertTrue(made.stdout)
        # What the page shows of a webhook has the members that one has.
        shown = json.loads(re.search(r"```json\n(.*?)```", page,
                                     re.DOTALL)[1])
        self.assertEqual(list(shown), list(events["high_error_rate"]))
        # Addresses that are secrets are not shown.
        self.assertNotIn(self.receiver.url, self.operate(
            gateway, "GetConfig")["yaml"])
        gateway.stop()

    def test_operators_are_told_what_they_get_wrong(self):
        gateway = self.start(_ERRORS)
        self.assertIn("'errors'", self.operate(
            gateway, "SilenceAlert", "NOT_FOUND", name="error")["message"])
        self.operate(gateway, "SilenceAlert", "INVALID_ARGUMENT",
                     name="errors", duration="604801s")
        made = self.gatewayctl(gateway, "alerts", "silence", "errors")
        self.assertEqual(made.returncode, 1)
        self.assertIn("--for", made.stderr)
        shown = self.gatewayctl(gateway, "alerts", "silence", "errors",
                                "--for", "1h", "--output", "json")
        self.assertEqual(json.loads(shown.stdout)["alerts"][0]["name"],
                         "errors")
        gateway.stop()


if __name__ == "__main__":
    unittest.main()

"""The rules and dashboards of deploy/: Prometheus takes them, and all that they
ask for is told by a gateway that has served a few calls."""

import glob
import json
import os
import re
import subprocess
import tempfile
import unittest

from tests.integration import http_calls
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_RULES = sorted(glob.glob("deploy/prometheus/*.rules.yaml"))
_ALERTS_PLAYED = "tests/integration/alerting_rules.test.yaml"
_DASHBOARDS = sorted(glob.glob("deploy/grafana/*.json"))
_CONFIG = """\
providers:
  - name: openai
    openai: {base_url: "http://%(upstream)s/v1", api_key: "env:OPENAI_KEY"}
routing:
  model_rules:
    - {alias: spare, targets: [openai/gpt-broken], fallbacks: [openai/gpt-b]}
  default_target: openai
resilience:
  retry: {backoff_base: 1ms, backoff_limit: 5ms}
auth: {callers: {api_keys: [{id: team, key: "env:TEAM"}]}}
prices:
  models: [{model: gpt-b, input: "1", output: "2", cached_input: "0.5"}]
budgets:
  mode: warn
  rules:
    - {name: tight, unit: total_tokens, limit: 1}
    - {name: daily, unit: cost, limit_usd: "1", period: day}
ledger: {}
audit: {}
metrics: {compatible_names: true}
runtime: {state_dir: "%(state)s"}
alerts:
  rules: [{name: errors, condition: error_rate > 5%%, action: note}]
  actions: [{name: note, log: {}}]
"""
_KEYS = {"OPENAI_KEY": "key-of-openai-1234567890",
         "TEAM": "key-of-the-team-1234567890"}

# A name that is looked up: it has matchers, a range, or stands by itself.
_NAME = re.compile(r"\b([a-z_:]\w*(?::\w+)*)\b(?!\s*\()")
_STRINGS = re.compile(r'"[^"]*"')
_MATCHERS = re.compile(r"\{([^}]*)\}")
_RANGES = re.compile(r"\[\w+\]")
_GROUPINGS = re.compile(r"\b(?:by|without|on)\s*\(([^)]*)\)")
_WORDS = {"and", "or", "unless", "on", "ignoring", "group_left", "group_right",
          "bool", "by", "without", "offset"}
# The labels that Prometheus itself gives all that it scrapes.
_OF_PROMETHEUS = {"job", "instance"}
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')


def _expressions_of_rules():
    """The expressions, which are what follows `expr:` in our YAML."""
    expressions = []
    for path in _RULES:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for number, line in enumerate(lines):
            found = re.match(r"^(\s*)expr:\s*(.*)$", line)
            if not found:
                continue
            text = found[2] if found[2] != "|" else ""
            for more in lines[number + 1:]:
                depth = len(more) - len(more.lstrip())
                if depth <= len(found[1]):
                    break
                text += " " + more.strip()
            expressions.append(text)
    return expressions


def _expressions_of_dashboards():
    expressions = []
    for path in _DASHBOARDS:
        with open(path, encoding="utf-8") as file:
            board = json.load(file)
        for panel in board["panels"]:
            expressions += [each["expr"] for each in panel["targets"]]
    return expressions


def _records():
    text = "".join(open(path, encoding="utf-8").read() for path in _RULES)
    return set(re.findall(r"record: (\S+)", text))


def _names(expression):
    """The metrics that an expression asks for."""
    bare = _STRINGS.sub('""', expression)
    bare = _GROUPINGS.sub("", bare)
    bare = _RANGES.sub("", _MATCHERS.sub("", bare))
    return {name for name in _NAME.findall(bare) if name not in _WORDS}


def _labels(expression):
    """The labels that an expression tells metrics apart by."""
    bare = _STRINGS.sub('""', expression)
    labels = set()
    for matchers in _MATCHERS.findall(bare):
        labels |= set(re.findall(r"(\w+)\s*[=!]", matchers))
    for grouping in _GROUPINGS.findall(bare):
        labels |= set(re.findall(r"\w+", grouping))
    return labels


class RulesTest(unittest.TestCase):

    def check_rules(self, *paths):
        checked = subprocess.run(["promtool", "check", "rules", *paths],
                                 text=True, capture_output=True, check=False,
                                 timeout=60)
        self.assertEqual(checked.returncode, 0,
                         checked.stdout + checked.stderr)

    def test_prometheus_takes_the_rules(self):
        self.assertEqual(len(_RULES), 2)
        self.check_rules(*_RULES)

    def test_alerts_come_when_they_shall_and_only_then(self):
        played = subprocess.run(["promtool", "test", "rules", _ALERTS_PLAYED],
                                text=True, capture_output=True, check=False,
                                timeout=60)
        self.assertEqual(played.returncode, 0, played.stdout + played.stderr)

    def test_the_runbook_says_what_to_do_at_each_alert(self):
        with open("docs/runbook.md", encoding="utf-8") as file:
            named = set(re.findall(r"`(Llm\w+)`", file.read()))
        alerts = set()
        for path in _RULES:
            with open(path, encoding="utf-8") as file:
                alerts |= set(re.findall(r"alert: (\S+)", file.read()))
        self.assertGreater(len(alerts), 20)
        self.assertEqual(named, alerts)

    def test_a_rule_that_is_none_is_found_out(self):
        with self.assertRaises(AssertionError):
            self.check_dashboards(["sum by (x rate(llm_request_total[5m])"])

    def check_dashboards(self, expressions):
        rules = {"groups": [{"name": "dashboards", "rules": [
            {"record": "dashboard:panel_%d" % number,
             "expr": expression.replace("$provider", ".*")}
            for number, expression in enumerate(expressions)]}]}
        with tempfile.TemporaryDirectory(prefix="rules") as folder:
            path = os.path.join(folder, "dashboards.rules.yaml")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(rules, file)  # Which is YAML, too.
            self.check_rules(path)

    def test_prometheus_understands_what_dashboards_ask(self):
        expressions = _expressions_of_dashboards()
        self.assertGreater(len(expressions), 20)
        self.check_dashboards(expressions)

    def test_dashboards_have_what_grafana_needs(self):
        self.assertEqual(len(_DASHBOARDS), 3)
        seen = set()
        for path in _DASHBOARDS:
            with open(path, encoding="utf-8") as file:
                board = json.load(file)
            self.assertNotIn(board["uid"], seen)
            seen.add(board["uid"])
            ids = [panel["id"] for panel in board["panels"]]
            self.assertEqual(len(ids), len(set(ids)))
            for panel in board["panels"]:
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24)


class MetricsThatRulesNameTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rules")
        self.addCleanup(folder.cleanup)
        self.upstream = self.enterContext(MockUpstream())
        self.gateway = GatewayProcess(
            _CONFIG % {"upstream": self.upstream.address,
                       "state": os.path.join(folder.name, "state")},
            env=_KEYS)
        self.addCleanup(self.gateway.kill)

    def post(self, model, script, status, **fields):
        self.upstream.set_script(model, script)
        answer = ask(self.gateway.http, chat(model, **fields), headers={
            "authorization": "Bearer " + _KEYS["TEAM"]})
        self.assertEqual(answer.status, status, answer.body)
        self.gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])

    def samples(self):
        """The labels and the value of each sample, by the metric's name."""
        text = ask(self.gateway.operations, path="/metrics").body.decode()
        samples = {}
        for line in text.splitlines():
            match = _SAMPLE.match(line)
            if match and not line.startswith("#"):
                samples.setdefault(match[1], []).append(
                    (dict(_LABEL.findall(match[2] or "")), float(match[3])))
        return samples

    def test_all_that_is_asked_for_is_told(self):
        usage = {"prompt_tokens": 30, "completion_tokens": 5,
                 "cached_tokens": 3, "reasoning_tokens": 2}
        self.post("gpt-b", {"text": "Hi", "usage": usage}, 200)
        self.post("gpt-b", {"text": "Hi", "usage": usage}, 200, stream=True)
        self.post("gpt-nobody-knows", {"text": "Hi", "usage": usage}, 200)
        self.post("gpt-bad", {"status": 400}, 400)
        self.upstream.set_script("gpt-broken", {"status": 503})
        self.post("spare", {"text": "Hi", "usage": usage}, 200)
        self.post("gpt-b", [{"status": 503}, {"text": "Hi"}], 200)
        samples = self.samples()
        records = _records()
        expressions = (_expressions_of_rules() +
                       _expressions_of_dashboards())
        asked_for = set()
        for expression in expressions:
            names = _names(expression) - records
            self.assertTrue(names or _names(expression), expression)
            asked_for |= names
            for name in names:
                self.assertIn(name, samples, expression)
            told = set().union({"le"}, _OF_PROMETHEUS, *(
                labels for name in names for labels, _ in samples[name]))
            self.assertLessEqual(_labels(expression), told, expression)
        # And they move: what only grows is no zero.
        still = {name for name in asked_for if name.endswith("_total") and
                 not any(value > 0 for _, value in samples[name])}
        self.assertEqual(still, {"llmgw_alert_notifications_total",
                                 "llmgw_models_disabled_by_alerts_total",
                                 "llmgw_summary_failed_writes_total",
                                 "llmgw_access_log_dropped_total",
                                 "llmgw_log_lines_dropped_total",
                                 # As their tests see to it, where a disk fails.
                                 "llmgw_ledger_commit_failures_total",
                                 "llmgw_ledger_lost_entries_total",
                                 "llmgw_audit_dropped_total",
                                 "llmgw_audit_bodies_dropped_total",
                                 "llmgw_audit_write_failures_total",
                                 "llmgw_budget_scope_overflows_total"})
        self.assertGreater(len(asked_for), 20)
        for name in ("llmgw_budget_filled_ratio", "llmgw_ledger_entries"):
            self.assertIn(name, asked_for)
            self.assertTrue(any(value > 0 for _, value in samples[name]), name)

    def test_all_that_is_told_is_in_the_documents(self):
        pages = ""
        for path in glob.glob("docs/*.md"):
            with open(path, encoding="utf-8") as file:
                pages += file.read()
        text = ask(self.gateway.operations, path="/metrics").body.decode()
        names = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
        self.assertGreater(len(names), 50)
        documented = set(re.findall(r"\b\w+\b", pages))
        self.assertEqual(names - documented, set())


if __name__ == "__main__":
    unittest.main()

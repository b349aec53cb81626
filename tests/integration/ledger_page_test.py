"""What docs/ledger.md has people do, as it stands there, in one shell; and what
is asked of a ledger through the public ports."""

import json
import os
import re
import sqlite3
import subprocess
import tempfile
import unittest

from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.http_calls import encode
from tests.testing import postgres_process
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import environment
from tests.testing.mock_upstream import MockUpstream
from tests.testing.postgres_process import PostgresProcess

_PAGE = "docs/ledger.md"
_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_OPERATOR = "key-of-an-operator-0123456789"
_CONFIG = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
auth: {operators: {api_keys: [{id: on-call, key: "env:OPERATOR_KEY"}]}}
"""
_CALLS = 3


class LedgerCase(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ledger")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.ledger = os.path.join(self.folder, "state", "ledger.db")

    def start(self, config):
        gateway = GatewayProcess(
            config, env={"OPERATOR_KEY": _OPERATOR,
                         "LEDGER_PASSWORD": postgres_process.PASSWORD})
        self.addCleanup(gateway.kill)
        return gateway

    def variables(self, gateway):
        return environment({
            "PATH": os.path.dirname(_GATEWAYCTL) + ":/usr/bin:/bin",
            "HOME": self.folder, "GATEWAY_ADMIN": gateway.admin,
            "GATEWAY_OPERATOR_KEY": _OPERATOR, "LEDGER": self.ledger})

    def run_words(self, gateway, *words):
        done = subprocess.run(
            [_GATEWAYCTL, "ledger", *words], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=self.variables(gateway),
            check=False)
        return done.returncode, done.stdout, done.stderr


class LedgerPageTest(LedgerCase):

    def setUp(self):
        super().setUp()
        with open(_PAGE, encoding="utf-8") as file:
            blocks = _BLOCK.findall(file.read())
        config, self.replicas = [text for kind, text in blocks
                                 if kind == "yaml"]
        self.scripts = [text for kind, text in blocks if kind == "sh"]
        config = config.replace("state_dir: state",
                                "state_dir: '%s/state'" % self.folder)
        self.assertIn(self.folder, config)
        self.gateway = self.start(_CONFIG + config)

    def write_by_replica(self, postgres):
        """One call, by a gateway as the page has it for several replicas."""
        config = self.replicas
        for old, new in (
                ("/var/lib/llm-gateway", "'%s/replica'" % self.folder),
                ("host=db.example dbname=ledger user=gateway "
                 "sslmode=verify-full", '"%s"' % postgres.conninfo)):
            self.assertIn(old, config)
            config = config.replace(old, new)
        replica = self.start(_CONFIG + config)
        self.assertEqual(ask(replica.http, chat("gpt-5")).status, 200)
        replica.stop()

    def test_every_block_does_what_the_page_says(self):
        answer = None
        for call in range(_CALLS):
            answer = ask(self.gateway.http, chat("gpt-5"),
                         headers={"x-request-id": "call-%d" % call})
            self.assertEqual(answer.status, 200)
        exchange = answer.headers["x-llmgateway-exchange-entry-id"]
        dispatch = answer.headers["x-llmgateway-dispatch-entry-id"]
        variables = self.variables(self.gateway)
        variables.update(ENTRY=exchange, REQUEST="call-1")
        blocks = iter(self.scripts)

        def step(begins):
            script = next(blocks)
            self.assertIn(begins, script)
            done = subprocess.run(
                ["sh", "-eu", "-c", script], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, cwd=self.folder,
                env=variables, check=False)
            self.assertEqual(done.returncode, 0, script + done.stdout)
            return done.stdout

        # The last one is found by its id at once, and so are all before it.
        self.run_words(self.gateway, "get", exchange)
        newest = step("query --limit 20").splitlines()
        self.assertEqual(len(newest), 1 + 2 * _CALLS)
        self.assertIn(exchange, newest[1])
        self.assertIn("Dispatching to mock/", newest[2])
        self.assertIn(dispatch, newest[2])
        wrong = step("--decision ERROR")
        self.assertNotIn("LED-", wrong)
        one = step('ledger get "$ENTRY"')
        self.assertIn("decision       SUCCESS", one)
        self.assertIn('"request_id": "call-1"', one.replace("\\", ""))
        step("export --type EXCHANGE")
        with open(os.path.join(self.folder, "exchanges.jsonl"),
                  encoding="utf-8") as file:
            entries = [json.loads(line) for line in file]
        self.assertEqual([entry["decision"] for entry in entries],
                         ["SUCCESS"] * _CALLS)
        sums = step("group_by").splitlines()
        self.assertEqual(sums[0].split("\t")[:2], ["gpt-5", str(_CALLS)])
        told = step("gatewayctl ledger verify\n")
        self.assertIn("valid: %d of %d entries\n" % (2 * _CALLS, 2 * _CALLS),
                      told)
        hashes = told.splitlines()[1:]
        self.assertEqual(hashes[0],
                         "last hash " + entries[-1]["entry_hash"])
        both = step('verify "$LEDGER"').splitlines()
        self.assertEqual(both[1:3], hashes)
        self.assertEqual(both[4:6], hashes)
        self.assertEqual(step("hashlib"),
                         "valid, %s\n" % hashes[0])
        variables["NOTED"] = entries[0]["entry_hash"]
        noted = step("grep -c").splitlines()
        self.assertIn("valid: %d entries, 0 failures" % (2 * _CALLS), noted[0])
        self.assertEqual(noted[-1], "1")
        with open(os.path.join(self.folder, "request.json"), "w",
                  encoding="utf-8") as file:
            json.dump(chat("gpt-5"), file)
        self.assertEqual(step("request.json").strip(),
                         answer.headers["x-llmgateway-context-hash"])
        with PostgresProcess() as postgres:
            postgres.require_password()
            self.write_by_replica(postgres)
            variables.update(CONNECTION=postgres.conninfo,
                             PGPASSWORD=postgres_process.PASSWORD)
            told = step('--postgres "$CONNECTION"').splitlines()
        self.assertIn("Exchange completed", told[1])
        self.assertIn("valid: 2 of 2 entries", told)
        taken = step("ledger import")
        self.assertIn("imported %d entries into taken-over.db" % (2 * _CALLS),
                      taken)
        self.assertIn("valid: %d entries, 0 failures" % (2 * _CALLS), taken)
        self.assertIsNone(next(blocks, None))
        self.gateway.stop()


class ContextHashTest(LedgerCase):

    def setUp(self):
        super().setUp()
        with open(_PAGE, encoding="utf-8") as file:
            self.script, = [text for kind, text in _BLOCK.findall(file.read())
                            if "request.json" in text]

    def told(self, gateway, body):
        """What the page's lines tell of a request."""
        with open(os.path.join(self.folder, "request.json"), "wb") as file:
            file.write(encode(body))
        return subprocess.run(
            ["sh", "-eu", "-c", self.script], stdout=subprocess.PIPE,
            text=True, cwd=self.folder, check=True,
            env=self.variables(gateway)).stdout.strip()

    def test_what_python_reads_beyond_the_grammar_has_its_hash(self):
        with MockUpstream(any_request=True) as upstream:
            upstream.set_script("*", {"text": "ok"})
            gateway = self.start("""\
providers:
  - {name: openai, openai: {base_url: "http://%s/v1"}}
  - {name: anthropic, anthropic: {base_url: "http://%s"}}
routing:
  model_rules: [{prefix: claude-, targets: [anthropic]}]
  default_target: openai
ledger: {}
runtime: {state_dir: '%s/state'}
""" % (upstream.address, upstream.address, self.folder))
            alone = r'[{"role":"user","content":"a\ud800b"}]'
            for path, body in (
                    ("/v1/chat/completions", '"messages":' + alone),
                    ("/v1/chat/completions",
                     '"stream":true,"messages":' + alone),
                    ("/v1/messages", '"max_tokens":5,"messages":' + alone),
                    ("/v1/chat/completions",
                     r'"messages":[{"role":"user","content":"\udc00"},'
                     r'{"role":"user","content":"b","x":[1e400,-1e400]}]'),
                    ("/v1/chat/completions",
                     '"messages":[{"role":"system","content":"s","y":NaN}]'),
                    ("/v1/embeddings", '"input":[1,2,3]'),
                    ("/v1/embeddings", '"input":[[1,2,3]]'),
                    ("/v1/embeddings", '"input":[[1,2],[3]]')):
                body = '{"model":"%s",%s}' % (
                    "claude-x" if path == "/v1/messages" else "gpt-x", body)
                with self.subTest(path=path, body=body):
                    answer = ask(gateway.http, body.encode(), path=path,
                                 headers={"anthropic-version": "2023-06-01"})
                    self.assertEqual(answer.status, 200, answer.body)
                    self.assertEqual(
                        answer.headers["x-llmgateway-context-hash"],
                        self.told(gateway, body.encode()))
            gateway.stop()

    def test_whoever_has_a_request_has_its_hash(self):
        gateway = self.start(_CONFIG + "ledger: {}\nruntime: {state_dir: "
                             "'%s/state'}\n" % self.folder)
        text = "B\u00e4r \"1\"\n"
        turns = [{"role": "user", "content": text},
                 {"role": "assistant", "content": "x"},
                 {"role": "user", "content": "y"}]
        parts = [{"type": "text", "text": text}]
        for path, body in (
                ("/v1/chat/completions", chat("gpt-5", text)),
                ("/v1/chat/completions", {"model": "m", "messages": turns}),
                ("/v1/chat/completions",
                 {"model": "m",
                  "messages": [{"role": "user", "content": parts}]}),
                ("/v1/chat/completions",
                 {"model": "m",
                  "messages": [{"role": "system", "content": text},
                               {"role": "user", "content": parts * 2}]}),
                ("/v1/messages", chat("m", text, max_tokens=9)),
                ("/v1/messages", chat("m", text, max_tokens=9, system="s")),
                ("/v1/responses", {"model": "m", "input": text}),
                ("/v1/responses", {"model": "m", "input": turns,
                                   "instructions": "i"}),
                ("/v1beta/models/m:generateContent",
                 {"contents": [{"parts": [{"text": text}]}]}),
                ("/v1beta/models/m:generateContent",
                 {"contents": [{"role": "user", "parts": [{"text": text}]}],
                  "systemInstruction": {"parts": [{"text": "s"}]}}),
                ("/v1/embeddings", {"model": "m", "input": text}),
                ("/v1/embeddings", {"model": "m", "input": [text]}),
                ("/v1/embeddings", {"model": "m", "input": [text, "b"]})):
            with self.subTest(path=path, body=body):
                answer = ask(gateway.http, body, path=path,
                             headers={"anthropic-version": "2023-06-01"})
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(self.told(gateway, body),
                                 answer.headers["x-llmgateway-context-hash"])
        gateway.stop()


class LedgerToolsTest(LedgerCase):

    def config(self):
        return _CONFIG + "ledger: {}\nruntime: {state_dir: '%s/state'}\n" % (
            self.folder)

    def test_a_file_says_what_the_gateway_says(self):
        gateway = self.start(self.config())
        for model in ("gpt-5", "gpt-5-mini"):
            self.assertEqual(ask(gateway.http, chat(model)).status, 200)
        last = ask(gateway.http, chat("gpt-5")).headers[
            "x-llmgateway-exchange-entry-id"]
        self.assertEqual(self.run_words(gateway, "get", last)[0], 0)
        for words in (["query"], ["query", "--order", "oldest"],
                      ["query", "--model", "gpt-5"],
                      ["query", "--type", "DISPATCH", "--limit", "2"],
                      ["query", "--since", "1h"], ["query", "--until", "1h"],
                      ["get", last], ["export"],
                      ["export", "--model", "gpt-5-mini"]):
            asked = self.run_words(gateway, *words)
            self.assertEqual(asked[0], 0, asked)
            self.assertEqual(
                self.run_words(gateway, *words, "--file", self.ledger), asked)
        self.assertEqual(
            self.run_words(gateway, "export", "--model", "gpt-5-mini")[1]
            .count("\n"), 2)
        after = self.run_words(gateway, "verify", "--after", "4")
        self.assertIn("valid: 2 of 2 entries", after[1])
        self.assertEqual(
            self.run_words(gateway, "verify", "--after", "7")[0], 1)
        gateway.stop()

    def test_tampering_is_found_by_the_gateway_and_offline(self):
        gateway = self.start(self.config())
        for _ in range(4):
            self.assertEqual(ask(gateway.http, chat("gpt-5")).status, 200)
        gateway.stop()
        # Before the checkpoint of the stop, behind which a start reads.
        taken_over = sqlite3.connect(self.ledger)
        with taken_over:
            taken_over.execute(
                "UPDATE commits SET texts = CAST(replace(CAST(texts AS TEXT), "
                "'\"outcome\": \"success\"', '\"outcome\": \"Success\"') AS "
                "BLOB) WHERE first_entry <= 4 AND first_entry + entries > 4")
        taken_over.close()
        gateway = self.start(self.config())
        code, told, _ = self.run_words(gateway, "verify")
        self.assertEqual(code, 1)
        self.assertIn("FAIL  the entry 4, LED-", told)
        self.assertIn("it was altered", told)
        code, told, _ = self.run_words(gateway, "verify", self.ledger)
        self.assertEqual(code, 1)
        self.assertIn("FAIL  %s, entry 4, LED-" % self.ledger, told)
        gateway.stop()

    def test_what_was_taken_over_is_gone_on_with(self):
        gateway = self.start(self.config())
        self.assertEqual(ask(gateway.http, chat("gpt-5")).status, 200)
        _, lines, _ = self.run_words(gateway, "export")
        gateway.stop()
        with open(os.path.join(self.folder, "old.jsonl"), "w",
                  encoding="utf-8") as file:
            file.write(lines)
        os.rename(self.ledger, self.ledger + ".before")
        for ending in ("-wal", "-shm"):
            if os.path.exists(self.ledger + ending):
                os.remove(self.ledger + ending)
        code, _, wrong = self.run_words(
            gateway, "import", os.path.join(self.folder, "old.jsonl"), "--to",
            self.ledger)
        self.assertEqual(code, 0, wrong)
        gateway = self.start(self.config())
        last = ask(gateway.http, chat("gpt-5")).headers[
            "x-llmgateway-exchange-entry-id"]
        self.assertEqual(self.run_words(gateway, "get", last)[0], 0)
        self.assertIn("valid: 4 of 4 entries",
                      self.run_words(gateway, "verify")[1])
        self.assertTrue(self.run_words(gateway, "export")[1].startswith(lines))
        gateway.stop()

    def test_what_cannot_be_answered_is_told(self):
        gateway = self.start(_CONFIG)
        for words in (["query"], ["get", "LED-1"], ["verify"], ["export"]):
            code, out, wrong = self.run_words(gateway, *words)
            self.assertEqual((code, out), (1, ""), words)
            self.assertIn("ledger is not configured", wrong)
        gateway.stop()
        gateway = self.start(self.config())
        code, out, wrong = self.run_words(gateway, "get", "LED-none")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("no entry with the id 'LED-none'", wrong)
        gateway.stop()


if __name__ == "__main__":
    unittest.main()

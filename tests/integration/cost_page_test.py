"""What docs/cost.md has an operator do, as it stands there, and what it shows."""

import os
import re
import subprocess
import tempfile
import unittest

from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import environment

_PAGE = "docs/cost.md"
_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_REST = """\
providers:
  - {name: mock, mock: {reply: "a b"}}
routing: {default_target: mock}
runtime: {state_dir: '%s/state'}
ledger: {path: ledger.db}
"""


class CostPageTest(unittest.TestCase):

    def setUp(self):
        with open(_PAGE, encoding="utf-8") as file:
            self.blocks = _BLOCK.findall(file.read())
        folder = tempfile.TemporaryDirectory(prefix="cost")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.gateway = GatewayProcess(
            _REST % folder.name + self.texts("yaml")[0])
        self.addCleanup(self.gateway.kill)

    def texts(self, kind):
        return [text for of, text in self.blocks if of == kind]

    def run_script(self, script):
        done = subprocess.run(
            ["sh", "-eu", "-c", script], cwd=self.folder, text=True,
            capture_output=True, timeout=60, check=False,
            env=environment({
                "PATH": os.path.dirname(_GATEWAYCTL) + ":/usr/bin:/bin",
                "GATEWAY_ADMIN": self.gateway.admin}))
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def cost(self):
        """Of a call, in dollars for each of its tokens."""
        answer = ask(self.gateway.http, chat("house-large"),
                     headers={"x-llmgateway-details": "true"})
        self.assertEqual(answer.status, 200, answer.body)
        usage = answer.json()["usage"]
        return (usage["prompt_tokens"], usage["completion_tokens"],
                round(float(answer.headers["x-llmgateway-cost-usd"]) * 1e9))

    def check_cost(self, input_price, output_price):
        prompt, completion, nanos = self.cost()
        self.assertEqual(nanos, round(1000 * (prompt * input_price +
                                              completion * output_price)))

    @staticmethod
    def lines(text):
        return [line.split() for line in text.splitlines()]

    def test_every_block_does_what_the_page_says(self):
        set_price, list_prices, remove, reprice, again = self.texts("sh")
        shown_prices, shown_sums = self.texts("text")[:2]
        self.check_cost(1, 4)
        self.run_script(set_price)
        self.assertEqual(self.lines(self.run_script(list_prices)),
                         self.lines(shown_prices))
        self.check_cost(0.9, 3.6)
        self.run_script(remove)
        self.check_cost(1, 4)
        # By now, the call that had the price that was taken back differs.
        for script in (reprice, again):
            with self.assertRaises(AssertionError):
                self.run_script(script)
        self.gateway.stop()

    def test_the_ledger_agrees_as_the_page_shows(self):
        costs = [self.cost()[2] for _ in range(2)]
        shown = self.texts("text")[1]
        dollars = ("%.9f" % (sum(costs) / 1e9)).rstrip("0")
        # Of the file, and of the gateway.
        for script in self.texts("sh")[3:5]:
            self.assertEqual(
                self.lines(self.run_script(script)),
                self.lines(shown.replace("0.000008", dollars)))
        self.gateway.stop()


if __name__ == "__main__":
    unittest.main()

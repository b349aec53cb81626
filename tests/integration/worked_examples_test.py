"""The worked examples of docs/routing.md and docs/resilience.md, as they stand
there: each is a configuration and a table of calls."""

import re
import unittest

from tests.integration.grpc_caller import GrpcCaller
from tests.integration.grpc_caller import prompt
from tests.testing.gateway_process import GatewayProcess

_CONFIG = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")


class Example:
    """A page's section with its configuration and its calls."""

    def __init__(self, page):
        with open(page, encoding="utf-8") as file:
            section = file.read().split("\n## Worked examples\n")[1]
        section = section.split("\n## ")[0]
        self.config = _CONFIG.search(section).group(1)
        table = [line for line in section.splitlines()
                 if line.startswith("| `")]
        self.rows = [[cell.strip() for cell in line.strip("|").split("|")]
                     for line in table]


class WorkedExamplesTest(unittest.TestCase):

    def make_calls(self, page, count_min):
        example = Example(page)
        self.assertGreaterEqual(len(example.rows), count_min)
        with GatewayProcess(example.config) as gateway, \
                GrpcCaller() as caller:
            for call, answered_by, why, attempts in example.rows:
                with self.subTest(call):
                    said = dict(each.split(": ", 1)
                                for each in _CODE.findall(call))
                    made = caller.start_generate(
                        gateway.grpc, prompt(said.pop("model")),
                        metadata=list(said.items()))
                    end = made.wait()
                    if end["code"] != "OK":
                        self.assertEqual(f"`{end['reason']}`", answered_by,
                                         end["message"])
                        continue
                    route = made.response["route"]
                    self.assertEqual(
                        (f"`{route['provider']}/{route['model']}`",
                         f"`{route['reason']}`",
                         str(len(made.response["attempts"]))),
                        (answered_by, why, attempts))

    def test_of_routing(self):
        self.make_calls("docs/routing.md", 12)

    def test_of_resilience(self):
        self.make_calls("docs/resilience.md", 6)


if __name__ == "__main__":
    unittest.main()

"""The engines against each other: the same calls, good and bad, to all."""

import time
import unittest

from tests.interop import corpus
from tests.interop import interop_case
from tests.interop.raw_caller import RawCaller, Request, field

_PROBE = corpus.ANSWERED["unary"].request
_ECHO = "/llmgateway.testing.v1.EchoService/Echo"
_EXPAND = "/llmgateway.testing.v1.EchoService/Expand"
_TIMEOUT_S = 30.0


class _AllEngines(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = RawCaller()
        cls.addClassCleanup(cls.caller.close)
        cls.servers = {}
        for engine in interop_case.engines():
            cls.servers[engine] = interop_case.InteropServer(engine)
            cls.addClassCleanup(cls.servers[engine].kill)

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers.values():
            server.stop()
        super().tearDownClass()

    def answers(self, request):
        """[(engine, answer)], and whether each connection lived on."""
        result = []
        for engine, server in self.servers.items():
            # The first call sees to it that settings have gone both ways.
            before, answer, after = self.caller.call(
                server.address, [_PROBE, request, _PROBE])
            self.assertEqual(before.summary, "OK")
            result.append((engine, answer, after.summary == "OK"))
        return result

    def check_summaries(self, name, answers):
        for engine, answer, lives in answers:
            with self.subTest(engine=engine):
                self.assertIn(
                    answer.summary, corpus.expected(engine, name),
                    answer.message)
                self.assertEqual(
                    lives,
                    name not in corpus.CONNECTION_ENDS.get(engine, ()))


class AnsweredTest(_AllEngines):
    """Whatever a caller sees of a handler's answer is the same."""

    def check(self, name):
        answers = self.answers(corpus.ANSWERED[name].request)
        self.check_summaries(name, answers)
        reference, first, _ = answers[0]
        for engine, answer, _ in answers[1:]:
            with self.subTest(engine=engine, reference=reference):
                self.assertEqual(answer.as_seen_by_callers(),
                                 first.as_seen_by_callers())


class RefusedTest(_AllEngines):
    """Codes are the same but for the differences that are named."""

    def check(self, name):
        self.check_summaries(name,
                             self.answers(corpus.REFUSED[name].request))

    def test_each_difference_is_of_a_call_and_has_a_reason(self):
        for engine, differences in corpus.DIFFERENCES.items():
            self.assertIn(engine, self.servers)
            for name, (_, reason) in differences.items():
                self.assertNotIn(corpus.REFUSED[name].expected,
                                 corpus.expected(engine, name))
                self.assertTrue(reason.endswith("."), name)


class HangUpTest(_AllEngines):
    """A handler learns that its caller has gone, however that went."""

    def waiting(self, server):
        [answer] = self.caller.call(
            server.address, [Request(_ECHO, [field(1, b"waiting")])])
        return answer.messages

    def check(self, hang_up):
        for engine, server in self.servers.items():
            with self.subTest(engine=engine):
                self.caller.call(server.address, [
                    _PROBE, Request(_EXPAND, [b""], hang_up=hang_up)])
                give_up = time.monotonic() + _TIMEOUT_S
                while self.waiting(server) != [field(1, b"0")]:
                    self.assertLess(time.monotonic(), give_up)

    def test_by_reset(self):
        self.check("reset")

    def test_by_closing_the_connection(self):
        self.check("close")

    def test_a_reset_keeps_the_connection(self):
        for engine, server in self.servers.items():
            with self.subTest(engine=engine):
                _, answer, after = self.caller.call(server.address, [
                    _PROBE, Request(_EXPAND, [b""], hang_up="reset"), _PROBE])
                self.assertEqual(answer.summary, "HUNG_UP")
                self.assertEqual(answer.messages, [field(1, b"waiting")])
                self.assertEqual(after.summary, "OK")


def _add_cases(case, names):
    for name in names:
        words = "".join(c if c.isalnum() else " " for c in name).split()
        method = "test_" + "_".join(words)
        assert not hasattr(case, method), method
        setattr(case, method, lambda self, name=name: self.check(name))


_add_cases(AnsweredTest, corpus.ANSWERED)
_add_cases(RefusedTest, corpus.REFUSED)


if __name__ == "__main__":
    unittest.main()

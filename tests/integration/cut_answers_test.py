"""An answer that breaks off costs what came of it, to the nano-dollar the same
whether it came whole or as a stream, by whichever API, forwarded or
translated, and however the connection ended (docs/cost.md)."""

import json
import unittest

from tests.integration import answer_case
from tests.integration.answer_case import APIS, JSON, STREAM, nanos_of, whole
from tests.integration.ledger_case import of_type, read_ledger

# "Hello" with its frame, by estimate.
_INPUT = 6
_USAGE = (100, 700)
# Letters of one, two and three bytes, and what JSON escapes.
_TEXT = "w\u00f6rter \u4f60\u597d \"and\" more\n" * 20
# How a connection ends before its answer does: less comes than was announced;
# the chunks have no end; or it ends where nothing was announced, so that only
# the JSON tells.
_ENDS = {"length": {"framing": "content_length", "garbage": "short_body"},
         "chunks": {"framing": "chunked", "garbage": "short_body"},
         "close": {"framing": "close"}}


def _after(body, mark):
    """The body up to the end of a mark."""
    return body[:body.rindex(mark) + len(mark)]


def _text_before(characters):
    """How much of the text stands in a body that ends after so many."""
    return -(-characters // 4)


class CutAnswersTest(answer_case.AnswerCase):

    def setUp(self):
        self._owed = {}

    def tearDown(self):
        """The ledger has each attempt with its cost."""
        costs = {}
        for entry in of_type(read_ledger(self.ledger), "EXCHANGE"):
            costs.setdefault(entry["metadata"]["model_id"], []).append(
                entry["metadata"]["gateway"]["cost_usd_nanos"])
        for model, (attempts, nanos) in self._owed.items():
            self.assertEqual(costs[model], [nanos] * attempts, model)

    def expect(self, line, input_tokens, output_tokens, estimated=True):
        """The line has what each attempt came to, added up."""
        attempts = line["attempt_count"]
        self.assertEqual((line["input_tokens"], line["output_tokens"],
                          line.get("usage_estimated", False),
                          line.get("cost_usd_nanos", 0)),
                         (attempts * input_tokens, attempts * output_tokens,
                          estimated,
                          attempts * nanos_of(input_tokens, output_tokens)))

    def check_whole(self, vendor, body, *expected):
        """However it ends, and whichever API asks."""
        for end, script in _ENDS.items():
            for api in APIS[vendor]:
                model = self.script(vendor, {
                    "body": body, "content_type": JSON, **script})
                with self.subTest(vendor=vendor, api=api, end=end,
                                  body=body[-40:]):
                    status, _, line = self.ask(api, model)
                    broken = end != "close"
                    if api == "grpc":
                        self.assertEqual(status, "UNAVAILABLE" if broken
                                         else "INTERNAL")
                    else:
                        self.assertEqual(status, 502)
                    self.assertEqual(
                        line["error_reason"], "PROVIDER_UNAVAILABLE" if broken
                        else "PROVIDER_BAD_RESPONSE")
                    self.expect(line, *expected)
                    self._owed[model] = (line["attempt_count"],
                                         nanos_of(*expected[:2]))

    def test_in_the_middle_of_its_text(self):
        for vendor in APIS:
            body = whole(vendor, _TEXT, _USAGE)
            written = json.dumps(_TEXT, ensure_ascii=False)[1:-1]
            begin = body.index(written)
            for said in (0, 1, 203, len(_TEXT)):
                size = len(json.dumps(_TEXT[:said], ensure_ascii=False)) - 2
                self.check_whole(vendor, body[:begin + size],
                                 _INPUT, _text_before(said))

    def test_within_an_escape(self):
        for vendor in APIS:
            body = json.dumps(json.loads(whole(vendor, "four\U0001f600",
                                               _USAGE)))
            for mark in ("four\\", "four\\ud8", "four\\ud83d", "four\\ud83d\\",
                         "four\\ud83d\\ude0"):
                self.check_whole(vendor, _after(body, mark), _INPUT, 1)

    def test_before_its_text(self):
        for vendor in APIS:
            body = whole(vendor, "some words", _USAGE)
            for size in (1, 12, body.index("some words") - 4):
                self.check_whole(vendor, body[:size], _INPUT, 0)

    def test_within_its_usage(self):
        for vendor in APIS:
            body = whole(vendor, "some words", _USAGE)
            for mark in ("100", ": 7", ": 70", ": 700"):
                # What may have gone on is no number yet.
                self.check_whole(
                    vendor, _after(body, mark),
                    _INPUT if mark == "100" else _USAGE[0], 3)

    def test_after_its_usage(self):
        for vendor in APIS:
            body = whole(vendor, "some words", _USAGE)
            self.check_whole(vendor, _after(body, "700}"), *_USAGE)
            self.check_whole(vendor, body[:-1], *_USAGE)

    def test_a_stream_of_the_same_text_costs_the_same(self):
        texts = [_TEXT[at:at + 7] for at in range(0, len(_TEXT), 7)]
        for vendor in APIS:
            for count in (1, 2, 29):
                body = "".join(answer_case.pieces(vendor, texts[:count]))
                said = len("".join(texts[:count]))
                for end, script in _ENDS.items():
                    for api in APIS[vendor]:
                        model = self.script(vendor, {
                            "body": body, "content_type": STREAM, **script})
                        with self.subTest(vendor=vendor, api=api, end=end,
                                          said=said):
                            _, _, line = self.ask(api, model, True)
                            self.assertEqual(line["error_reason"],
                                             "STREAM_INTERRUPTED")
                            self.expect(line, _INPUT, _text_before(said))

    def test_so_it_does_in_the_middle_of_an_event(self):
        texts = ["w\u00f6rter ", "\u4f60\u597d \"and\" more\n" * 9]
        for vendor in APIS:
            *before, last = answer_case.pieces(vendor, texts)
            begin = last.index("\u4f60")
            for size, said in ((0, 7), (1, 8), (2, 9), (4, 10), (5, 11)):
                body = "".join(before) + last[:begin + size]
                for end, script in _ENDS.items():
                    for api in APIS[vendor]:
                        model = self.script(vendor, {
                            "body": body, "content_type": STREAM, **script})
                        with self.subTest(vendor=vendor, api=api, end=end,
                                          body=body[-40:]):
                            _, _, line = self.ask(api, model, True)
                            self.expect(line, _INPUT, _text_before(said))


if __name__ == "__main__":
    unittest.main()

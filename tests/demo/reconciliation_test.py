"""The comparison of an invoice with a ledger finds each way to differ."""

import copy
import unittest

from tests.demo import reconciliation
from tests.demo.reconciliation import Price

_PRICE = Price("0.3333333", "1.7777777", "0.0333333")


def _line(number, prompt=101, completion=53, cached=11):
    return {"model": "m", "request_id": "r-%d" % number, "outcome": "served",
            "tokens": {"prompt_tokens": prompt, "cached_tokens": cached,
                       "completion_tokens": completion}}


def _entries(number, nanos, decision="SUCCESS", estimated=False, prompt=101,
             completion=53):
    return [
        {"event_type": "DISPATCH", "id": "D-%d" % number},
        {"event_type": "EXCHANGE", "id": "E-%d" % number,
         "decision": decision, "metadata": {
             "dispatch_entry_id": "D-%d" % number, "model_id": "m",
             "gateway": {"request_id": "r-%d" % number,
                         "cost_usd_nanos": nanos, "estimated": estimated,
                         "usage": {"input_tokens": prompt,
                                   "output_tokens": completion}}}}]


class ReconciliationTest(unittest.TestCase):

    def setUp(self):
        # Worked out by hand: 90 * 333.3333 + 11 * 33.3333 + 53 * 1777.7777
        # = 29999.997 + 366.6663 + 94222.2181.
        self.nanos = 124589
        self.lines = [_line(1), _line(2)]
        self.entries = _entries(1, self.nanos) + _entries(2, self.nanos)

    def reconcile(self):
        return reconciliation.reconcile(self.lines, self.entries,
                                        lambda model: _PRICE)

    def differs(self, text):
        found = self.reconcile().differences
        self.assertEqual(len(found), 1, found)
        self.assertIn(text, found[0])

    def own(self, number):
        return self.entries[2 * number - 1]["metadata"]["gateway"]

    def test_what_is_the_same_agrees(self):
        found = self.reconcile()
        self.assertEqual(found.differences, [])
        self.assertEqual(len(found.exact), 2)

    def test_half_a_nano_dollar_is_rounded_up_and_less_is_not(self):
        tokens = _line(1, prompt=1, completion=0, cached=0)["tokens"]
        for price, nanos in (("0.0005", 1), ("0.0004999", 0)):
            self.assertEqual(reconciliation.nanos(
                tokens, Price(price, "0", "0")), nanos)

    def test_a_nano_dollar_is_a_difference(self):
        for change in (-1, 1):
            self.own(1)["cost_usd_nanos"] = self.nanos + change
            self.differs("E-1: the ledger has %d" % (self.nanos + change))

    def test_other_tokens_of_the_same_cost_are_a_difference(self):
        self.own(2)["usage"]["input_tokens"] += 1
        self.differs("E-2: the ledger has")

    def test_what_is_billed_must_be_in_the_ledger(self):
        self.lines.append(_line(3))
        self.differs("billed and not in the ledger")

    def test_what_is_billed_twice_must_be_there_twice(self):
        self.lines.append(copy.deepcopy(self.lines[0]))
        self.differs("billed and not in the ledger")

    def test_what_cost_something_must_be_billed(self):
        self.lines.pop()
        self.differs("in the ledger and not billed: E-2")

    def test_what_failed_and_cost_nothing_is_free(self):
        self.entries += _entries(3, 0, decision="ERROR", prompt=0,
                                 completion=0)
        found = self.reconcile()
        self.assertEqual((found.differences, found.free), ([], 1))

    def test_what_failed_for_nothing_and_is_billed_is_a_difference(self):
        self.lines.append(_line(3))
        self.entries += _entries(3, 0, decision="ERROR", prompt=0,
                                 completion=0)
        self.differs("E-3: the ledger has 0 nanos")

    def test_a_request_that_was_sent_again_is_billed_to_who_served_it(self):
        again = _entries(3, 0, decision="ERROR", prompt=0, completion=0)
        again[1]["metadata"]["gateway"]["request_id"] = "r-1"
        self.entries = again + self.entries
        found = self.reconcile()
        self.assertEqual((found.differences, found.free), ([], 1))

    def test_estimates_are_apart_billed_or_not(self):
        self.lines.append(_line(3))
        self.entries += _entries(3, 5, decision="UNKNOWN", estimated=True)
        self.entries += _entries(4, 7, decision="ERROR", estimated=True)
        found = self.reconcile()
        self.assertEqual(found.differences, [])
        self.assertEqual([pair.billed_nanos for pair in found.apart],
                         [self.nanos, 0])

    def test_what_is_unknown_is_marked(self):
        self.entries[1]["decision"] = "UNKNOWN"
        self.differs("UNKNOWN and not marked")

    def test_each_dispatch_has_one_exchange(self):
        self.entries.append({"event_type": "DISPATCH", "id": "D-9"})
        self.differs("D-9 has no EXCHANGE")
        self.entries = self.entries[:-2]
        self.lines.pop()
        self.differs("D-2 has no EXCHANGE")

    def test_an_exchange_of_no_dispatch_is_a_difference(self):
        del self.entries[0]
        self.differs("which is no DISPATCH")


if __name__ == "__main__":
    unittest.main()

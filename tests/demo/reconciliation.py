"""Compares what a provider bills with what the gateway's ledger says it cost.

    found = reconcile(invoice_lines, ledger_entries, price_of)
    found.exact         both say the same, to the nano-dollar
    found.apart         exchanges that are marked as estimated
    found.differences   what must not be: a text each

The provider's cost is computed here, from the tokens of its invoice, by
arithmetic of its own. A line and an exchange belong together by the id of their
request and by the model; of several exchanges, a request that was sent again, the
one that says it has been served comes first.
"""

import collections
from fractions import Fraction

# Dollars for a million tokens.
Price = collections.namedtuple("Price", ["input", "output", "cached"])
# An exchange beside the line of the invoice, either of which may be None.
Pair = collections.namedtuple("Pair", ["exchange", "line", "billed_nanos"])


class Reconciliation:
    """What came of the comparison."""

    def __init__(self):
        self.exact = []
        self.apart = []
        self.free = 0  # Exchanges that cost nothing, and are billed nothing.
        self.differences = []


def exchanges_of(entries):
    return [entry for entry in entries if entry["event_type"] == "EXCHANGE"]


def cost_of(exchange):
    """Of an EXCHANGE entry, in nano-dollars."""
    return exchange["metadata"]["gateway"]["cost_usd_nanos"]


def nanos(tokens, price):
    """What the tokens of an invoice's line cost, rounded half up once."""
    cached = tokens["cached_tokens"]
    exact = (Fraction(price.input) * (tokens["prompt_tokens"] - cached) +
             Fraction(price.cached) * cached +
             Fraction(price.output) * tokens["completion_tokens"]) * 1000
    return int(exact + Fraction(1, 2))


def check_pairs(entries):
    """Each DISPATCH has one EXCHANGE and no other has: what is wrong."""
    dispatched = {entry["id"] for entry in entries
                  if entry["event_type"] == "DISPATCH"}
    closed = collections.Counter(
        entry["metadata"]["dispatch_entry_id"]
        for entry in exchanges_of(entries))
    wrong = ["%s has no EXCHANGE" % entry for entry in dispatched - set(closed)]
    wrong += ["an EXCHANGE names %s, which is no DISPATCH" % entry
              for entry in set(closed) - dispatched]
    wrong += ["%s has %d EXCHANGEs" % pair for pair in closed.items()
              if pair[1] > 1]
    return sorted(wrong)


def reconcile(lines, entries, price_of):
    """Compares; `price_of` gives the Price of a model."""
    found = Reconciliation()
    found.differences = check_pairs(entries)
    billed = collections.defaultdict(list)
    for line in lines:
        billed[line["request_id"], line["model"]].append(line)
    for entry in sorted(exchanges_of(entries), key=_rank):
        own = entry["metadata"]["gateway"]
        key = own["request_id"], entry["metadata"]["model_id"]
        line = billed[key].pop(0) if billed[key] else None
        _compare(found, entry, line, price_of)
    for rest in billed.values():
        found.differences += ["billed and not in the ledger: %s" % line
                              for line in rest]
    return found


def _rank(exchange):
    if exchange["metadata"]["gateway"]["estimated"]:
        return 1
    return 0 if exchange["decision"] == "SUCCESS" else 2


def _compare(found, entry, line, price_of):
    own = entry["metadata"]["gateway"]
    cost = (0 if line is None else
            nanos(line["tokens"], price_of(line["model"])))
    pair = Pair(entry, line, cost)
    if own["estimated"]:
        found.apart.append(pair)
        return
    if entry["decision"] == "UNKNOWN":
        found.differences.append("UNKNOWN and not marked as estimated: %s" %
                                 entry["id"])
    elif line is None and own["cost_usd_nanos"] == 0:
        found.free += 1
    elif line is None:
        found.differences.append("in the ledger and not billed: %s, %d nanos"
                                 % (entry["id"], own["cost_usd_nanos"]))
    elif cost != own["cost_usd_nanos"] or not _same_tokens(own, line):
        found.differences.append(
            "%s: the ledger has %d nanos for %s, the invoice %d for %s" % (
                entry["id"], own["cost_usd_nanos"], own["usage"], cost, line))
    else:
        found.exact.append(pair)


def _same_tokens(own, line):
    usage, tokens = own["usage"], line["tokens"]
    return ((usage.get("input_tokens", 0), usage.get("output_tokens", 0)) ==
            (tokens["prompt_tokens"], tokens["completion_tokens"]))

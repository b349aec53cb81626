"""Samples of /metrics, by what stands before their number.

What is read may be some milliseconds old, and a call is counted when it ends,
which may be a moment after its answer: who expects a number waits for it.
"""

import time

from tests.integration.http_calls import ask

_TIMEOUT_S = 20


def samples(gateway):
    """All samples: {name and labels: number}."""
    text = ask(gateway.operations, path="/metrics").body.decode()
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, number = line.rsplit(" ", 1)
            found[name] = float(number)
    return found


def sample(gateway, name):
    """The number of one; None if there is none."""
    return samples(gateway).get(name)


def await_sample(gateway, name, value):
    """Waits until it has the value."""
    _await(gateway, name, lambda found: found == value, value)


def await_at_least(gateway, name, least):
    """Waits until there is one of at least so much."""
    _await(gateway, name, lambda found: found is not None and found >= least,
           "at least %s" % least)


def _await(gateway, name, holds, wanted):
    deadline = time.monotonic() + _TIMEOUT_S
    while not holds(found := sample(gateway, name)):
        if time.monotonic() > deadline:
            raise AssertionError("%s is %s, and not %s" % (name, found, wanted))
        time.sleep(0.01)

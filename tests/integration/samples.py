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
    deadline = time.monotonic() + _TIMEOUT_S
    while (found := sample(gateway, name)) != value:
        if time.monotonic() > deadline:
            raise AssertionError("%s is %s, and not %s" % (name, found, value))
        time.sleep(0.01)

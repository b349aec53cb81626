"""What a burst has taken is given back to the system."""

import threading
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls

MIB = 1 << 20
# Of what the burst has added, so much may stay.
KEPT = 64 * MIB
DEADLINE_S = 60


class MemoryTest(gateway_case.GatewayCase):

    def resident(self):
        with open("/proc/%d/status" % self.gateway.pid,
                  encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return (int(fields["VmRSS"].split()[0]) * 1024,
                int(fields["VmHWM"].split()[0]) * 1024)

    def test_memory_of_a_large_request_is_given_back(self):
        before, _ = self.resident()
        # A million values that are made messages one by one.
        parts = [{"type": "text", "text": "hello"}] * 90_000
        # A model of another vendor: what is only forwarded is not read so.
        body = {"model": "gpt-x", "messages": [
            {"role": "user", "content": parts}], "max_tokens": 1,
            "metadata": {"filler": "x" * (20 * MIB)}}
        for _ in range(3):
            http_calls.ask(self.gateway.http, body, path="/v1/messages")
        _, most = self.resident()
        self.assertGreater(most, before + KEPT)
        pause = threading.Event()
        for _ in range(DEADLINE_S * 5):
            after, _ = self.resident()
            if after < before + KEPT:
                return
            pause.wait(0.2)
        self.fail("%d MiB before, %d MiB at most, %d MiB after"
                  % (before // MIB, most // MIB, after // MIB))


if __name__ == "__main__":
    unittest.main()

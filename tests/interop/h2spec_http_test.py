"""h2spec in strict mode against every listener of a gateway."""

import os
import tempfile
import unittest

from tests.integration.certificates import Authority
from tests.interop import h2spec
from tests.interop import interop_case
from tests.testing.gateway_process import GatewayProcess

# Paths that answer a GET with a few bytes.
_PATHS = {
    "grpc": "/grpc.health.v1.Health/Check",
    "http": "/v1/models",
    "operations": "/livez",
    "admin_http": "/api/admin/gateway/health",
}
_CONFIG = """\
listeners:
  grpc: {{address: "127.0.0.1:0"{tls}}}
  http: {{address: "127.0.0.1:0"{tls}}}
  admin: {{address: "127.0.0.1:0"}}
  operations: {{address: "127.0.0.1:0"{tls}}}
  admin_http: {{address: "127.0.0.1:0"{tls}}}
providers:
  - name: mock
    mock: {{}}
routing: {{default_target: mock}}
"""
# How long a case waits for an answer.
_WAIT_S = 5


class H2specHttpTest(unittest.TestCase):

    def check(self, tls):
        tool = interop_case.tool("h2spec")
        options = ""
        if tls:
            folder = tempfile.TemporaryDirectory(prefix="certificates")
            self.addCleanup(folder.cleanup)
            leaf = Authority(folder.name, "ours").issue(
                "localhost", "DNS:localhost,IP:127.0.0.1")
            options = (', tls: {cert_chain: "file:%s", '
                       'private_key: "file:%s"}') % (
                           os.path.abspath(leaf.cert),
                           os.path.abspath(leaf.key))
        with GatewayProcess(_CONFIG.format(tls=options)) as gateway:
            for listener, path in _PATHS.items():
                with self.subTest(listener):
                    port = int(getattr(gateway, listener).rpartition(":")[2])
                    results = h2spec.run(tool, port, tls=tls, path=path,
                                         wait_s=_WAIT_S)
                    self.assertEqual(len(results), h2spec.CASES)
                    bad = ["%s %s\n%s" % (one.name, one.state, one.text)
                           for one in results if one.state != "passed"]
                    self.assertEqual(bad, [], "\n".join(bad))

    def test_plaintext(self):
        self.check(tls=False)

    def test_tls(self):
        self.check(tls=True)


if __name__ == "__main__":
    unittest.main()

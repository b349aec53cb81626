"""Runs mock_upstream as a child and speaks its control API.

    with MockUpstream() as upstream:
        upstream.set_script("gpt-x", {"chunks": 100, "chunk_delay_ms": 10})
        ... send a streamed request to upstream.address, then hang up ...
        upstream.wait_for("cancelled", "gpt-x")
        self.assertEqual(upstream.stat("gpt-x", "served"), 0)

Scripts, events and figures are described in mock_upstream/README.md.
"""

import http.client
import json
import os
import subprocess
import time
import urllib.parse

# As Bazel lays it out beside a test.
BINARY = os.path.join(
    os.path.dirname(os.path.abspath(__file__)),
    "mock_upstream", "mock_upstream_binary")
# Ample, so that a busy machine fails no test.
_TIMEOUT_S = 30.0


class ControlError(Exception):
    """The control API refused; `status` is its HTTP status."""

    def __init__(self, status, text):
        super().__init__("%d: %s" % (status, text))
        self.status = status


class MockUpstream:
    """One upstream, until close() or the end of its `with` block."""

    def __init__(self, binary=BINARY, tls_cert=None, tls_key=None,
                 script=None, http2=False, http2_streams=0,
                 any_request=False, invoice=False):
        arguments = [binary, "--listen", "127.0.0.1:0", "--exit_with_stdin"]
        if tls_cert:
            arguments += ["--tls_listen", "127.0.0.1:0",
                          "--tls_cert", tls_cert, "--tls_key", tls_key]
        if script:
            arguments += ["--script", script]
        if http2:
            arguments.append("--http2")
        if http2_streams:
            arguments.append("--http2_streams=%d" % http2_streams)
        if invoice:
            arguments.append("--invoice")
        if any_request:
            arguments.append("--any_request")
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise RuntimeError("mock_upstream ended before it was ready")
        ready = json.loads(line)
        self.address = ready["http"]
        self.tls_address = ready.get("https")
        # Whether the plaintext listener speaks HTTP/2; Go before 1.24 cannot.
        self.speaks_http2 = ready.get("http2", False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    @property
    def tls_port(self):
        return int(self.tls_address.rsplit(":", 1)[1])

    @property
    def pid(self):
        return self._process.pid

    def set_script(self, model, script):
        """Plays `script`, a dict, list or JSON text; "*" is the default."""
        if not isinstance(script, str):
            script = json.dumps(script)
        self._call("PUT", "/_mock/scripts/" + _quote(model), script)

    def reset(self, keep_scripts=False):
        """Forgets all counts, and all scripts unless they are to be kept."""
        self._call("POST", "/_mock/reset" +
                   ("?keep_scripts=1" if keep_scripts else ""))

    def stats(self):
        """All counts, as a dict."""
        return json.loads(self._call("GET", "/_mock/stats"))

    def stat(self, model, name):
        """One figure of a model, or of the whole if `model` is empty."""
        return int(self._call("GET", "/_mock/stat?model=%s&name=%s" % (
            _quote(model), _quote(name))))

    def invoice(self):
        """What is billed, a dict a line, once nothing is under way."""
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            report = json.loads(self._call("GET", "/_mock/invoice"))
            if not report["open"]:
                return report["lines"]
            if time.monotonic() > deadline:
                raise TimeoutError("%d requests go on" % report["open"])
            time.sleep(0.01)

    def wait_for(self, event, model="", count=1, timeout_s=_TIMEOUT_S):
        """Blocks until the event has happened so often, else TimeoutError."""
        try:
            self._call("GET", "/_mock/wait?event=%s&model=%s&count=%d"
                       "&timeout_ms=%d" % (_quote(event), _quote(model),
                                           count, timeout_s * 1000))
        except ControlError as error:
            if error.status != 408:
                raise
            raise TimeoutError("%s of %r: %s" % (event, model, error))

    def last(self, model):
        """The newest request for the model: headers as written, and body."""
        return json.loads(self._call(
            "GET", "/_mock/last?model=" + _quote(model)))

    def last_body(self, model):
        """Its body alone, byte for byte."""
        return self._call("GET", "/_mock/last_body?model=" + _quote(model))

    def close(self):
        """Ends the child."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def _call(self, method, target, body=None):
        connection = http.client.HTTPConnection(self.address)
        try:
            connection.request(method, target, body)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise ControlError(response.status, data.decode())
        return data


def _quote(text):
    return urllib.parse.quote(text, safe="")

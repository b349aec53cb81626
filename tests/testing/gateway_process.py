"""Runs the gateway as a child, as people run it.

    with GatewayProcess("providers: [{name: mock, mock: {}}]") as gateway:
        ... call gateway.grpc, gateway.http, gateway.admin ...
        line = gateway.wait_for_log(msg="ready")
        call = gateway.wait_for_access(request_id="r-1")

Leaving the block asks the gateway to drain and raises unless it then exits
with 0. A configuration without `listeners` gets ports of the system's choice;
one with its own should do likewise, by LISTENERS. The child sees nothing of
this process's environment but what `env` names.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time

# As Bazel lays it out beside a test.
BINARY = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "service",
    "gateway")

# Every port is chosen by the system.
LISTENERS = """\
listeners:
  grpc: {address: "127.0.0.1:0"}
  http: {address: "127.0.0.1:0"}
  admin: {address: "127.0.0.1:0"}
  operations: {address: "127.0.0.1:0"}
"""

_TIMEOUT_S = 30.0
# Whatever says how sanitizers and coverage report belongs to the runner.
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "LSAN_OPTIONS",
                   "TSAN_OPTIONS", "UBSAN_OPTIONS")


def environment(more=None):
    """What a program of ours is started with: of this process's variables
    those that belong to the runner, and `more`."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES
            if name in os.environ}
    return {**kept, **(more or {})}


class GatewayError(Exception):
    """The gateway did not do as it should; the text has what it said."""


class GatewayProcess:
    """One gateway, until stop() or the end of its `with` block."""

    def __init__(self, config, env=None, flags=(), binary=BINARY,
                 timeout_s=_TIMEOUT_S, await_ready=None, keeps_access=True):
        """With `await_ready`, for a gateway whose log is elsewhere, that is
        called for the log's line that says "ready". Without `keeps_access`
        nothing is known of the access log, which then takes no memory."""
        self._keeps_access = keeps_access
        self._timeout_s = timeout_s
        self._changed = threading.Condition()
        self._log = _Lines()  # Standard error.
        self._access = _Lines()  # Standard output.
        self._folder = tempfile.TemporaryDirectory(prefix="gateway")
        self.config_path = os.path.join(self._folder.name, "gateway.yaml")
        self.write_config(config)
        command = binary if isinstance(binary, list) else [binary]
        self._process = subprocess.Popen(
            [*command, "--config", self.config_path, *flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment(env))
        self._readers = [
            threading.Thread(target=self._read, args=of, daemon=True)
            for of in ((self._process.stderr, self._log),
                       (self._process.stdout, self._access))]
        for reader in self._readers:
            reader.start()
        try:
            ready = (await_ready() if await_ready is not None else
                     self.wait_for_log(msg="ready"))
        except BaseException:
            self.kill()
            raise
        self.grpc = ready["grpc"]
        self.http = ready["http"]
        self.admin = ready["admin"]
        self.operations = ready["operations"]
        self.admin_http = ready.get("admin_http")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()  # What went wrong is already on its way up.

    def write_config(self, config):
        """Replaces the configuration file, as an editor does."""
        if "listeners:" not in config:
            config = LISTENERS + config
        draft = self.config_path + ".draft"
        with open(draft, "w", encoding="utf-8") as file:
            file.write(config)
        os.rename(draft, self.config_path)

    @property
    def pid(self):
        return self._process.pid

    @property
    def output(self):
        """All that it wrote to standard error so far."""
        with self._changed:
            return "".join(self._log.text)

    @property
    def access_text(self):
        """All that it wrote to standard output so far."""
        with self._changed:
            return "".join(self._access.text)

    def log_lines(self, **fields):
        """The log lines so far, as dicts, that have all these fields."""
        with self._changed:
            return self._log.matching(fields)

    def access_lines(self, **fields):
        """The access log's lines so far, likewise."""
        with self._changed:
            return self._access.matching(fields)

    def wait_for_log(self, **fields):
        """The first log line with all these fields, once it is there."""
        return self._wait_for(self._log, fields)

    def wait_for_access(self, **fields):
        """The first line of the access log with all these fields."""
        return self._wait_for(self._access, fields)

    def wait_for_output(self, text):
        """All of standard error, once the text is in it."""
        def output():
            whole = "".join(self._log.text)
            return whole if text in whole else None
        return self._await(self._log, output, text)

    def send_signal(self, number):
        self._process.send_signal(number)

    def wait(self):
        """Waits for its end; returns the exit code."""
        try:
            code = self._process.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            raise GatewayError("the gateway did not end within %g seconds:\n%s"
                               % (self._timeout_s, self.output)) from None
        for reader in self._readers:
            reader.join()
        self._process.stderr.close()
        self._process.stdout.close()
        self._folder.cleanup()
        return code

    def stop(self):
        """Lets it drain; raises unless it exits with 0."""
        if self._process.returncode is not None:
            return
        self.send_signal(signal.SIGTERM)
        try:
            code = self.wait()
        except GatewayError:
            self.kill()
            raise
        if code != 0:
            raise GatewayError("the gateway exited with %d:\n%s"
                               % (code, self.output))

    def kill(self):
        """Ends it at once, whatever it does."""
        if self._process.returncode is None:
            self._process.kill()
            self.wait()

    def _wait_for(self, lines, fields):
        return self._await(
            lines, lambda: next(iter(lines.matching(fields)), None), fields)

    def _await(self, lines, find, what):
        """What `find` returns, called with the lock, once it is not None."""
        deadline = time.monotonic() + self._timeout_s
        with self._changed:
            while True:
                found = find()
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                if lines.at_end or left <= 0:
                    raise GatewayError("%s before it wrote %r:\n%s%s" % (
                        "the gateway ended" if lines.at_end else
                        "%g seconds passed" % self._timeout_s, what,
                        "".join(self._log.text), "".join(self._access.text)))
                self._changed.wait(left)

    def _read(self, pipe, lines):
        keeps = lines is self._log or self._keeps_access
        for raw in pipe:
            if not keeps:
                continue
            with self._changed:
                lines.add(raw.decode("utf-8", "replace"))
                self._changed.notify_all()
        with self._changed:
            lines.at_end = True
            self._changed.notify_all()


class _Lines:
    """What came out of one pipe: as it is, and what of it is JSON, parsed."""

    def __init__(self):
        self.text = []
        self.at_end = False
        self._parsed = []

    def add(self, text):
        self.text.append(text)
        try:
            line = json.loads(text)
        except ValueError:
            return
        if isinstance(line, dict):
            self._parsed.append(line)

    def matching(self, fields):
        return [line for line in self._parsed
                if all(key in line and line[key] == value
                       for key, value in fields.items())]

"""Test cases against interop_server, once for each engine that it has.

    class EchoCases(interop_case.ServerCase):
        def test_something(self):
            call(self.server.address)

    interop_case.for_each_engine(globals(), EchoCases, "Echo",
                                 tls=(False, True))

makes `GrpcCoreEcho`, `GrpcCoreEchoTls` and so on for unittest to find. When a
class is done its server must drain and exit with 0.
"""

import os
import shutil
import subprocess
import tempfile
import unittest

from tests.integration.certificates import Authority

# As Bazel lays it out beside a test.
BINARY = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "interop_server")
# The one that Debian's packages are for.
DEBIAN_PYTHON = "/usr/bin/python3"
_TIMEOUT_S = 30.0


def engines():
    """The names of the engines."""
    return subprocess.run([BINARY, "--list_engines"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()


def tool(name):
    """Where a tool of `make deps` is; a failed test if it is nowhere, for a
    run without it has proven nothing."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(
        os.environ.get("HOME", ""), ".cache")
    folders = [os.environ["PATH"],
               os.path.join(cache, "llm-gateway", "tools", "bin")]
    found = shutil.which(name, path=":".join(folders))
    if found is None:
        raise AssertionError(
            "%s is missing; to install it, run: make deps" % name)
    return found


class InteropServer:
    """One server, until stop() or the end of its `with` block."""

    def __init__(self, engine, certificate=None):
        command = [BINARY, "--engine=" + engine]
        if certificate is not None:
            command += ["--tls_cert=" + certificate.cert,
                        "--tls_key=" + certificate.key]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        if not line:
            self.kill()
            raise RuntimeError("%s ended before it was ready" % command)
        self.port = int(line)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def stop(self):
        """Lets it drain; raises unless it exits with 0."""
        if self._process.returncode is not None:
            return
        self._process.stdin.close()
        try:
            code = self._process.wait(_TIMEOUT_S)
        finally:
            self.kill()
        if code != 0:
            raise RuntimeError("interop_server exited with %d" % code)

    def kill(self):
        """Ends it at once, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


class ServerCase:
    """What the cases of one engine share; mixed into a TestCase."""

    engine = None
    tls = False
    # With `tls`, the path of the certificate that the server's is issued by.
    ca = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        leaf = None
        if cls.tls:
            folder = tempfile.TemporaryDirectory(prefix="certificates")
            cls.addClassCleanup(folder.cleanup)
            authority = Authority(folder.name, "ours")
            leaf = authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")
            cls.ca = authority.cert
        cls.server = InteropServer(cls.engine, leaf)
        cls.addClassCleanup(cls.server.kill)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        super().tearDownClass()


def add_case(module, cases, name, engine, tls=False):
    """Adds a TestCase with these cases to a module, for one engine."""
    words = "".join(word.capitalize() for word in engine.split("_"))
    case = words + name + ("Tls" if tls else "")
    module[case] = type(case, (cases, unittest.TestCase), {
        "__module__": module["__name__"], "engine": engine, "tls": tls})


def for_each_engine(module, cases, name, tls=(False,)):
    """The same for every engine."""
    for engine in engines():
        for with_tls in tls:
            add_case(module, cases, name, engine, with_tls)

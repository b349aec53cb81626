"""Runs Debian's redis-server as a child, as replicas of the gateway share it.

    with RedisProcess() as redis:
        ... a gateway with `redis: {addresses: ["%s"]}` % redis.address ...
        redis.ask("FLUSHALL")
        redis.pause()       # It answers no more, and its sockets stay open.
        redis.go_on()
        redis.kill()
        redis.start()       # On the same port, without what it had.

Nothing is written to the disk but in a folder that goes with it. However the
test ends, the server does, too.
"""

import os
import signal
import socket
import subprocess
import tempfile
import threading

_TIMEOUT_S = 20.0
_PORT_TRIES = 5
_PORT_MAX = 65535 - 10000


class RedisProcess:

    def __init__(self, *arguments, tls=None, **options):
        """`arguments` are more of its command line. `tls` has its certificate,
        its key and the authority of clients' certificates, which it asks for:
        then ask() is of no use."""
        self._arguments = arguments
        self._tls = tls
        self._sentinel = options.pop("sentinel", None)
        self._folder = tempfile.TemporaryDirectory(prefix="redis")
        self._process = None
        for left in reversed(range(_PORT_TRIES)):
            self.port = _free_port()
            try:
                self.start()
                break
            except RuntimeError:
                if not left:
                    raise

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.kill()
        self._folder.cleanup()

    def start(self):
        """Starts it, and returns when it can be asked."""
        command = ["setpriv", "--pdeathsig", "KILL", "--", "redis-server"]
        if self._sentinel is not None:
            config = os.path.join(self._folder.name, "sentinel.conf")
            with open(config, "w", encoding="utf-8") as file:
                file.write(self._sentinel)
            command += [config, "--sentinel"]
        command += ["--bind", "127.0.0.1", "--dir", self._folder.name]
        if self._sentinel is None:
            command += ["--save", "", "--appendonly", "no",
                        "--repl-diskless-sync-delay", "0"]
        if self._tls:
            cert, key, authority = self._tls
            command += ["--port", "0", "--tls-port", str(self.port),
                        "--tls-cert-file", cert, "--tls-key-file", key,
                        "--tls-ca-cert-file", authority,
                        "--tls-auth-clients", "yes"]
        else:
            command += ["--port", str(self.port)]
        self._process = subprocess.Popen(
            command + list(self._arguments), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._await_ready()

    def _await_ready(self):
        ready = (b"Sentinel ID" if self._sentinel is not None
                 else b"Ready to accept connections")
        said = b""
        for line in self._process.stdout:
            said += line
            if ready in line:
                # What else it says is of no use, but must go somewhere.
                threading.Thread(target=self._process.stdout.read,
                                 daemon=True).start()
                return
        self.kill()
        raise RuntimeError("redis-server is not ready: %r" % said)

    def ask(self, *words):
        """Sends a command; the reply, or None for nil."""
        with socket.create_connection(("127.0.0.1", self.port),
                                      _TIMEOUT_S) as stream:
            request = b"*%d\r\n" % len(words)
            for word in words:
                data = str(word).encode()
                request += b"$%d\r\n%s\r\n" % (len(data), data)
            stream.sendall(request)
            return _read_reply(stream.makefile("rb"))

    def pause(self):
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(_TIMEOUT_S)
        self._process = None


def _free_port():
    """A port that is free just now. A node of a cluster has another one 10000
    above it, so no port is near the end of the range."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port <= _PORT_MAX:
            return port


def _read_reply(file):
    line = file.readline().decode().rstrip("\r\n")
    kind, rest = line[:1], line[1:]
    if kind == "-":
        raise RuntimeError(rest)
    if kind == ":":
        return int(rest)
    if kind == "$":
        size = int(rest)
        return None if size < 0 else file.read(size + 2)[:-2].decode()
    if kind == "*":
        return [_read_reply(file) for _ in range(int(rest))]
    return rest

"""Runs Debian's PostgreSQL as a child, as replicas of the gateway share it.

    with PostgresProcess() as postgres:
        ... a gateway with `ledger: {postgres: {connection: "%s"}}`
            % postgres.conninfo ...
        postgres.ask("SELECT count(*) FROM llm_gateway.commits")
        postgres.kill()     # At once, as when its machine goes.
        postgres.start()    # On the same port, with what it had.

The user `gateway` may do all, with the password `open-sesame`. PostgreSQL
refuses to run as root: where the test is root, it runs as nobody.
"""

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

_TIMEOUT_S = 60.0
_NOBODY = 65534
_READY = b"database system is ready to accept connections"
PASSWORD = "open-sesame"


class PostgresProcess:

    def __init__(self):
        self._programs = max(glob.glob("/usr/lib/postgresql/*/bin"))
        # A folder whose parents everybody may enter.
        self._folder = tempfile.mkdtemp(prefix="postgres", dir="/tmp")
        self._process = None
        self._user = self._as_user()
        self._make_cluster()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    @property
    def conninfo(self):
        return ("host=127.0.0.1 port=%d dbname=postgres user=gateway"
                % self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _as_user(self):
        if os.geteuid() != 0:
            return []
        try:
            os.chown(self._folder, _NOBODY, _NOBODY)
        except OSError:
            # In a sandbox nobody else may be there, but by another name.
            return ["unshare", "--user", "--map-user=%d" % _NOBODY,
                    "--map-group=%d" % _NOBODY, "--"]
        return ["setpriv", "--reuid", str(_NOBODY), "--regid", str(_NOBODY),
                "--clear-groups", "--"]

    def _make_cluster(self):
        data = os.path.join(self._folder, "data")
        subprocess.run(
            [*self._user, os.path.join(self._programs, "initdb"), "-D", data,
             "-U", "gateway", "--auth", "trust", "--no-sync", "--encoding",
             "UTF8", "--locale", "C"],
            stdout=subprocess.DEVNULL, check=True, timeout=_TIMEOUT_S)
        self._rights = os.path.join(data, "pg_hba.conf")
        self._write_rights("trust")

    def _write_rights(self, method):
        with open(self._rights, "w", encoding="utf-8") as file:
            file.write("host all all 127.0.0.1/32 %s\n" % method)

    def start(self):
        """Starts it, and returns when it can be asked."""
        self._process = subprocess.Popen(
            [*self._user, "setpriv", "--pdeathsig", "QUIT", "--",
             os.path.join(self._programs, "postgres"), "-D",
             os.path.join(self._folder, "data"), "-p", str(self.port),
             "-c", "listen_addresses=127.0.0.1",
             "-c", "unix_socket_directories=", "-c", "fsync=off"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        said = b""
        for line in self._process.stdout:
            said += line
            if _READY in line:
                # What else it says is of no use, but must go somewhere.
                threading.Thread(target=self._process.stdout.read,
                                 daemon=True).start()
                return
        self.kill()
        raise RuntimeError("postgres is not ready: %r" % said)

    def kill(self):
        if self._process is None:
            return
        # All of its processes end, and nothing is written any more.
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(_TIMEOUT_S)
        self._process = None

    def require_password(self):
        """From now on, of whoever connects."""
        self.ask("ALTER ROLE gateway PASSWORD '%s'" % PASSWORD)
        self._write_rights("scram-sha-256")
        self.ask("SELECT pg_reload_conf()")

    def ask(self, *statements):
        """Runs statements on a connection of its own; what psql -At shows."""
        return subprocess.run(
            self._psql(*statements), check=True, text=True,
            stdout=subprocess.PIPE, env=self._environment(),
            timeout=_TIMEOUT_S).stdout.strip("\n")

    def hold(self, *statements):
        """Begins a transaction with these, which holds what it has locked
        until the result is called."""
        process = subprocess.Popen(
            self._psql(), text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=self._environment())
        process.stdin.write("BEGIN;\n%s;\nSELECT 'held';\n"
                            % ";\n".join(statements))
        process.stdin.flush()
        for line in process.stdout:
            if line.strip() == "held":
                break

        def let_go():
            process.stdin.close()
            process.stdout.read()
            process.wait(_TIMEOUT_S)
        return let_go

    def _psql(self, *statements):
        return [os.path.join(self._programs, "psql"), "-XAtq", "-v",
                "ON_ERROR_STOP=1", "-d", self.conninfo,
                *(part for each in statements for part in ("-c", each))]

    def _environment(self):
        return {**os.environ, "PGPASSWORD": PASSWORD}

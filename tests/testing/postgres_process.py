"""Runs Debian's PostgreSQL as a child, as replicas of the gateway share it.

    with PostgresProcess() as postgres:
        ... a gateway with `ledger: {postgres: {connection: "%s"}}`
            % postgres.conninfo ...
        postgres.ask("SELECT count(*) FROM llm_gateway.commits")
        postgres.kill()     # At once, as when its machine goes.
        postgres.start()    # On the same port, with what it had.
        with PostgresProcess(standby_of=postgres) as standby:
            postgres.kill_hard()
            standby.promote()

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
# Connections, or of a standby read-only ones.
_READY = b"database system is ready to accept "
PASSWORD = "open-sesame"


class PostgresProcess:

    def __init__(self, standby_of=None, fsync=False):
        """With `standby_of`, a copy of that one, which follows it; with
        `fsync`, what is committed is on the disk, as in a figure."""
        self._fsync = "on" if fsync else "off"
        self._programs = max(glob.glob("/usr/lib/postgresql/*/bin"))
        # A folder whose parents everybody may enter.
        self._folder = tempfile.mkdtemp(prefix="postgres", dir="/tmp")
        self._process = None
        self._user = self._as_user()
        self._data = os.path.join(self._folder, "data")
        self._rights = os.path.join(self._data, "pg_hba.conf")
        if standby_of is None:
            self._make_cluster()
        else:
            self._copy_cluster(standby_of)
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
        subprocess.run(
            [*self._user, os.path.join(self._programs, "initdb"), "-D",
             self._data, "-U", "gateway", "--auth", "trust", "--no-sync",
             "--encoding", "UTF8", "--locale", "C"],
            stdout=subprocess.DEVNULL, check=True, timeout=_TIMEOUT_S)
        self._write_rights("trust")

    def _copy_cluster(self, primary):
        subprocess.run(
            [*self._user, os.path.join(self._programs, "pg_basebackup"), "-D",
             self._data, "-d", primary.conninfo, "--write-recovery-conf",
             "--checkpoint=fast", "--no-sync"],
            check=True, env=self._environment(), timeout=_TIMEOUT_S)

    def _write_rights(self, method):
        with open(self._rights, "w", encoding="utf-8") as file:
            for database in ("all", "replication"):
                file.write("host %s all 127.0.0.1/32 %s\n"
                           % (database, method))

    def start(self):
        """Starts it, and returns when it can be asked."""
        self._process = subprocess.Popen(
            [*self._user, "setpriv", "--pdeathsig", "QUIT", "--",
             os.path.join(self._programs, "postgres"), "-D",
             self._data, "-p", str(self.port),
             "-c", "listen_addresses=127.0.0.1",
             "-c", "unix_socket_directories=", "-c", "fsync=" + self._fsync],
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

    def kill_hard(self):
        """By SIGKILL, all of its processes, as when its machine goes."""
        pid = self._process.pid
        # It begins no more.
        os.kill(pid, signal.SIGSTOP)
        for child in self._children(pid):
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.kill(pid, signal.SIGKILL)
        self._process.wait(_TIMEOUT_S)
        self._process = None

    @staticmethod
    def _children(parent):
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    stat = file.read()
            except OSError:
                continue
            # Behind the name, which may hold anything: the state, the parent.
            if int(stat[stat.rindex(")") + 2:].split()[1]) == parent:
                yield int(stat.split()[0])

    def await_standby(self, state):
        """Until a standby follows it, as `sync` or `async`."""
        while self.ask("SELECT sync_state FROM pg_stat_replication "
                       "WHERE state = 'streaming'") != state:
            pass

    def promote(self):
        """Has a standby be written to."""
        self.ask("SELECT pg_promote(true, %d)" % _TIMEOUT_S)

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

    def program(self, name):
        """The path of one of its programs."""
        return os.path.join(self._programs, name)

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

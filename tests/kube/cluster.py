"""A Kubernetes API server without nodes, on this machine.

    with Cluster() as cluster:
        cluster.kubectl("apply", "--server-side", "-f", "-", text=manifest)
        cluster.helm("install", "gw", "deploy/helm/llm-gateway")

It is the real server on a real etcd: what it admits, a cluster admits. No
controller runs, so that nothing becomes of what is admitted: no pod by itself.
"""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

_TIMEOUT_S = 180
_TOKEN = "of-this-test-alone"


class CommandError(Exception):
    """A command failed; the text has what it said."""


def run(*command, text=None, env=None):
    """Its standard output, and then its standard error."""
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, **(env or {})})
    if done.returncode != 0:
        raise CommandError("%s: %s%s" % (" ".join(command), done.stdout,
                                         done.stderr))
    return done.stdout, done.stderr


def tools_folder():
    """Where `tools/deps.sh kube` has put things."""
    server = shutil.which("kube-apiserver")
    if server is None:
        raise CommandError("no kube-apiserver on the PATH; `make kube-test` "
                           "installs it")
    return os.path.dirname(os.path.dirname(server))


class Cluster:
    """One API server, until the end of its `with` block."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="cluster")
        self._children = []
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def kubectl(self, *arguments, text=None):
        """What it printed, and what it warned of."""
        return run("kubectl", *arguments, text=text, env=self._env)

    def helm(self, *arguments):
        return run("helm", *arguments, env=self._env)

    def close(self):
        for child in reversed(self._children):
            child.terminate()
            child.wait()
        self._folder.cleanup()

    def _path(self, name):
        return os.path.join(self._folder.name, name)

    def _start(self):
        etcd, peers, port = (_free_port() for _ in range(3))
        client = "http://127.0.0.1:%d" % etcd
        self._spawn("etcd", "--data-dir=" + self._path("etcd"),
                    "--listen-client-urls=" + client,
                    "--advertise-client-urls=" + client,
                    "--listen-peer-urls=http://127.0.0.1:%d" % peers,
                    "--unsafe-no-fsync")
        key = self._path("service-accounts.key")
        run("openssl", "genrsa", "-out", key, "2048")
        with open(self._path("tokens.csv"), "w", encoding="utf-8") as file:
            file.write('%s,admin,admin,"system:masters"\n' % _TOKEN)
        server = self._spawn(
            "kube-apiserver", "--etcd-servers=" + client,
            "--bind-address=127.0.0.1", "--secure-port=%d" % port,
            "--cert-dir=" + self._path("certificates"),
            "--token-auth-file=" + self._path("tokens.csv"),
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=" + key,
            "--service-account-signing-key-file=" + key)
        self._await_ready("https://127.0.0.1:%d/readyz" % port, server)
        with open(self._path("config"), "w", encoding="utf-8") as file:
            file.write(_KUBECONFIG % (port, _TOKEN))
        self._env = {"KUBECONFIG": self._path("config"),
                     "HELM_CACHE_HOME": self._path("helm"),
                     "HELM_CONFIG_HOME": self._path("helm"),
                     "HELM_DATA_HOME": self._path("helm")}

    def _spawn(self, name, *flags):
        with open(self._path(name + ".log"), "wb") as log:
            child = subprocess.Popen([name, *flags], stdout=log, stderr=log)
        self._children.append(child)
        return child

    def _await_ready(self, url, server):
        request = urllib.request.Request(
            url, headers={"authorization": "Bearer " + _TOKEN})
        context = ssl._create_unverified_context()  # It has just made its own.
        deadline = threading.Event()
        timer = threading.Timer(_TIMEOUT_S, deadline.set)
        timer.start()
        try:
            while not deadline.wait(0.2) and server.poll() is None:
                try:
                    with urllib.request.urlopen(request, timeout=5,
                                                context=context):
                        return
                except (urllib.error.URLError, OSError):
                    pass
        finally:
            timer.cancel()
        with open(self._path("kube-apiserver.log"), encoding="utf-8",
                  errors="replace") as log:
            raise CommandError("the API server does not become ready: " +
                               log.read()[-4000:])


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
  - name: test
    cluster: {server: "https://127.0.0.1:%d", insecure-skip-tls-verify: true}
users: [{name: admin, user: {token: "%s"}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
current-context: test
"""

"""The processes of a measurement: upstream, nginx, gateway, and their figures.

Everything listens on loopback, writes into one temporary folder, and ends with
its `with` block.
"""

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import time
import urllib.request

from tests.bench import configurations
from tests.testing import mock_upstream

CALLER_KEY = "bench-caller-key-0123456789"
_UPSTREAM_KEY = "bench-upstream-key-0123456789"
_READY_SECONDS = 60  # Under callgrind, on a machine that is busy.
# Both ends of 4096 connections, and room to spare.
_FILES = 65536


def allow_many_files():
    """Raises the limit of open files for this process and its children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(_FILES, soft)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (OSError, ValueError):  # Not root: as far as the hard limit goes.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def free_ports(count):
    """Ports that nobody listens at."""
    sockets = []
    for _ in range(count):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        sockets.append(listener)
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def make_certificate(folder):
    """A certificate for 127.0.0.1, its own issuer: (cert, key)."""
    cert = os.path.join(folder, "cert.pem")
    key = os.path.join(folder, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", key, "-out", cert],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key


class Server:
    """A process with children, whose use of CPU and memory can be read."""

    def __init__(self, name, command, log_path, env=None):
        self.name = name
        self._log_path = log_path
        with open(log_path, "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=env)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def pids(self):
        """The process and all that descend from it."""
        found, waiting = [], [self._process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            try:
                for task in os.listdir("/proc/%d/task" % pid):
                    with open("/proc/%d/task/%s/children" % (pid, task),
                              encoding="ascii") as children:
                        waiting.extend(map(int, children.read().split()))
            except OSError:  # Ended meanwhile.
                pass
        return found

    def cpu_seconds(self):
        """CPU time used so far by all threads, living and ended."""
        return sum(process_cpu_seconds(pid) for pid in self.pids())

    def thread_seconds(self, name):
        """CPU time used so far by the threads of that name, or whose names
        begin so, if it ends with a hyphen."""
        total = 0
        tasks = "/proc/%d/task" % self._process.pid
        for task in os.listdir(tasks):
            with open("%s/%s/comm" % (tasks, task), encoding="ascii") as comm:
                own = comm.read().strip()
            is_one = own == name or (name.endswith("-") and
                                     own.startswith(name))
            if is_one:
                with open("%s/%s/schedstat" % (tasks, task),
                          encoding="ascii") as told:
                    total += int(told.read().split()[0])
        return total / 1e9

    def memory_bytes(self):
        """(resident, proportional): RSS and PSS of all processes."""
        rss = pss = 0
        for pid in self.pids():
            with open("/proc/%d/smaps_rollup" % pid,
                      encoding="ascii") as lines:
                for line in lines:
                    words = line.split()
                    if words[0] == "Rss:":
                        rss += int(words[1]) << 10
                    elif words[0] == "Pss:":
                        pss += int(words[1]) << 10
        return rss, pss

    def wait_ready(self, is_ready):
        end = time.monotonic() + _READY_SECONDS
        while not is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                self.close()  # Nobody else will: it is not made yet.
                raise RuntimeError("%s is not ready:\n%s" % (
                    self.name, self.log_tail()))
            time.sleep(0.02)

    def ended(self):
        """How the process has ended by itself, or None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        return "%s ended with %s" % (
            self.name, signal.Signals(-code).name if code < 0 else code)

    def log_tail(self):
        with open(self._log_path, encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    def close(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()


def process_cpu_seconds(pid):
    """What /proc/PID/stat shows in ticks, in nanoseconds' precision."""
    sched_clock = 2
    return time.clock_gettime((~pid << 3) | sched_clock)


class Upstream(mock_upstream.MockUpstream):
    """The mock with the scripts of the rows."""

    def __init__(self, binary, scripts, cert, key):
        super().__init__(binary=binary, tls_cert=cert, tls_key=key,
                         http2=True, any_request=True)
        for model, script in scripts.items():
            self.set_script(model, script)


# Each nginx server: (instance, TLS at the listener, location).
NGINX_PORTS = {
    "unary": ("one", False, "unary"),
    "sse": ("one", False, "sse"),
    "unary_logged": ("one", False, "logged"),
    "tls_unary": ("one", True, "unary"),
    "tls_sse": ("one", True, "sse"),
    "unary_tls_upstream": ("one", False, "tls_upstream"),
    "unary_auto": ("auto", False, "unary"),
}
_NGINX_WORKERS = {"one": "1", "auto": "auto"}
_NGINX_LOCATIONS = {
    "unary": "proxy_pass http://upstream;",
    "sse": "proxy_pass http://upstream; proxy_buffering off;",
    "logged": "proxy_pass http://upstream;"
              " access_log %(folder)s/nginx_access.log combined buffer=64k;",
    "tls_upstream": "proxy_pass https://tls_upstream;"
                    " proxy_ssl_trusted_certificate %(cert)s;"
                    " proxy_ssl_verify on; proxy_ssl_name localhost;",
}
_NGINX_CONFIG = """
daemon off;
master_process %(master)s;
%(user)s
worker_processes %(workers)s;
worker_rlimit_nofile %(files)d;
pid %(folder)s/nginx_%(instance)s.pid;
error_log %(folder)s/nginx_error.log error;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path %(folder)s/nginx_body;
  proxy_temp_path %(folder)s/nginx_proxy;
  fastcgi_temp_path %(folder)s/nginx_fastcgi;
  scgi_temp_path %(folder)s/nginx_scgi;
  uwsgi_temp_path %(folder)s/nginx_uwsgi;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_max_body_size 32m;
  client_body_buffer_size 1m;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_read_timeout 1h;
  proxy_send_timeout 1h;
  ssl_certificate %(cert)s;
  ssl_certificate_key %(key)s;
  upstream upstream {
    server %(upstream)s;
    keepalive %(kept)d;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }
  upstream tls_upstream {
    server %(upstream_tls)s;
    keepalive %(kept)d;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }
%(servers)s}
"""


class Nginx(Server):
    """nginx as a reverse proxy that parses nothing: the measure of the rest.

    `instance` is "one" worker or "auto". With a wrapper the one worker is the
    process that it runs.
    """

    def __init__(self, instance, folder, upstream, cert, key, wrapper=()):
        names = [name for name, server in NGINX_PORTS.items()
                 if server[0] == instance]
        self.ports = dict(zip(names, free_ports(len(names))))
        values = {
            "cert": cert, "files": _FILES, "folder": folder,
            "instance": instance, "kept": configurations.KEPT_CONNECTIONS,
            "key": key,
            "master": "off" if wrapper else "on",
            "upstream": upstream.address, "upstream_tls": upstream.tls_address,
            "user": "user root;" if os.geteuid() == 0 else "",
            "workers": _NGINX_WORKERS[instance],
        }
        values["servers"] = "".join(
            self._server(name, port) % values
            for name, port in self.ports.items())
        config = os.path.join(folder, "nginx_%s.conf" % instance)
        with open(config, "w", encoding="utf-8") as out:
            out.write(_NGINX_CONFIG % values)
        super().__init__("nginx (%s)" % instance,
                         [*wrapper, find_nginx(), "-p", folder, "-c", config],
                         os.path.join(folder, "nginx.log"))
        # The master listens before there is a worker to be measured.
        workers = os.cpu_count() if instance == "auto" else 1
        processes = workers + (0 if wrapper else 1)
        self.wait_ready(lambda: len(self.pids()) == processes and all(
            map(_accepts, self.ports.values())))

    def port_of(self, load):
        """Where such calls are to be made."""
        return self.ports["sse" if load.mode == "stream" else "unary"]

    @staticmethod
    def _server(name, port):
        _, tls, location = NGINX_PORTS[name]
        return "  server { listen 127.0.0.1:%d%s backlog=4096; %s }\n" % (
            port, " ssl" if tls else "",
            "location / { %s }" % _NGINX_LOCATIONS[location])


def find_nginx():
    """Debian keeps nginx where only root's PATH looks."""
    for folder in os.environ["PATH"].split(":") + ["/usr/sbin", "/sbin"]:
        path = os.path.join(folder, "nginx")
        if os.access(path, os.X_OK):
            return path
    raise RuntimeError("nginx is not installed")


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


_HTTP2_UPSTREAM_CONFIG = """
daemon off;
%(user)s
worker_processes 1;
pid %(folder)s/http2_upstream.pid;
error_log %(folder)s/nginx_error.log error;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path %(folder)s/http2_body;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  server {
    listen %(address)s http2;
    http2_max_concurrent_streams 256;
    location / { default_type application/json; return 200 '%(answer)s'; }
  }
}
"""


class Http2Upstream(Server):
    """nginx, which gives whoever asks one answer of the mock's.

    Go's HTTP/2 server takes more CPU time per request than the gateway, which
    would then be measured waiting for it.
    """

    def __init__(self, folder, mock, model):
        port, = free_ports(1)
        self.address = "127.0.0.1:%d" % port
        config = os.path.join(folder, "http2_upstream.conf")
        with open(config, "w", encoding="utf-8") as out:
            out.write(_HTTP2_UPSTREAM_CONFIG % {
                "folder": folder, "address": self.address,
                "user": "user root;" if os.geteuid() == 0 else "",
                "answer": self._answer_of(mock, model)})
        super().__init__("nginx (HTTP/2 upstream)",
                         [find_nginx(), "-p", folder, "-c", config],
                         os.path.join(folder, "nginx.log"))
        self.wait_ready(self._is_ready)

    @staticmethod
    def _answer_of(mock, model):
        request = urllib.request.Request(
            "http://%s/v1/chat/completions" % mock.address,
            json.dumps({"model": model, "messages": [
                {"role": "user", "content": "?"}]}).encode(),
            {"authorization": "Bearer " + _UPSTREAM_KEY,
             "content-type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def _is_ready(self):
        host, port = self.address.split(":")
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
            return True
        except OSError:
            return False



class NotServed(Exception):
    """This build of the gateway does not know such a configuration."""

class GatewayProcess(Server):
    """The gateway with a configuration, which is a dict of these ports."""

    LISTENERS = ("grpc", "http", "admin", "operations")

    def __init__(self, name, command, ports, log_path, env):
        self.ports = ports
        super().__init__(name, command, log_path, env)
        self.wait_ready(self._is_ready)

    @classmethod
    def free_ports(cls):
        """A port for each of its listeners."""
        return dict(zip(cls.LISTENERS, free_ports(len(cls.LISTENERS))))

    def get(self, path, timeout_s=_READY_SECONDS):
        """What the operations listener answers: status, body."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.ports["operations"], timeout=timeout_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def probe(self):
        """Asks whether it lives; raises if it does not say so."""
        status, _ = self.get("/livez")
        if status != 200:
            raise RuntimeError("/livez was answered with %d" % status)

    def _is_ready(self):
        try:
            return self.get("/readyz", timeout_s=2)[0] == 200
        except OSError:
            return False


class Gateway(GatewayProcess):
    """The gateway in one of its variants, run by `wrapper` if given."""

    def __init__(self, binary, variant, folder, upstream, cert, key,
                 wrapper=(), base_url=None):
        ports = self.free_ports()
        differences = configurations.GATEWAYS[variant]
        self.tls = differences.get("tls_listener", False)
        self._access_log = os.path.join(folder, "gateway_access.log")
        config = os.path.join(folder, "gateway_%s.yaml" % variant)
        with open(config, "w", encoding="utf-8") as out:
            json.dump(configurations.gateway_config(
                folder, ports, upstream, cert, key, base_url=base_url,
                **differences), out, indent=2)
        env = dict(os.environ, CALLER_KEY=CALLER_KEY,
                   UPSTREAM_KEY=_UPSTREAM_KEY)
        check = subprocess.run(
            [binary, "--config=" + config, "--check_config"], env=env,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=_READY_SECONDS, check=False)
        if check.returncode != 0:
            raise NotServed(check.stdout.strip()[-500:])
        super().__init__("gateway (%s)" % variant,
                         [*wrapper, binary, "--config=" + config], ports,
                         os.path.join(folder, "gateway.log"), env)

    def port_of(self, load):
        """Where such calls are to be made."""
        return self.ports["grpc" if load.protocol == "grpc" else "http"]

    def empty_log(self):
        """A log of gigabytes would measure the disk."""
        if os.path.exists(self._access_log):
            os.truncate(self._access_log, 0)

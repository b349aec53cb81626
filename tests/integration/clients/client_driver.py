"""Makes calls through the client of one language.

    with ClientDriver(command, target=gateway.grpc, plaintext=True) as client:
        client.call("generate", model="gpt-x", text="Hello")["text"]
        call = client.start("stream", model="gpt-x", text="Hello")
        client.cancel(call)
        client.wait(call)["error"]["code"]        "CANCELLED"

Each language has a small program that is given the client's settings as its one
argument, and commands on standard input, of which it runs as many at once as
come; it writes their results. Settings, commands and results are JSON, one on a
line. Settings: `target`, `plaintext`, `api_key`, `ca`, `cert`, `key` (paths),
`server_name`, `wait_for_ready`, `generate_timeout_ms`, `lookup_timeout_ms`,
`attempts_max`, `metadata` that the client adds to each call. A program whose
settings have an option that is wrong tells it as {"wrong_option", "message"}
and ends. A command has an `id` and what to `do`:

    generate, stream, count    model, text, provider_id, session,
                               idempotency_key
    embed                      model, text
    resume                     request_id, after_seq
    list_models, models        page_size, provider_id
    get_model                  name
    create_session             ttl_s
    get_session, delete_session    session
    list_tools
    execute_tool               name, arguments (JSON as text)
    cancel                     of the command with that id
    close                      the client; nothing is told of it

each with `timeout_ms` and `metadata` if they are to be other than usual;
`stream` with `close_after` is left after so many deltas; a future of Java has
`future_timeout_ms` of its own. An error is told as
{"code", "reason", "message", "metadata", "retry_after_ms", "fields", "quotas",
"request_id"}, and an option of the call that is wrong as one of the client.

Of metadata whose name ends with -bin, the value is bytes in hexadecimal, unless
`metadata_as_text` is set beside it.
"""

import json
import queue
import subprocess
import threading

from tests.testing import gateway_process

_TIMEOUT_S = 30.0


class ClientDriver:
    """The program, until the end of the `with` block."""

    def __init__(self, command, env=None, **settings):
        """`env` has variables for the program."""
        self._process = subprocess.Popen(
            [*command, json.dumps(settings)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=gateway_process.environment(env),
            text=True, encoding="utf-8")
        self._count = 0
        self._lock = threading.Lock()
        self._results = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()

    def start(self, do, **command):
        """Starts a call; returns its number."""
        with self._lock:
            self._count += 1
            number = self._count
            self._results[number] = queue.Queue()
            self._write(id=number, do=do, **command)
        return number

    def cancel(self, number):
        with self._lock:
            self._write(id=number, do="cancel")

    def close_client(self):
        """Has the program close its client."""
        with self._lock:
            self._write(id=0, do="close")

    def wait(self, number):
        """The call's result, once it is there."""
        try:
            result = self._results[number].get(timeout=_TIMEOUT_S)
        except queue.Empty:
            raise TimeoutError("no result of call %d" % number) from None
        if result is None:
            raise AssertionError("the program ended with %s" %
                                 self._process.wait())
        if "untyped" in result or "untyped" in result.get("error", {}):
            raise AssertionError("not an error of the client's type: %r" %
                                 result)
        return result

    def call(self, do, **command):
        """Makes a call and waits for its result."""
        return self.wait(self.start(do, **command))

    def _write(self, **command):
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _read(self):
        for line in self._process.stdout:
            result = json.loads(line)
            with self._lock:
                waiting = self._results[result.pop("id")]
            waiting.put(result)
        with self._lock:
            for waiting in self._results.values():
                waiting.put(None)

"""A gRPC server in a gateway's place, which fails as it is told and reports
what each attempt of a client brings: scripted_server.py PORT.

Commands on standard input, news on standard output, a JSON object on a line;
scripted_gateway.py starts it and says which. Debian's Python runs it.
"""

import concurrent.futures
import json
import socket
import sys
import threading

import grpc

from google.rpc import error_details_pb2
from google.rpc import status_pb2
from llmgateway.v1 import gateway_pb2

_SERVICE = "/llmgateway.v1.GatewayService/"
_output = threading.Lock()


def tell(**news):
    with _output:
        sys.stdout.write(json.dumps(news) + "\n")
        sys.stdout.flush()


def trailers_of(step):
    """What an attempt that fails so ends with."""
    trailers = []
    if "reason" in step:
        status = status_pb2.Status(
            code=getattr(grpc.StatusCode, step["code"]).value[0])
        status.details.add().Pack(error_details_pb2.ErrorInfo(
            reason=step["reason"],
            domain=step.get("domain", "llmgateway.dev")))
        trailers.append(("grpc-status-details-bin", status.SerializeToString()))
    if "details" in step:
        trailers.append(("grpc-status-details-bin", step["details"].encode()))
    if "pushback" in step:
        trailers.append(("grpc-retry-pushback-ms", step["pushback"]))
    return trailers


def event_of(seq, what):
    """`started`, `end`, the number of a reason to end for, or a delta of that
    text."""
    if what == "started":
        return gateway_pb2.GenerateEvent(seq=seq, started={
            "request_id": "scripted"})
    if what == "end":
        return gateway_pb2.GenerateEvent(seq=seq, end={
            "outcome": "OUTCOME_FINISHED"})
    if isinstance(what, int):
        return gateway_pb2.GenerateEvent(seq=seq, end={
            "outcome": "OUTCOME_ERROR",
            "error": {"reason": what, "message": "as the script says"}})
    return gateway_pb2.GenerateEvent(seq=seq, delta={"text": what})


class Relay:
    """Passes the bytes of connections on to the server's port, and can break
    them all off, which a server of gRPC cannot."""

    def __init__(self, port, server_port):
        self._server = ("127.0.0.1", server_port)
        self._lock = threading.Lock()
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def break_off(self):
        with self._lock:
            for each in self._sockets:
                self._shut(each)
            self._sockets.clear()

    def _accept(self):
        while True:
            client = self._listener.accept()[0]
            server = socket.create_connection(self._server)
            with self._lock:
                self._sockets += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=pair,
                                 daemon=True).start()

    def _pass_on(self, source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
        except OSError:
            pass  # It is broken off.
        self._shut(sink)

    @staticmethod
    def _shut(each):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It has gone by itself.


class Script(grpc.GenericRpcHandler):
    """Serves every method of the service by the steps of a script; the last one
    repeats."""

    def __init__(self):
        self.break_off = None
        self._lock = threading.Lock()
        self._steps = [{}]

    def play(self, steps):
        with self._lock:
            self._steps = steps

    def service(self, handler_call_details):
        method = handler_call_details.method
        if not method.startswith(_SERVICE):
            return None
        name = method[len(_SERVICE):]
        with self._lock:
            step = self._steps[0]
            self._steps = self._steps[1:] or self._steps

        def fail(context):
            if step.get("tells_end"):
                context.add_callback(lambda: tell(ended=name))
            if step.get("break_off"):
                self.break_off()
            context.set_trailing_metadata(trailers_of(step))
            if "code" in step:
                context.abort(getattr(grpc.StatusCode, step["code"]),
                              "as the script says")

        def report(context):
            left = context.time_remaining()
            tell(method=name, time_left_s=left, metadata={
                key: value if isinstance(value, str) else value.hex()
                for key, value in context.invocation_metadata()})

        def unary(_, context):
            report(context)
            if step.get("stay"):
                left = threading.Event()
                if context.add_callback(left.set):
                    left.wait()
            fail(context)
            if "answer_bytes" not in step:
                return b""
            text = "x" * step["answer_bytes"]
            return gateway_pb2.GenerateResponse(choices=[{"message": {
                "parts": [{"text": text}]}}]).SerializeToString()

        def stream(_, context):
            left = threading.Event()

            def leave():
                tell(left=name)
                left.set()

            report(context)
            if step.get("stay") and not context.add_callback(leave):
                leave()  # It has gone already.
            for seq, what in step.get("events", ()):
                yield event_of(seq, what).SerializeToString()
            if step.get("stay"):
                left.wait()
            fail(context)

        if name in ("StreamGenerate", "ResumeStream"):
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(unary)


def main(argv):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16),
                         options=[("grpc.so_reuseport", 0)])
    script = Script()
    server.add_generic_rpc_handlers((script,))
    server_port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    relay = Relay(int(argv[1]), server_port)
    script.break_off = relay.break_off
    tell(port=relay.port)
    for line in sys.stdin:
        steps = json.loads(line)
        if steps:
            script.play(steps)
        tell(heard=True)
    server.stop(None).wait()


if __name__ == "__main__":
    main(sys.argv)

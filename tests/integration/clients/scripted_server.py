"""A gRPC server in a gateway's place, which fails as it is told and reports
what each attempt of a client brings: scripted_server.py PORT.

Commands on standard input, news on standard output, a JSON object on a line;
scripted_gateway.py starts it and says which. Debian's Python runs it.
"""

import concurrent.futures
import json
import sys
import threading

import grpc

from llmgateway.v1 import gateway_pb2

_SERVICE = "/llmgateway.v1.GatewayService/"
_output = threading.Lock()


def tell(**news):
    with _output:
        sys.stdout.write(json.dumps(news) + "\n")
        sys.stdout.flush()


class Script(grpc.GenericRpcHandler):
    """Serves every method of the service by the steps of a script; the last one
    repeats."""

    def __init__(self):
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
            if "pushback" in step:
                context.set_trailing_metadata(
                    (("grpc-retry-pushback-ms", step["pushback"]),))
            if "code" in step:
                context.abort(getattr(grpc.StatusCode, step["code"]),
                              "as the script says")

        def report(context):
            left = context.time_remaining()
            tell(method=name, time_left_s=left, metadata=dict(
                pair for pair in context.invocation_metadata()
                if isinstance(pair[1], str)))

        def unary(_, context):
            report(context)
            fail(context)
            return b""

        def stream(_, context):
            report(context)
            if step.get("events"):
                started = gateway_pb2.StreamStarted(request_id="scripted")
                delta = gateway_pb2.Delta(text="half")
                yield gateway_pb2.GenerateEvent(
                    seq=1, started=started).SerializeToString()
                yield gateway_pb2.GenerateEvent(
                    seq=2, delta=delta).SerializeToString()
            fail(context)

        if name in ("StreamGenerate", "ResumeStream"):
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(unary)


def main(argv):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16),
                         options=[("grpc.so_reuseport", 0)])
    script = Script()
    server.add_generic_rpc_handlers((script,))
    port = server.add_insecure_port("127.0.0.1:" + argv[1])
    server.start()
    tell(port=port)
    for line in sys.stdin:
        steps = json.loads(line)
        if steps:
            script.play(steps)
        tell(heard=True)
    server.stop(None).wait()


if __name__ == "__main__":
    main(sys.argv)

"""A collector of OpenTelemetry's spans, by gRPC and by HTTP, as a child.

    with OtlpCollector() as collector:
        ... a gateway exports to "http://" + collector.http ...
        span = collector.wait_for_span(name="chat gpt-x")
        span["attributes"]["gen_ai.usage.input_tokens"]     12
        collector.answer(http_status=503, retry_after="1")

Messages are read by Python's protobuf from the published numbers of their
fields, and must write themselves as they came: what they did not know would be
lost. Ids are hexadecimal. The child is the Python that has gRPC.
"""

import concurrent.futures
import http.server
import json
import os
import subprocess
import sys
import threading

# The one that Debian's packages are for.
_PYTHON = "/usr/bin/python3"
_TIMEOUT_S = 30.0
_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class OtlpCollector:
    """One collector, until close() or the end of its `with` block."""

    def __init__(self, grpc="127.0.0.1:0", http="127.0.0.1:0"):
        self._process = subprocess.Popen(
            [_PYTHON, os.path.abspath(__file__), grpc, http],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = json.loads(self._process.stdout.readline())
        self.grpc, self.http = ready["grpc"], ready["http"]
        self.exports = []
        self._changed = threading.Condition()
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

    def answer(self, **how):
        """How exports are answered from now on: `http_status` with
        `retry_after`, or `grpc_status` by its name; nothing for well."""
        print(json.dumps(how), file=self._process.stdin, flush=True)

    def spans(self, **fields):
        """Those that have come, as dicts, with these fields."""
        with self._changed:
            return self._matching(fields)

    def wait_for_span(self, **fields):
        return self.wait_for_spans(1, **fields)[0]

    def wait_for_spans(self, count, **fields):
        with self._changed:
            found = []

            def enough():
                found[:] = self._matching(fields)
                return len(found) >= count
            if not self._changed.wait_for(enough, _TIMEOUT_S):
                raise TimeoutError("%d of %r: %r" % (
                    count, fields, [export["spans"] for export in
                                    self.exports]))
            return found

    def _matching(self, fields):
        return [span for export in self.exports for span in export["spans"]
                if all(span.get(name) == value
                       for name, value in fields.items())]

    def wait_for_exports(self, count):
        with self._changed:
            if not self._changed.wait_for(
                    lambda: len(self.exports) >= count, _TIMEOUT_S):
                raise TimeoutError("%d exports" % count)
            return list(self.exports)

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self.exports.append(json.loads(line))
                self._changed.notify_all()


# The child.

# Fields of each message: name, number and type; `*` for a list. The published
# names of opentelemetry/proto; enums are numbers on the wire.
_MESSAGES = {
    "ArrayValue": [("values", 1, "*AnyValue")],
    "AnyValue": [("string_value", 1, "string"), ("bool_value", 2, "bool"),
                 ("int_value", 3, "int64"), ("double_value", 4, "double"),
                 ("array_value", 5, "ArrayValue")],
    "KeyValue": [("key", 1, "string"), ("value", 2, "AnyValue")],
    "Resource": [("attributes", 1, "*KeyValue")],
    "InstrumentationScope": [("name", 1, "string"), ("version", 2, "string")],
    "Status": [("message", 2, "string"), ("code", 3, "int32")],
    "Span": [("trace_id", 1, "bytes"), ("span_id", 2, "bytes"),
             ("trace_state", 3, "string"), ("parent_span_id", 4, "bytes"),
             ("name", 5, "string"), ("kind", 6, "int32"),
             ("start_time_unix_nano", 7, "fixed64"),
             ("end_time_unix_nano", 8, "fixed64"),
             ("attributes", 9, "*KeyValue"), ("status", 15, "Status"),
             ("flags", 16, "fixed32")],
    "ScopeSpans": [("scope", 1, "InstrumentationScope"),
                   ("spans", 2, "*Span")],
    "ResourceSpans": [("resource", 1, "Resource"),
                      ("scope_spans", 2, "*ScopeSpans")],
    "ExportTraceServiceRequest": [("resource_spans", 1, "*ResourceSpans")],
}
_KINDS = {1: "internal", 2: "server", 3: "client"}


def _request_class():
    from google.protobuf import descriptor_pb2
    from google.protobuf import descriptor_pool
    from google.protobuf import message_factory

    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="otlp.proto", package="otlp", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        is_any = name == "AnyValue"
        if is_any:
            message.oneof_decl.add(name="value")
        for field_name, number, kind in fields:
            field = message.field.add(name=field_name, number=number)
            field.label = (field_type.LABEL_REPEATED if kind[0] == "*"
                           else field_type.LABEL_OPTIONAL)
            kind = kind.lstrip("*")
            if kind in _MESSAGES:
                field.type = field_type.TYPE_MESSAGE
                field.type_name = ".otlp." + kind
            else:
                field.type = getattr(field_type, "TYPE_" + kind.upper())
            if is_any:
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("otlp.ExportTraceServiceRequest")
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


def _value(any_value):
    kind = any_value.WhichOneof("value")
    value = getattr(any_value, kind)
    if kind == "array_value":
        return [_value(each) for each in value.values]
    return value


def _attributes(pairs):
    told = {pair.key: _value(pair.value) for pair in pairs}
    assert len(told) == len(pairs), "an attribute is there twice"
    return told


def _span(span):
    assert len(span.trace_id) == 16 and len(span.span_id) == 8
    assert span.end_time_unix_nano >= span.start_time_unix_nano > 0
    return {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex(),
            "parent_span_id": span.parent_span_id.hex(),
            "trace_state": span.trace_state, "name": span.name,
            "kind": _KINDS[span.kind],
            "start": span.start_time_unix_nano,
            "end": span.end_time_unix_nano, "flags": span.flags,
            "failed": span.status.code == 2,
            "message": span.status.message,
            "attributes": _attributes(span.attributes)}


class _Exports:

    def __init__(self):
        self._class = _request_class()
        self._lock = threading.Lock()
        self.how = {}

    def take(self, protocol, headers, data):
        request = self._class()
        request.ParseFromString(data)
        assert request.ByteSize() == len(data), "there are unknown fields"
        told = {"protocol": protocol, "headers": headers, "spans": []}
        for of_resource in request.resource_spans:
            told["resource"] = _attributes(of_resource.resource.attributes)
            for of_scope in of_resource.scope_spans:
                told["scope"] = of_scope.scope.name
                told["spans"] += [_span(span) for span in of_scope.spans]
        with self._lock:
            print(json.dumps(told), flush=True)


def _serve(grpc_address, http_address):
    import grpc

    exports = _Exports()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            data = self.rfile.read(int(self.headers["content-length"]))
            how = exports.how
            status = how.get("http_status", 200)
            if (self.path != "/v1/traces" or
                    self.headers["content-type"] != "application/x-protobuf"):
                status = 404
            if status == 200:
                exports.take("http", {k.lower(): v for k, v in
                                      self.headers.items()}, data)
            self.send_response(status)
            if "retry_after" in how:
                self.send_header("retry-after", how["retry_after"])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    def export(data, context):
        status = exports.how.get("grpc_status")
        if status:
            context.abort(getattr(grpc.StatusCode, status), "as told")
        exports.take("grpc", dict(context.invocation_metadata()), data)
        return b""

    class Service(grpc.GenericRpcHandler):

        def service(self, details):
            if details.method != _METHOD:
                return None
            return grpc.unary_unary_rpc_method_handler(export)

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Service(),))
    host, port = http_address.rsplit(":", 1)
    web = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    grpc_port = server.add_insecure_port(grpc_address)
    server.start()
    threading.Thread(target=web.serve_forever, daemon=True).start()
    print(json.dumps({"grpc": "127.0.0.1:%d" % grpc_port,
                      "http": "127.0.0.1:%d" % web.server_address[1]}),
          flush=True)
    for line in sys.stdin:
        exports.how = json.loads(line)


if __name__ == "__main__":
    _serve(*sys.argv[1:])

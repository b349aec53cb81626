"""OpenTelemetry's own Collector takes the gateway's spans, by gRPC and by HTTP.

`make test-full` builds it from otel_collector.go (tools/deps.sh collector),
which wants a newer Go than Debian 12 has."""

import json
import os
import socket
import subprocess
import tempfile
import time
import unittest

from tests.integration.http_calls import ask, chat
from tests.interop import interop_case
from tests.testing.gateway_process import GatewayProcess

_TIMEOUT_S = 60
_CONFIG = """\
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:%(grpc)d"}
      http: {endpoint: "127.0.0.1:%(http)d"}
exporters:
  file: {path: "%(file)s", flush_interval: 50ms}
service:
  telemetry:
    metrics: {level: none}
  pipelines:
    traces: {receivers: [otlp], exporters: [file]}
"""
_GATEWAY = """\
providers: [{name: mock, mock: {}}]
routing: {default_target: mock}
tracing:
  exporter: %s
  endpoint: "http://127.0.0.1:%d"
  batch_interval: 10ms
"""
_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_SPAN = "00f067aa0ba902b7"


def _free_ports(count):
    taken = [socket.socket() for _ in range(count)]
    for each in taken:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


class OtelCollectorTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tool = interop_case.tool("otel-collector")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.grpc, cls.http = _free_ports(2)
        cls.file = os.path.join(folder.name, "spans.json")
        config = os.path.join(folder.name, "collector.yaml")
        with open(config, "w") as out:
            out.write(_CONFIG % {"grpc": cls.grpc, "http": cls.http,
                                 "file": cls.file})
        cls.collector = subprocess.Popen([tool, "--config=file:" + config])
        cls.addClassCleanup(cls._stop)
        for port in (cls.grpc, cls.http):
            cls._await(lambda port=port: cls._listens(port))

    @classmethod
    def _stop(cls):
        cls.collector.kill()
        cls.collector.wait()

    @classmethod
    def _listens(cls, port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    @classmethod
    def _await(cls, find):
        deadline = time.monotonic() + _TIMEOUT_S
        while not (found := find()):
            if time.monotonic() > deadline:
                raise AssertionError("nothing came")
            time.sleep(0.05)
        return found

    def spans(self, trace):
        found = []
        with open(self.file) as lines:
            for line in lines:
                if not line.endswith("\n"):
                    break
                for of_resource in json.loads(line)["resourceSpans"]:
                    resource = {each["key"]: each["value"] for each in
                                of_resource["resource"]["attributes"]}
                    self.assertEqual(resource["service.name"],
                                     {"stringValue": "llm-gateway"})
                    for of_scope in of_resource["scopeSpans"]:
                        found += [span for span in of_scope["spans"]
                                  if span["traceId"] == trace]
        return found if len(found) >= 2 else None

    def check(self, exporter, port, trace):
        gateway = GatewayProcess(_GATEWAY % (exporter, port))
        self.addCleanup(gateway.kill)
        answer = ask(gateway.http, chat("m"), headers={
            "traceparent": "00-%s-%s-01" % (trace, _SPAN)})
        self.assertEqual(answer.status, 200)
        spans = self._await(lambda: self.spans(trace))
        self.assertEqual(len(spans), 2)
        call, attempt = spans
        self.assertEqual((call["parentSpanId"], call["kind"], call["flags"]),
                         (_SPAN, 2, 0x301))
        self.assertEqual((attempt["parentSpanId"], attempt["kind"]),
                         (call["spanId"], 3))
        attributes = {each["key"]: each["value"]
                      for each in call["attributes"]}
        usage = answer.json()["usage"]
        self.assertEqual(attributes["gen_ai.usage.input_tokens"],
                         {"intValue": str(usage["prompt_tokens"])})
        self.assertEqual(attributes["gen_ai.operation.name"],
                         {"stringValue": "chat"})
        self.assertEqual(attributes["gen_ai.response.finish_reasons"],
                         {"arrayValue": {"values": [{"stringValue": "stop"}]}})
        gateway.stop()

    def test_by_grpc(self):
        self.check("otlp_grpc", self.grpc, _TRACE)

    def test_by_http(self):
        self.check("otlp_http", self.http, _TRACE[::-1])


if __name__ == "__main__":
    unittest.main()

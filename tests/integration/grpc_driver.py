"""Makes gRPC calls for tests: commands on standard input, news on output.

Debian's Python, the one that has gRPC, runs this; grpc_caller.py starts it and
says what commands and news there are. A line holds one of them, as JSON.
"""

import json
import queue
import sys
import threading

import grpc
from google.protobuf import json_format
from google.protobuf import symbol_database

from google.rpc import error_details_pb2
from google.rpc import status_pb2
# Imported for the descriptors of their services.
from llmgateway.v1 import admin_pb2  # pylint: disable=unused-import
from llmgateway.v1 import gateway_pb2  # pylint: disable=unused-import
from llmgateway.v1 import metrics_pb2  # pylint: disable=unused-import
from llmgateway.v1 import prompt_router_pb2  # pylint: disable=unused-import

# From so many on, those that have ended are forgotten.
_CALLS_KEPT = 1000
_output = threading.Lock()


def tell(**news):
    with _output:
        sys.stdout.write(json.dumps(news) + "\n")
        sys.stdout.flush()


def message_class(descriptor):
    return symbol_database.Default().GetPrototype(descriptor)


def to_json(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def describe_failure(call):
    """The code and what the details of the status say."""
    end = {"code": call.code().name, "message": call.details() or "",
           "headers": [[key, value] for key, value in
                       (call.initial_metadata() or ())
                       if not key.endswith("-bin")],
           "trailers": [[key, value] for key, value in
                        (call.trailing_metadata() or ())
                        if not key.endswith("-bin")]}
    for key, value in call.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info = error_details_pb2.ErrorInfo()
            retry = error_details_pb2.RetryInfo()
            bad = error_details_pb2.BadRequest()
            if detail.Unpack(info):
                end["reason"] = info.reason
                end["metadata"] = dict(info.metadata)
            elif detail.Unpack(retry):
                end["retry_s"] = (retry.retry_delay.seconds +
                                  retry.retry_delay.nanos / 1e9)
            elif detail.Unpack(bad):
                end["fields"] = [violation.field for violation in
                                 bad.field_violations]
    return end


class Channels:
    """One channel for each address and set of credentials."""

    def __init__(self):
        self._lock = threading.Lock()
        self._channels = {}

    def get(self, address, tls, name, service_config):
        key = json.dumps([address, tls, name, service_config])
        with self._lock:
            if key not in self._channels:
                self._channels[key] = self._open(address, tls, service_config)
            return self._channels[key]

    @staticmethod
    def _open(address, tls, service_config):
        options = [("grpc.enable_retries", 0 if service_config is None else 1),
                   # A reader that waits is sent no more than a window.
                   ("grpc.http2.bdp_probe", 0),
                   ("grpc.use_local_subchannel_pool", 1),
                   ("grpc.max_receive_message_length", -1)]
        if service_config is not None:
            options.append(("grpc.service_config",
                            json.dumps(service_config)))
        if tls is None:
            return grpc.insecure_channel(address, options)
        if "name" in tls:
            options.append(("grpc.ssl_target_name_override", tls["name"]))
        pems = {key: tls[key].encode() if key in tls else None
                for key in ("ca", "cert", "key")}
        return grpc.secure_channel(
            address, grpc.ssl_channel_credentials(
                pems["ca"], pems["key"], pems["cert"]), options)


class Call:
    """One call, on a thread of its own."""

    def __init__(self, command, channel):
        self._command = command
        self._channel = channel
        self._resume = queue.Queue()
        self._call = None
        self._started = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._run_or_tell, daemon=True).start()

    def cancel(self):
        self._started.wait()
        self._call.cancel()

    def has_ended(self):
        return self._ended.is_set()

    def resume(self, reads):
        self._resume.put(reads)

    def _run_or_tell(self):
        try:
            self._run()
        except Exception as error:  # pylint: disable=broad-except
            tell(id=self._command["id"], broken=repr(error))
        self._ended.set()

    def _run(self):
        command = self._command
        method = command["method"]
        if "raw" in command:
            request = bytes.fromhex(command["raw"])
            serialize = deserialize = None
        else:
            service, _, name = method[1:].partition("/")
            descriptor = symbol_database.Default().pool.FindServiceByName(
                service).FindMethodByName(name)
            request = json_format.ParseDict(
                command["request"], message_class(descriptor.input_type)())
            serialize = type(request).SerializeToString
            deserialize = message_class(descriptor.output_type).FromString
        options = {"timeout": command.get("timeout_s"),
                   "metadata": [tuple(pair) for pair in
                                command.get("metadata", ())]}
        if command["stream"]:
            self._call = self._channel.unary_stream(
                method, serialize, deserialize)(request, **options)
            self._started.set()
            self._read()
        else:
            self._call = self._channel.unary_unary(
                method, serialize, deserialize).future(request, **options)
            self._started.set()
            self._await()

    def _render(self, message):
        return message.hex() if "raw" in self._command else to_json(message)

    def _read(self):
        reads = self._command.get("reads")
        try:
            while True:
                if reads == 0:
                    reads = self._resume.get()
                    continue
                message = next(self._call)
                tell(id=self._command["id"], event=self._render(message))
                if reads is not None:
                    reads -= 1
        except StopIteration:
            pass
        except grpc.RpcError:
            pass
        tell(id=self._command["id"], end=describe_failure(self._call))

    def _await(self):
        news = {}
        try:
            news["response"] = self._render(self._call.result())
        except (grpc.RpcError, grpc.FutureCancelledError):
            pass
        news["end"] = describe_failure(self._call)
        tell(id=self._command["id"], **news)


def main():
    channels = Channels()
    calls = {}
    for line in sys.stdin:
        command = json.loads(line)
        if command["op"] == "call":
            if len(calls) > _CALLS_KEPT:
                calls = {number: call for number, call in calls.items()
                         if not call.has_ended()}
            calls[command["id"]] = Call(command, channels.get(
                command["address"], command.get("tls"),
                command.get("channel", ""), command.get("service_config")))
        elif command["id"] not in calls:
            continue  # It has ended, and is forgotten.
        elif command["op"] == "cancel":
            calls[command["id"]].cancel()
        elif command["op"] == "resume":
            calls[command["id"]].resume(command["reads"])


if __name__ == "__main__":
    main()

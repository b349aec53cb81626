"""Calls a gateway through Python's stubs: python_smoke.py ADDRESS.

Prints what smoke.py checks.
"""

import json
import sys

import grpc

from google.rpc import error_details_pb2
from google.rpc import status_pb2
from llmgateway.v1 import content_pb2
from llmgateway.v1 import gateway_pb2
from llmgateway.v1 import gateway_pb2_grpc

_TIMEOUT_S = 30


def prompt(**fields):
    return gateway_pb2.GenerateRequest(
        model="mock-model",
        messages=[content_pb2.Message(
            role=content_pb2.ROLE_USER,
            parts=[content_pb2.Part(text="Hello")])],
        **fields)


def generate(stub):
    response = stub.Generate(prompt(), timeout=_TIMEOUT_S)
    choice = response.choices[0]
    return {
        "text": "".join(part.text for part in choice.message.parts),
        "finish_reason": content_pb2.FinishReason.Name(choice.finish_reason),
        "input_tokens": response.usage.input_tokens,
        "output_tokens": response.usage.output_tokens,
    }


def stream_generate(stub):
    events = list(stub.StreamGenerate(prompt(), timeout=_TIMEOUT_S))
    end = events[-1].end
    return {
        "events": [event.WhichOneof("event") for event in events],
        "seqs": [event.seq for event in events],
        "text": "".join(event.delta.text for event in events),
        "outcome": gateway_pb2.StreamEnd.Outcome.Name(end.outcome),
        "input_tokens": end.usage.input_tokens,
        "output_tokens": end.usage.output_tokens,
    }


def fail(stub):
    try:
        stub.Generate(prompt(provider_id="nobody"), timeout=_TIMEOUT_S)
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata())
        status = status_pb2.Status.FromString(
            trailers["grpc-status-details-bin"])
        info = error_details_pb2.ErrorInfo()
        for detail in status.details:
            if detail.Unpack(info):
                break
        return {
            "code": error.code().name,
            "reason": info.reason,
            "domain": info.domain,
            "provider": info.metadata["provider"],
        }
    raise AssertionError("a provider that nobody configured has answered")


def main(argv):
    with grpc.insecure_channel(argv[1]) as channel:
        stub = gateway_pb2_grpc.GatewayServiceStub(channel)
        json.dump({
            "generate": generate(stub),
            "stream": stream_generate(stub),
            "error": fail(stub),
        }, sys.stdout)


if __name__ == "__main__":
    main(sys.argv)

"""Makes calls with compressed requests, by grpcio.

Debian's Python, the one that has grpcio, runs this; compression_cases.py says
what commands and answers there are. A line holds one of them, as JSON.
"""

import json
import sys

import grpc

_TIMEOUT_S = 30
_COMPRESSION = {"identity": grpc.Compression.NoCompression,
                "deflate": grpc.Compression.Deflate,
                "gzip": grpc.Compression.Gzip}


def answer(command):
    with grpc.insecure_channel(command["address"]) as channel:
        # On the wire every call is a stream of bytes both ways.
        call = channel.stream_stream(command["path"], None, None)(
            iter([bytes.fromhex(message) for message in command["messages"]]),
            timeout=_TIMEOUT_S,
            compression=_COMPRESSION[command["encoding"]])
        messages = []
        try:
            messages.extend(message.hex() for message in call)
        except grpc.RpcError:
            pass
        return {"code": call.code().name, "message": call.details(),
                "messages": messages}


def main():
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

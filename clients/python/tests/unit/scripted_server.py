"""An HTTP server on loopback that answers as it is told, in turn.

async with ScriptedServer([Reply(503), Reply(200, {"ok": True})]) as server:
    ... ask server.url ...
assert server.requests[0].json == {...}
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reply:
    """`raw`, if there is one, is all that is sent; then it hangs up."""

    status: int = 200
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    never: bool = False

    def as_bytes(self):
        if self.raw is not None:
            return self.raw
        content = json.dumps(self.json).encode()
        lines = [
            f"HTTP/1.1 {self.status} Told",
            "content-type: application/json",
            f"content-length: {len(content)}",
            "connection: close",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "",
            "",
        ]
        return "\r\n".join(lines).encode() + content


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    json: Any


class ScriptedServer:
    """The last reply is given again to whoever comes later."""

    def __init__(self, replies):
        self.requests: list[Request] = []
        self.hung_up = asyncio.Event()
        self.asked = asyncio.Event()
        self._replies = list(replies)

    async def __aenter__(self):
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=1 << 20
        )
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.strip().split("\r\n")
        headers = {
            name.lower(): value
            for name, _, value in (each.partition(": ") for each in fields)
        }
        size = int(headers.get("content-length", 0))
        body = await reader.readexactly(size)
        method, path, _ = line.split()
        self.requests.append(
            Request(method, path, headers, json.loads(body or b"null"))
        )
        self.asked.set()
        reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
        if reply.never:
            await reader.read()
            self.hung_up.set()
        else:
            writer.write(reply.as_bytes())
            await writer.drain()
        writer.close()

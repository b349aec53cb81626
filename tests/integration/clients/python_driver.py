"""Makes the calls that client_driver.py asks for, through the client for
Python: python_driver.py [--blocking] SETTINGS.

It is the client for coroutines, or, where it blocks, the one for threads, of
which streams alone can be cancelled.
"""

import asyncio
import itertools
import json
import sys

from llm_gateway import CallError, ConfigurationError, LLMGateway
from llmgateway.v1 import content_pb2, gateway_pb2

_CANCELLED = {"code": "CANCELLED", "reason": "", "message": "",
              "request_id": "", "metadata": {}, "fields": [], "quotas": []}


def told_of(error):
    """What a result says of an error of the client's."""
    if isinstance(error, ConfigurationError):
        [option] = error.problems
        return {"wrong_option": option, "message": str(error)}
    if not isinstance(error, CallError):
        return {"untyped": repr(error)}
    told = {
        "code": error.code, "reason": error.reason, "message": error.message,
        "metadata": error.metadata, "request_id": error.request_id,
        "fields": [each.field for each in error.fields],
        "quotas": [each.subject for each in error.quotas]}
    if error.retry_after_s is not None:
        told["retry_after_ms"] = round(error.retry_after_s * 1000)
    return {"error": told}


def metadata_of(fields):
    as_text = fields.get("metadata_as_text", False)
    return {name: bytes.fromhex(value)
            if name.endswith("-bin") and not as_text else value
            for name, value in fields.get("metadata", {}).items()}


def connect(settings, blocking):
    options = {name: settings[name] for name in (
        "plaintext", "api_key", "ca", "server_name",
        "wait_for_ready") if name in settings}
    for name, setting in (("certificate", "cert"), ("private_key", "key")):
        if setting in settings:
            options[name] = settings[setting]
    for name in ("generate_timeout", "lookup_timeout"):
        if name + "_ms" in settings:
            options[name + "_s"] = settings[name + "_ms"] / 1000
    if "attempts_max" in settings:
        from llm_gateway.rpc.retrying import RetryPolicy
        options["retry"] = RetryPolicy(attempts_max=settings["attempts_max"])
    if "metadata" in settings:
        options["metadata"] = lambda: metadata_of(settings)
    made = LLMGateway.connect if blocking else LLMGateway.connect_async
    return made(settings["target"], **options)


def request_of(command):
    request = gateway_pb2.GenerateRequest(**{
        name: command.get(name, "") for name in (
            "model", "provider_id", "session", "idempotency_key")})
    if "text" in command:
        request.messages.add(role="ROLE_USER").parts.add(text=command["text"])
    return request


class Reading:
    """A stream's events as they come."""

    def __init__(self, stream, close_after):
        self._stream = stream
        self._close_after = close_after
        self._events, self._seqs, self._texts = [], [], []

    def note(self, event):
        self._events.append(event.WhichOneof("event"))
        self._seqs.append(event.seq)
        self._texts.append(event.delta.text)
        if self._close_after and (
                self._events.count("delta") == self._close_after):
            self._stream.close()

    def told(self):
        end = self._stream.end or gateway_pb2.StreamEnd()
        return {
            "events": self._events, "seqs": self._seqs,
            "text": "".join(self._texts),
            "request_id": self._stream.request_id,
            "last_seq": self._stream.seq,
            "outcome": gateway_pb2.StreamEnd.Outcome.Name(end.outcome),
            "input_tokens": end.usage.input_tokens,
            "output_tokens": end.usage.output_tokens}


def whole(answer):
    told = {"text": "", "request_id": answer.request_id,
            "input_tokens": answer.usage.input_tokens,
            "output_tokens": answer.usage.output_tokens}
    for choice in answer.choices:
        told["text"] = "".join(part.text for part in choice.message.parts)
        told["finish_reason"] = content_pb2.FinishReason.Name(
            choice.finish_reason)
    return told


class Driver:

    def __init__(self, client, blocking):
        self._client = client
        self._blocking = blocking
        self._tasks = {}
        self._streams = {}  # That block.

    async def begin(self, command):
        if command["do"] == "close":
            await self._call("close")
            return
        if command["do"] == "cancel":
            cancelled = self._streams if self._blocking else self._tasks
            cancelled[command["id"]].cancel()
            return
        task = asyncio.ensure_future(self._run(command))
        self._tasks[command["id"]] = task

    async def _run(self, command):
        call = {"metadata": metadata_of(command)}
        if "timeout_ms" in command:
            call["timeout_s"] = command["timeout_ms"] / 1000
        try:
            told = await self._do(command["do"], command, call)
        except asyncio.CancelledError:
            told = {"error": _CANCELLED}
        except Exception as error:
            told = told_of(error)
        print(json.dumps({**told, "id": command["id"]}), flush=True)

    async def _call(self, name, *arguments, **call):
        method = getattr(self._client, name)
        if self._blocking:
            return await asyncio.to_thread(method, *arguments, **call)
        return await method(*arguments, **call)

    async def _read(self, stream, close_after=0):
        reading = Reading(stream, close_after)

        def read_blocking():
            for event in stream:
                reading.note(event)

        try:
            if self._blocking:
                await asyncio.to_thread(read_blocking)
            else:
                async for event in stream:
                    reading.note(event)
        except CallError as error:
            return {**reading.told(), **told_of(error)}
        return reading.told()

    async def _models(self, command, call, count=None):
        """The names of the first of them, and whether there are more."""
        models = self._client.list_models(command.get("provider_id", ""),
                                          **call)
        if self._blocking:
            names = await asyncio.to_thread(lambda: [
                model.name for model in models])
        else:
            names = [model.name async for model in models]
        page = list(itertools.islice(names, count))
        return {"models": page, "more": len(page) < len(names)}

    async def _do(self, what, command, call):
        if what == "generate":
            return whole(await self._call("generate", request_of(command),
                                          **call))
        if what == "stream":
            stream = self._client.stream_generate(request_of(command), **call)
            self._streams[command["id"]] = stream
            return await self._read(stream, command.get("close_after", 0))
        if what == "resume":
            return await self._read(self._client.resume_stream(
                command["request_id"], command["after_seq"], **call))
        if what == "count":
            count = await self._call("count_tokens", request_of(command),
                                     **call)
            return {"input_tokens": count.input_tokens}
        if what == "embed":
            answer = await self._call("embed", gateway_pb2.EmbedRequest(
                model=command["model"], inputs=[{"text": command["text"]}]),
                **call)
            return {"vectors": [len(each.values)
                                for each in answer.embeddings]}
        if "model" in what:
            return await self._do_models(what, command, call)
        if "session" in what:
            return await self._do_sessions(what, command, call)
        return await self._do_tools(what, command, call)

    async def _do_models(self, what, command, call):
        if what == "get_model":
            model = await self._call("get_model", command["name"], **call)
            return {"name": model.name, "provider": model.provider}
        # Its list of models asks for pages by itself.
        return await self._models(command, call, command.get("page_size"))

    async def _do_sessions(self, what, command, call):
        if what == "delete_session":
            await self._call(what, command["session"], **call)
            return {}
        given = (command["ttl_s"] if what == "create_session"
                 else command["session"])
        session = await self._call(what, given, **call)
        return {"session": session.id, "messages": len(session.messages)}

    async def _do_tools(self, what, command, call):
        if what == "list_tools":
            listed = await self._call(what, **call)
            return {"tools": [tool.name for tool in listed.tools]}
        answer = await self._call(what, command["name"],
                                  json.loads(command["arguments"]), **call)
        return {"name": answer.name, "success": answer.success,
                "result": answer.result, "error": answer.error}


async def main(argv):
    blocking = argv[1] == "--blocking"
    try:
        client = connect(json.loads(argv[-1]), blocking)
    except ConfigurationError as error:
        print(json.dumps(told_of(error)), flush=True)
        sys.exit(1)
    driver = Driver(client, blocking)
    while line := await asyncio.to_thread(sys.stdin.readline):
        await driver.begin(json.loads(line))


if __name__ == "__main__":
    asyncio.run(main(sys.argv))

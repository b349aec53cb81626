"""AsyncGenerateStream ends once, and truly, as the other does."""

import asyncio
import unittest
from unittest import mock

from tests.clients.python.llm_gateway import client_case
from tests.clients.python.llm_gateway.client_case import (
    Refusal, ScriptedGateway, generate_request)
from tests.clients.python.llm_gateway.rpc.async_client_test import AsyncCase
from tests.clients.python.llm_gateway.rpc.stream_test import (
    FINISHED, STARTED, TEXT)

import grpc
from llm_gateway.gateway import LLMGateway
from llm_gateway.rpc import errors
from llmgateway.v1 import gateway_pb2

_UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 20}


class RealStreamTest(AsyncCase):

    async def stream(self, **call):
        client = await self.client()
        return client.stream_generate(generate_request("gpt-x"), **call)

    async def test_brings_the_answer_piece_by_piece(self):
        self.upstream.set_script("gpt-x", {"text": "one two three"})
        async with await self.stream(request_id="mine") as stream:
            pieces = [piece async for piece in stream.texts()]
        self.assertEqual("".join(pieces), "one two three")
        self.assertEqual(stream.request_id, "mine")
        self.assertEqual(stream.end.outcome,
                         gateway_pb2.StreamEnd.OUTCOME_FINISHED)
        self.assertEqual([event async for event in stream], [])

    async def test_what_breaks_off_raises(self):
        self.upstream.set_script("gpt-x", {"text": "one two three four",
                                           "reset_after_chunks": 2})
        stream = await self.stream()
        for _ in range(2):  # Who asks again is told again.
            with self.assertRaises(errors.StreamInterruptedError):
                async for _ in stream:
                    pass
        self.assertEqual(stream.end.outcome,
                         gateway_pb2.StreamEnd.OUTCOME_TRUNCATED)

    async def test_one_that_is_left_stops_the_model(self):
        self.upstream.set_script("gpt-x", _ENDLESS)
        async with await self.stream() as stream:
            await anext(stream)
        await asyncio.to_thread(self.upstream.wait_for, "cancelled", "gpt-x")
        with self.assertRaises(errors.CallCancelledError):
            await anext(stream)

    async def test_one_that_nobody_has_any_more_stops_the_model(self):
        for left_by in (StopAsyncIteration, ValueError):
            with self.subTest(left_by.__name__):
                self.upstream.reset()
                self.upstream.set_script("gpt-x", _ENDLESS)
                with self.assertRaises(left_by):
                    async for _ in await self.stream():
                        raise left_by
                await asyncio.to_thread(
                    self.upstream.wait_for, "cancelled", "gpt-x")

    async def test_another_thread_may_have_it_last(self):
        self.upstream.set_script("gpt-x", _ENDLESS)
        streams = [await self.stream()]
        await anext(streams[0])
        await asyncio.to_thread(streams.clear)
        await asyncio.to_thread(self.upstream.wait_for, "cancelled", "gpt-x")

    async def test_one_whose_texts_are_left_stops_the_model(self):
        self.upstream.set_script("gpt-x", _ENDLESS)
        stream = await self.stream()
        async for _ in stream.texts():
            break
        await asyncio.to_thread(self.upstream.wait_for, "cancelled", "gpt-x")
        with self.assertRaises(errors.CallCancelledError):
            await anext(stream)

    async def test_who_is_cancelled_stops_the_model(self):
        self.upstream.set_script("gpt-x", _ENDLESS)
        stream = await self.stream()
        await anext(stream)

        async def read_on():
            async for _ in stream:
                pass

        task = asyncio.create_task(read_on())
        await asyncio.sleep(0)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(self.upstream.wait_for, "cancelled", "gpt-x")


class ClosedLoopTest(client_case.ClientCase):

    def test_one_that_outlives_its_loop_is_cancelled_in_silence(self):
        self.upstream.set_script("gpt-x", _ENDLESS)

        async def begun():
            client = LLMGateway.connect_async(
                self.gateway.grpc, plaintext=True, api_key=client_case.ALICE)
            stream = client.stream_generate(generate_request("gpt-x"))
            await anext(stream)
            return stream

        unraisable = []
        with mock.patch("sys.unraisablehook", unraisable.append):
            stream = asyncio.run(begun())
            del stream
        self.assertEqual(unraisable, [])
        self.upstream.wait_for("cancelled", "gpt-x")


class ResumedStreamTest(AsyncCase):

    config = client_case.CONFIG + "resumable_streams: {{}}\n"

    async def test_one_whose_connection_broke_is_gone_on_with(self):
        self.upstream.set_script("gpt-x", {
            "chunks": 20, "chunk_bytes": 16, "chunk_delay_ms": 20})
        client = await self.client()
        stream = client.stream_generate(generate_request("gpt-x"))
        seen = [(await anext(stream)).seq for _ in range(3)]
        stream.close()
        resumed = client.resume_stream(stream.request_id, stream.seq)
        seen += [event.seq async for event in resumed]
        self.assertEqual(seen, list(range(1, len(seen) + 1)))


class ScriptedStreamTest(AsyncCase):

    async def play(self, *steps):
        self.scripted = self.enter(ScriptedGateway(*steps))
        client = await self.client(self.scripted.address,
                                   health_checks=False)
        return client.stream_generate(generate_request("m"))

    async def test_no_end_is_no_success(self):
        stream = await self.play([STARTED, TEXT])
        with self.assertRaisesRegex(errors.StreamInterruptedError,
                                    "without its end"):
            async for _ in stream:
                pass

    async def test_an_event_that_is_missing_is_told(self):
        stream = await self.play([STARTED, FINISHED])
        with self.assertRaisesRegex(errors.StreamInterruptedError,
                                    "event 3 has come in place of 2"):
            async for _ in stream:
                pass

    async def test_one_that_is_turned_away_comes_again(self):
        stream = await self.play([Refusal(_UNAVAILABLE, "OVERLOADED", 1)],
                                 [STARTED, TEXT, FINISHED])
        self.assertEqual([piece async for piece in stream.texts()],
                         ["Hello"])
        self.assertEqual(len(self.scripted.calls), 2)

    async def test_one_that_has_begun_does_not(self):
        stream = await self.play(
            [STARTED, Refusal(_UNAVAILABLE, "OVERLOADED", 1)])
        with self.assertRaises(errors.UnavailableError):
            async for _ in stream:
                pass
        self.assertEqual(len(self.scripted.calls), 1)


del AsyncCase  # Its tests are those of the others.

if __name__ == "__main__":
    unittest.main()

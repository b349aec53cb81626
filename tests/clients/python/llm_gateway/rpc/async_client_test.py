"""AsyncLLMGatewayClient does for coroutines what the other does."""

import asyncio
import inspect
import unittest

from tests.clients.python.llm_gateway import client_case
from tests.clients.python.llm_gateway.client_case import (
    Refusal, ScriptedGateway, generate_request, text_of)

import grpc
from llm_gateway.gateway import LLMGateway
from llm_gateway.rpc import errors
from llm_gateway.rpc.async_client import AsyncLLMGatewayClient
from llm_gateway.rpc.client import LLMGatewayClient
from llm_gateway.router.messages import RouteOutcome
from llmgateway.v1 import gateway_pb2
from tests.clients.python.llm_gateway.router_case import prompt_request

_UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


class AsyncCase(unittest.IsolatedAsyncioTestCase, client_case.ClientCase):

    async def client(self, target=None, **options):
        options = {"plaintext": True, "api_key": client_case.ALICE, **options}
        client = LLMGateway.connect_async(target or self.gateway.grpc,
                                          **options)
        self.addAsyncCleanup(client.close)
        return client


class CallsTest(AsyncCase):

    async def test_generates(self):
        self.upstream.set_script("gpt-x", {"text": "Good day."})
        client = await self.client()
        answers = await asyncio.gather(*(
            client.generate(generate_request("gpt-x")) for _ in range(5)))
        self.assertEqual({text_of(answer) for answer in answers},
                         {"Good day."})

    async def test_counts_and_embeds(self):
        self.upstream.set_script("gpt-embed", {"dimensions": 3})
        client = await self.client()
        counted = await client.count_tokens(generate_request("claude-x"))
        self.assertGreater(counted.input_tokens, 0)
        answer = await client.embed(gateway_pb2.EmbedRequest(
            model="gpt-embed", inputs=[{"text": "one"}]))
        self.assertEqual(len(answer.embeddings[0].values), 3)

    async def test_keeps_sessions(self):
        client = await self.client()
        session = await client.create_session(ttl_s=90, context={"a": "b"})
        await client.generate(generate_request("gpt-x", session=session.id))
        kept = await client.get_session(session.id)
        self.assertEqual(len(kept.messages), 2)
        await client.delete_session(session.id)
        with self.assertRaises(errors.NotFoundError):
            await client.get_session(session.id)

    async def test_routes(self):
        client = await self.client(api_key=None)
        response = await client.route(prompt_request(
            model_id="gpt-x", auth_token=client_case.ALICE))
        self.assertEqual(response.outcome, RouteOutcome.SUCCESS)

    async def test_failures_are_typed(self):
        client = await self.client(api_key="wrong")
        with self.assertRaises(errors.AuthenticationError) as caught:
            await client.generate(generate_request("gpt-x"))
        self.assertEqual(caught.exception.reason, "API_KEY_INVALID")

    async def test_a_deadline_passes(self):
        self.upstream.set_script("gpt-x", {"stall_before_first_byte": True})
        client = await self.client()
        with self.assertRaises(errors.DeadlineError):
            await client.generate(generate_request("gpt-x"), timeout_s=0.2)

    async def test_who_is_cancelled_cancels_his_call(self):
        self.upstream.set_script("gpt-x", {"stall_before_first_byte": True})
        client = await self.client()
        task = asyncio.create_task(client.generate(generate_request("gpt-x")))
        await asyncio.to_thread(self.upstream.wait_for, "started", "gpt-x")
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(self.upstream.wait_for, "cancelled", "gpt-x")

    async def test_what_is_turned_away_comes_again(self):
        scripted = self.enter(ScriptedGateway(
            Refusal(_UNAVAILABLE, "OVERLOADED", 1),
            gateway_pb2.GenerateResponse(request_id="r")))
        client = await self.client(scripted.address, health_checks=False)
        answer = await client.generate(generate_request("m"))
        self.assertEqual((answer.request_id, len(scripted.calls)), ("r", 2))

    async def test_what_the_gateway_has_tried_does_not(self):
        scripted = self.enter(ScriptedGateway(
            Refusal(_UNAVAILABLE, "PROVIDER_UNAVAILABLE", 1)))
        client = await self.client(scripted.address, health_checks=False)
        with self.assertRaises(errors.ProviderFailedError):
            await client.generate(generate_request("m"))
        self.assertEqual(len(scripted.calls), 1)

    async def test_its_block_ends_its_connections(self):
        async with LLMGateway.connect_async(
                self.gateway.grpc, plaintext=True,
                api_key=client_case.ALICE) as client:
            await client.generate(generate_request("gpt-x"))
        with self.assertRaises(errors.CallCancelledError):
            await client.generate(generate_request("gpt-x"))

    async def test_to_close_it_ends_calls_and_is_no_cancellation_of_tasks(self):
        self.upstream.set_script("gpt-x", {"stall_before_first_byte": True})
        client = await self.client()
        tasks = [asyncio.ensure_future(each) for each in (
            client.generate(generate_request("gpt-x")),
            anext(client.stream_generate(generate_request("gpt-x"))),
            client.generate(generate_request("gpt-x")))]
        await asyncio.to_thread(self.upstream.wait_for, "started", "gpt-x",
                                count=3)
        tasks[2].cancel()
        await client.close()
        for task in tasks[:2]:
            with self.assertRaises(errors.CallCancelledError):
                await task
        with self.assertRaises(asyncio.CancelledError):
            await tasks[2]


class ModelsTest(AsyncCase):

    config = """\
providers: [{{name: one, models: [cheap, dear], mock: {{}}}}]
routing: {{default_target: one}}
"""

    async def test_they_are_listed_and_described(self):
        client = await self.client()
        self.assertEqual([model.name async for model in client.list_models()],
                         ["cheap", "dear"])
        self.assertEqual((await client.get_model("dear")).provider, "one")


class SameCallsTest(unittest.TestCase):

    def test_both_clients_have_the_same_calls(self):
        def calls(of_class):
            return {name: list(inspect.signature(value).parameters)
                    for name, value in vars(of_class).items()
                    if inspect.isfunction(value) and name[0] != "_"}

        sync = calls(LLMGatewayClient)
        del sync["register_provider"]
        self.assertEqual(calls(AsyncLLMGatewayClient), sync)


if __name__ == "__main__":
    unittest.main()

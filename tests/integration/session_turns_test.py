"""A turn of a session is kept whole, once its caller has it, and outlasts the
gateway; or it is not kept at all."""

import json
import os
import signal
import threading
import time
import unittest

from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import chat
from tests.integration.http_calls import request_bytes
from tests.integration.sessions_case import ALICE
from tests.integration.sessions_case import SessionsCase


class EndingsTest(SessionsCase):

    def test_what_did_not_end_well_adds_nothing(self):
        self.start()
        session = self.open()
        self.upstream.set_script("gpt-x", {"status": 400})
        self.assertEqual(self.chat(session, "refused").status, 400)
        self.upstream.set_script("gpt-x", {"chunks": 9,
                                           "reset_after_chunks": 3})
        broken = self.stream(session, "broken")
        self.assertEqual(broken.wait()["reason"], "STREAM_INTERRUPTED")
        self.upstream.set_script("gpt-x", {"chunks": 9,
                                           "stall_after_chunks": 3})
        left = self.stream(session, "left")
        while left.text() == "":
            self.assertIsNotNone(left.next_event())
        left.cancel()
        left.wait()
        self.upstream.wait_for("cancelled", "gpt-x")
        connection = RawConnection(self.gateway.http)
        connection.send(request_bytes(
            chat("gpt-x", "gone", session_id=session, stream=True),
            headers=["authorization: Bearer " + ALICE]))
        connection.read_head()
        connection.reset()
        self.upstream.wait_for("cancelled", "gpt-x", count=2)
        # The next one is let in, since none is under way.
        self.upstream.set_script("gpt-x", {"text": "well"})
        deadline = time.monotonic() + 30
        answer = self.chat(session, "whole")
        while answer.status == 409 and time.monotonic() < deadline:
            answer = self.chat(session, "whole")
        self.assertEqual(answer.text(), "well")
        self.assertEqual(self.texts(session), ["whole", "well"])
        self.gateway.stop()

    def test_an_answer_that_breaks_its_schema_adds_nothing(self):
        self.start()
        session = self.open()
        self.upstream.set_script("gpt-x", {"text": "no json"})
        end = self.rpc("Generate", prompt(
            "gpt-x", session=session, strict_output=True,
            response_format={"kind": "KIND_JSON_SCHEMA", "name": "answer",
                             "schema": json.dumps({"type": "object"})}
        )).end
        self.assertEqual(end["reason"], "RESPONSE_VALIDATION", end)
        self.assertEqual(self.texts(session), [])
        self.gateway.stop()

    def test_a_session_takes_one_call_at_a_time(self):
        self.start()
        session = self.open()
        self.upstream.set_script("gpt-x", [
            {"chunks": 2, "stall_after_chunks": 1}, {"text": "other"}])
        first = self.stream(session, "first")
        while first.text() == "":
            self.assertIsNotNone(first.next_event())
        refused = self.chat(session, "second")
        self.assertEqual((refused.status, refused.error()["code"]),
                         (409, "conflict"))
        end = self.rpc("Generate", prompt("gpt-x", session=session)).end
        self.assertEqual(
            (end["code"], end["reason"], end["metadata"]["resource"]),
            ("ABORTED", "CONFLICT", "sessions/" + session))
        # It can be read and counted meanwhile, and others be gone on with.
        self.assertEqual(self.texts(session), [])
        self.assertEqual(self.chat(self.open(), "other").text(), "other")
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 2)
        first.cancel()
        first.wait()
        self.gateway.stop()

    def test_what_is_deleted_during_a_call_does_not_come_back(self):
        self.start()
        session = self.open()
        self.upstream.set_script("gpt-x", {"chunks": 3,
                                           "chunk_delay_ms": 1,
                                           "first_byte_delay_ms": 5000})
        call = self.caller.start_generate(
            self.gateway.grpc, prompt("gpt-x", session=session),
            metadata=[["authorization", "Bearer " + ALICE]])
        self.upstream.wait_for("started", "gpt-x")
        self.assertEqual(
            self.http("DELETE", "/v1/sessions/" + session).status, 204)
        self.assertEqual(call.wait()["reason"], "CONFLICT", call.end)
        self.assertEqual(
            self.http("GET", "/v1/sessions/" + session).status, 404)
        self.gateway.stop()

    def test_a_repeated_call_gets_its_answer_and_adds_nothing(self):
        self.start("idempotency: {}\n")
        session = self.open()
        self.upstream.set_script("gpt-x", [{"text": "one"}, {"text": "two"},
                                           {"text": "three"}])
        for api in ("http", "grpc", "stream"):
            said = "by " + api

            def ask_once():
                if api == "grpc":
                    return self.rpc("Generate", prompt(
                        "gpt-x", said, session=session,
                        idempotency_key="k-grpc")).text()
                return self.chat(session, said, stream=api == "stream",
                                 headers={"idempotency-key": "k-" + api}).text()

            answers = {ask_once() for _ in range(3)}
            self.assertEqual(len(answers), 1, answers)
        self.assertEqual(self.texts(session),
                         ["by http", "one", "by grpc", "two", "by stream",
                          "three"])
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 3)
        self.gateway.stop()

    def test_many_callers_with_sessions_of_their_own(self):
        self.start()
        self.upstream.set_script("gpt-x", {"text": "ok"})
        sessions = [self.open() for _ in range(8)]
        failed = []

        def converse(session):
            for turn in range(5):
                answer = self.chat(session, "%s %d" % (session, turn))
                if answer.status != 200:
                    failed.append(answer.body)

        threads = [threading.Thread(target=converse, args=(session,))
                   for session in sessions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        for session in sessions:
            self.assertEqual(
                self.texts(session)[::2],
                ["%s %d" % (session, turn) for turn in range(5)])
        self.gateway.stop()


class RestartTest(SessionsCase):

    def test_sessions_in_a_file_outlast_a_restart(self):
        self.start()
        session = self.open({"context": {"a": 1}})
        self.upstream.set_script("gpt-x", {"text": "one"})
        self.assertEqual(self.chat(session, "first").status, 200)
        before = self.get(session)
        self.gateway.stop()
        self.start()
        self.assertEqual(self.get(session), before)
        self.assertEqual(self.chat(session, "second").status, 200)
        self.assertEqual(self.asked(), ["first", "one", "second"])
        self.gateway.stop()

    def test_a_turn_that_was_answered_outlasts_a_kill(self):
        self.start()
        session = self.open()
        self.upstream.set_script("gpt-x", {"text": "one"})
        for turn in range(3):
            # Killed as soon as the answer is there.
            connection = RawConnection(self.gateway.http)
            connection.send(request_bytes(
                chat("gpt-x", "turn %d" % turn, session_id=session,
                     stream=turn == 1),
                headers=["authorization: Bearer " + ALICE]))
            status, _ = connection.read_head()
            self.assertEqual(status, 200)
            if turn == 1:
                while b"[DONE]" not in connection.read_chunk():
                    pass
            os.kill(self.gateway.pid, signal.SIGKILL)
            connection.close()
            self.gateway.kill()
            self.start()
            self.assertEqual(
                self.texts(session)[2 * turn:], ["turn %d" % turn, "one"])
        self.gateway.stop()

    def test_sessions_in_memory_do_not(self):
        self.start(durable=False)
        session = self.open()
        self.assertEqual(self.get(session)["messages"], [])
        self.gateway.stop()
        self.start(durable=False)
        self.assertEqual(
            self.http("GET", "/v1/sessions/" + session).status, 404)
        self.gateway.stop()


if __name__ == "__main__":
    unittest.main()

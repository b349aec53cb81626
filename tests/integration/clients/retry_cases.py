"""When the clients of all languages try a call again, and that they do not
multiply what the gateway has tried; as client_cases.py.

Nothing that may have reached a provider is made again, unless the gateway says
that it has not, or knows the call again by its key.
"""

import time

from tests.integration import gateway_case
from tests.integration.clients import client_cases
from tests.integration.clients.scripted_gateway import BEGUN
from tests.integration.clients.scripted_gateway import ScriptedGateway

# That a client makes when all calls fail: each takes one of ten tokens, and
# there are none while half of them are left.
_RETRIES_MAX = 4
_KEY = "key-of-a-caller-0123456789"
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class RetryCases(client_cases.ClientCase):
    """When the client tries again, and that it does not multiply what the
    gateway has tried."""

    # The gateway tries each call three times, however many fail.
    config = gateway_case.KEYLESS_CONFIG + """\
  retry_budget: {{percent: 100, minimum: 1000}}
"""
    CALLS = 5
    # What the client can cancel, and whether it ends its calls when it is
    # closed; as ConnectionCases says.
    CANCELLABLE = ("generate", "stream")
    CLOSES = True
    # The code of one whose details are none.
    BROKEN_DETAILS = "FAILED_PRECONDITION"

    def setUp(self):
        super().setUp()
        self.server = ScriptedGateway()
        self.addCleanup(self.server.close)
        self.renew_client()

    def renew_client(self):
        """Takes one that no failures have told to try less."""
        self.client = self.connect(self.server.address)
        self.retries = 0

    def call(self, do="generate", **fields):
        return self.client.call(do, model="m", text="Hello", **fields)

    def assert_attempts(self, count, do, *steps, **fields):
        """That a call takes so many attempts, of which all but the last fail as
        the steps say, and the last if they are as many."""
        self.retries += count - 1
        if self.retries > _RETRIES_MAX:
            self.renew_client()
            self.retries = count - 1
        self.server.play(*steps)
        result = self.call(do, **{"name": "m", "session": "s", "ttl_s": 60,
                                  **fields})
        self.assertEqual(len(self.server.attempts()), count, (do, steps))
        if "break_off" in steps[min(count, len(steps)) - 1]:
            # gRPC tells of a break before it gives the connection up; what is
            # called meanwhile goes down with that.
            while "error" in self.call("count"):
                pass
        return result

    def test_what_the_gateway_has_turned_away_is_tried_again(self):
        for do in ("generate", "stream", "embed", "count", "models",
                   "create_session", "delete_session"):
            for reason in ("CONCURRENCY_LIMITED", "DRAINING", "OVERLOADED"):
                with self.subTest(do=do, reason=reason):
                    result = self.assert_attempts(
                        2, do, {"code": "UNAVAILABLE", "reason": reason}, {})
                    # A scripted stream has no end.
                    self.assertEqual("error" in result, do == "stream")

    def test_after_as_long_as_the_gateway_says(self):
        for do in ("generate", "stream"):
            for code, reason in (("RESOURCE_EXHAUSTED", "RATE_LIMITED"),
                                 ("UNAVAILABLE", "CIRCUIT_OPEN"),
                                 ("UNAVAILABLE", "STORE_UNAVAILABLE")):
                refusal = {"code": code, "reason": reason}
                with self.subTest(do=do, reason=reason):
                    self.assert_attempts(2, do, {**refusal, "pushback": "1"},
                                         {})
                    # Only the gateway knows when.
                    self.assert_failed(self.assert_attempts(1, do, refusal),
                                       code, reason)

    def test_reasons_of_others_mean_nothing_here(self):
        for do in ("generate", "stream"):
            self.assert_failed(
                self.assert_attempts(1, do, {
                    "code": "RESOURCE_EXHAUSTED", "reason": "OVERLOADED",
                    "domain": "googleapis.com"}),
                "RESOURCE_EXHAUSTED", "")

    def test_details_that_cannot_be_read_lose_no_status(self):
        for do in ("generate", "stream"):
            self.assert_failed(
                self.assert_attempts(1, do, {
                    "code": "FAILED_PRECONDITION", "details": "\x0b\x7f?"}),
                self.BROKEN_DETAILS, "")

    def test_three_times_in_all(self):
        refusal = {"code": "UNAVAILABLE", "reason": "OVERLOADED",
                   "pushback": "1"}
        for do in ("generate", "stream"):
            self.assert_failed(self.assert_attempts(3, do, refusal),
                               "UNAVAILABLE", "OVERLOADED")

    def test_or_as_often_as_it_is_told(self):
        for attempts, do in ((1, "generate"), (1, "stream"), (4, "generate"),
                             (4, "stream")):
            client = self.connect(self.server.address, attempts_max=attempts)
            self.server.play({"code": "UNAVAILABLE", "reason": "OVERLOADED",
                              "pushback": "1"})
            client.call(do, model="m", text="Hello")
            self.assertEqual(len(self.server.attempts()), attempts)

    def test_not_where_the_gateway_pushes_back(self):
        for do in ("generate", "stream", "count"):
            # -1 forbids it, and half an hour is the caller's affair.
            for pushback in ("-1", "1800000"):
                self.assert_failed(self.assert_attempts(
                    1, do, {"code": "UNAVAILABLE", "reason": "OVERLOADED",
                            "pushback": pushback}, {}),
                    "UNAVAILABLE", "OVERLOADED")

    def test_no_wait_outlasts_the_deadline(self):
        for do in ("generate", "stream"):
            self.assert_failed(self.assert_attempts(
                1, do, {"code": "UNAVAILABLE", "reason": "OVERLOADED",
                        "pushback": "20000"}, {}, timeout_ms=10000),
                "UNAVAILABLE", "OVERLOADED")

    def start_waiting(self, do):
        """Starts a call that is refused and waits for long to come again."""
        self.server.play({"code": "UNAVAILABLE", "reason": "OVERLOADED",
                          "pushback": "29000", "tells_end": True}, {})
        call = self.client.start(do, model="m", text="Hello")
        self.server.wait_until_ended()
        # On the same connection, so that the refusal has come before.
        self.assertNotIn("error", self.call("count"))
        return call

    def assert_cancelled_at_once(self, call):
        began = time.monotonic()
        self.assert_failed(self.client.wait(call), "CANCELLED", "")
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(len(self.server.attempts()), 2)

    def test_a_call_that_waits_can_be_cancelled(self):
        for do in self.CANCELLABLE:
            with self.subTest(do):
                call = self.start_waiting(do)
                self.client.cancel(call)
                self.assert_cancelled_at_once(call)

    def test_a_call_that_waits_ends_when_its_client_is_closed(self):
        if not self.CLOSES:
            return
        for do in ("generate", "stream"):
            with self.subTest(do):
                self.renew_client()
                call = self.start_waiting(do)
                self.client.close_client()
                self.assert_cancelled_at_once(call)

    def test_not_what_may_have_been_done(self):
        for code in ("INTERNAL", "ABORTED", "RESOURCE_EXHAUSTED", "UNKNOWN"):
            self.assert_failed(
                self.assert_attempts(1, "generate", {"code": code}, {}),
                code, "")
        for reason in ("PROVIDER_UNAVAILABLE", "PROVIDER_TIMEOUT"):
            self.assert_failed(self.assert_attempts(
                1, "generate", {"code": "UNAVAILABLE", "reason": reason,
                                "pushback": "1"}, {}), "UNAVAILABLE", reason)

    def test_not_what_may_have_reached_a_provider_when_its_connection_broke(
            self):
        for do in ("generate", "stream", "embed", "create_session",
                   "delete_session"):
            # What is between may say so, too.
            for step in ({"break_off": True}, {"code": "UNAVAILABLE"}):
                with self.subTest(do=do, step=step):
                    self.assert_failed(self.assert_attempts(1, do, step, {}),
                                       "UNAVAILABLE", "")

    def test_but_what_costs_nothing_to_repeat(self):
        for do in ("count", "list_models", "models", "get_model",
                   "get_session", "list_tools"):
            for step in ({"break_off": True}, {"code": "UNAVAILABLE"},
                         {"code": "UNAVAILABLE",
                          "reason": "LEDGER_UNAVAILABLE"}):
                with self.subTest(do=do, step=step):
                    self.assertNotIn("error",
                                     self.assert_attempts(2, do, step, {}))

    def test_and_what_the_gateway_knows_again_by_its_key(self):
        for do in ("generate", "stream"):
            for step in ({"break_off": True}, {"code": "UNAVAILABLE"}):
                with self.subTest(do=do, step=step):
                    self.assert_attempts(2, do, step, {},
                                         idempotency_key="order-17")

    def test_a_tool_is_never_run_again(self):
        for step in ({"break_off": True}, {"code": "UNAVAILABLE"},
                     {"code": "UNAVAILABLE", "pushback": "1"},
                     {"code": "UNAVAILABLE", "reason": "DRAINING"},
                     {"code": "UNAVAILABLE", "reason": "OVERLOADED",
                      "pushback": "1"},
                     {"code": "RESOURCE_EXHAUSTED", "reason": "RATE_LIMITED",
                      "pushback": "1"}):
            with self.subTest(step):
                self.assertIn("error", self.assert_attempts(
                    1, "execute_tool", step, {}, name="add", arguments="{}"))

    def test_not_a_stream_that_has_begun(self):
        self.server.play({"events": BEGUN, "code": "UNAVAILABLE"}, {})
        self.assert_failed(self.call("stream"), "UNAVAILABLE", "")
        self.assertEqual(len(self.server.attempts()), 1)

    def test_not_while_most_calls_fail(self):
        self.server.play({"code": "UNAVAILABLE", "reason": "OVERLOADED",
                          "pushback": "1"})
        for _ in range(20):
            self.assert_failed(self.call(), "UNAVAILABLE", "OVERLOADED")
        self.assertEqual(len(self.server.attempts()), 20 + _RETRIES_MAX)

    def test_deadlines_are_there_by_default(self):
        self.server.play({})
        for do, seconds in (("generate", 900), ("embed", 900),
                            ("count", 60), ("models", 60),
                            ("get_model", 60), ("create_session", 60),
                            ("list_tools", 60), ("execute_tool", 60)):
            with self.subTest(do):
                self.call(do, name="m", ttl_s=60, arguments="{}")
                left = self.server.attempts()[-1]["time_left_s"]
                # On the wire it may be rounded up.
                self.assertLess(left, seconds + 5)
                self.assertGreater(left, seconds - 30)
        self.call("stream")
        self.assertGreater(self.server.attempts()[-1]["time_left_s"], 870)

    def test_a_call_has_the_clients_metadata_and_its_own(self):
        self.client = self.connect(self.server.address, api_key=_KEY)
        self.server.play({})
        self.call(metadata={"traceparent": _TRACE, "x-team": "search"})
        metadata = self.server.attempts()[0]["metadata"]
        self.assertEqual(
            (metadata["authorization"], metadata["traceparent"],
             metadata["x-team"]), ("Bearer " + _KEY, _TRACE, "search"))
        # Python's has no version where it is run from its sources.
        self.assertRegex(
            metadata["user-agent"],
            r"^llmgateway-((cpp|go|java|node)/0\.1\.0|python/0) ")

    def test_amplification(self):
        """Client and gateway together try no more than the gateway alone."""
        upstream = gateway_case.MockUpstream()
        self.addCleanup(upstream.close)
        gateway = self.start(self.config.format(upstream=upstream.address),
                             env=gateway_case.ENV)
        for model, script in (
                ("gpt-503", {"status": 503}),
                ("gpt-529", {"status": 529}),
                ("gpt-reset", {"reset_before_first_byte": True})):
            upstream.set_script(model, script)
            for do in ("generate", "stream"):
                with self.subTest(model=model, do=do):
                    upstream.reset(keep_scripts=True)
                    # One that no failures have told to try less.
                    client = self.connect(gateway.grpc)
                    told = 0
                    for i in range(self.CALLS):
                        result = client.call(
                            do, model=model, text="Hello", metadata={
                                "x-request-id": "%s-%s-%d" % (model, do, i)})
                        self.assertEqual(result["error"]["code"],
                                         "UNAVAILABLE", result)
                        told += gateway.wait_for_access(
                            request_id="%s-%s-%d" % (model, do, i)
                        )["attempt_count"]
                    self.assertGreaterEqual(told, 3 * self.CALLS)
                    attempts = upstream.stat(model, "requests")
                    self.assertLessEqual(attempts, 1.2 * told)

    def test_an_overloaded_gateway_is_tried_again(self):
        """What no provider was asked for is worth another attempt."""
        upstream = gateway_case.MockUpstream()
        self.addCleanup(upstream.close)
        upstream.set_script("gpt-held", {"stall_after_chunks": 1})
        gateway = self.start((self.config + "overload: {{concurrency: "
                              "{{calls_limit: 1, wait_timeout: 0s}}}}\n"
                              ).format(upstream=upstream.address),
                             env=gateway_case.ENV)
        client = self.connect(gateway.grpc)
        held = client.start("stream", model="gpt-held", text="Hello")
        upstream.wait_for("started", "gpt-held")
        call = client.start("generate", model="gpt-x", text="Hello",
                            metadata={"x-request-id": "shed-1"})
        gateway.wait_for_access(request_id="shed-1")  # Refused once.
        client.cancel(held)
        client.wait(held)
        self.assertNotIn("error", client.wait(call))
        self.assertEqual(upstream.stat("gpt-x", "requests"), 1)

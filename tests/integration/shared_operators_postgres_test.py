"""What an operator says at one of two gateways holds at both, where they share
no Redis, and the PostgreSQL of their ledger."""

import threading
import time
import unittest

from tests.integration import operators_case
from tests.integration.http_calls import ask
from tests.integration.operators_case import NODE, OF_NODES
from tests.testing.postgres_process import PostgresProcess

_END_SESSIONS = (
    "SELECT count(pg_terminate_backend(pid, 20000)) FROM pg_stat_activity "
    "WHERE application_name = 'llm-gateway records'")


class SharedOperatorsPostgresTest(operators_case.Sharing,
                                  operators_case.OperatorsCase):

    def setUp(self):
        super().setUp()
        self.postgres = PostgresProcess()
        self.addCleanup(self.postgres.close)

    def sharing(self):
        return """\
ledger:
  on_failure: degrade
  postgres: {connection: "%s", timeout: 5s}
""" % self.postgres.conninfo

    def start_two(self, routing=""):
        return [self.start_keeping(name, routing=routing)
                for name in ("one", "other")]

    def override(self, gateway, model=None):
        """Without a model, takes it back."""
        more = {} if model is None else {"model_id": model}
        self.operate(gateway, "UpdateNodePolicy", node_name="writer", **more)

    def operators_health(self, gateway):
        health = self.operate(gateway, "GetHealth")
        return next(each for each in health["components"]
                    if each["name"] == "operators")

    def await_operators(self, gateway, state):
        deadline = time.monotonic() + 2 * operators_case.BOUND_S
        while self.operators_health(gateway)["state"] != "STATE_" + state:
            self.assertLess(time.monotonic(), deadline, state)
            time.sleep(0.05)

    def await_same(self, here, there):
        deadline = time.monotonic() + operators_case.BOUND_S
        while self.provider(here, **NODE) != self.provider(there, **NODE):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def await_told(self, count):
        """Until so many things were said, that the database knows of."""
        self.await_answer("SELECT to_regclass('llm_gateway.records') "
                          "IS NOT NULL", "t")
        self.await_answer("SELECT count(*) FROM llm_gateway.records "
                          "WHERE value IS NOT NULL", str(count))

    def await_answer(self, question, answer):
        deadline = time.monotonic() + operators_case.BOUND_S
        while self.postgres.ask(question) != answer:
            self.assertLess(time.monotonic(), deadline, question)
            time.sleep(0.05)

    def test_an_override_outlasts_the_restart_of_both(self):
        here, there = self.start_two(OF_NODES)
        self.override(here, "told")
        self.await_provider(there, "other", **NODE)
        here.stop()
        there.stop()
        for gateway in self.start_two(OF_NODES):
            self.assertEqual(self.provider(gateway, **NODE), "other")
            gateway.stop()
        # And of one that has nothing of its own any more.
        anew = self.start_keeping("anew", routing=OF_NODES)
        self.await_provider(anew, "other", **NODE)

    def test_what_is_said_while_postgres_is_away_is_told_later(self):
        here, there = self.start_two(OF_NODES)
        self.override(here, "told")
        self.await_provider(there, "other", **NODE)
        self.postgres.kill()
        for gateway in (here, there):
            gateway.wait_for_log(
                module="state",
                msg="what operators say holds at this replica alone until "
                    "the store can be asked")
            self.await_operators(gateway, "DEGRADED")
            self.assertEqual(ask(gateway.operations, path="/readyz").status,
                             200)
        self.assertIn("ledger.postgres.connection",
                      self.operators_health(here)["problem"])
        # Calls go on, and who asks is heard.
        self.override(here)
        self.assertEqual(self.provider(here, **NODE), "one")
        self.assertEqual(self.provider(there, **NODE), "other")
        self.postgres.start()
        self.await_provider(there, "one", **NODE)
        for gateway in (here, there):
            gateway.wait_for_log(
                module="state",
                msg="what operators say is shared by all replicas again")
            self.await_operators(gateway, "HEALTHY")

    def test_two_operators_who_speak_of_one_thing_at_once_agree(self):
        here, there = self.start_two(OF_NODES)
        for _ in range(3):
            both = [threading.Thread(target=self.override, args=said)
                    for said in ((here, "told"), (there, "best"))]
            for each in both:
                each.start()
            for each in both:
                each.join()
            # Each has its own until it hears that the other spoke later.
            self.await_same(here, there)

    def test_what_two_say_of_different_things_at_once_holds_at_both(self):
        gateways = self.start_two()
        said = [threading.Thread(target=self.operate,
                                 args=(gateway, "SetModelEnabled"),
                                 kwargs={"provider": "one",
                                         "model": "m%d-%d" % (number, each),
                                         "enabled": False})
                for number, gateway in enumerate(gateways)
                for each in range(5)]
        for each in said:
            each.start()
        for each in said:
            each.join()
        for gateway in gateways:
            for number in range(2):
                for each in range(5):
                    self.await_disabled(gateway, "m%d-%d" % (number, each))
        self.await_told(10)

    def test_lost_sessions_and_a_database_that_has_lost_all(self):
        one, other = self.start_two()
        self.operate(one, "SetModelEnabled", provider="one", model="m",
                     enabled=False)
        self.await_disabled(other, "m")
        self.assertEqual(self.postgres.ask(_END_SESSIONS), "2")
        self.operate(other, "SetModelEnabled", provider="one", model="m2",
                     enabled=False)
        self.await_disabled(one, "m2")
        self.postgres.ask("TRUNCATE llm_gateway.records, "
                          "llm_gateway.record_collections")
        self.await_told(2)
        self.operate(one, "SetModelEnabled", provider="one", model="m",
                     enabled=True)
        self.await_provider(other, "one", provider_id="one")

    def test_who_ends_while_the_database_is_silent_is_heard_later(self):
        here, there = self.start_two()
        self.operate(here, "UpdateRollout", percentage=0)
        self.await_provider(there, "other")
        # As one whose tables somebody has locked.
        let_go = self.postgres.hold(
            "LOCK TABLE llm_gateway.records IN ACCESS EXCLUSIVE MODE")
        self.addCleanup(let_go)
        self.operate(here, "UpdateRollout", reset=True)
        here.stop()
        # What it had not told is told when it is back.
        let_go()
        self.start_keeping("one")
        self.await_provider(there, "one")

    def test_a_thing_that_was_said_is_a_row(self):
        here = self.start_keeping("one")
        self.operate(here, "SetModelEnabled", provider="one", model="m",
                     enabled=False)
        self.await_told(1)
        self.assertEqual(
            self.postgres.ask(
                "SELECT collection, convert_from(key, 'UTF8'), version "
                "FROM llm_gateway.records"),
            "operator_statements|circuit/one/m|1")


if __name__ == "__main__":
    unittest.main()

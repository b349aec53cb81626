"""Keys that operators issue while the gateway runs: they open every API as long
as they are good, outlast the process, and their secrets are nowhere."""

import base64
import glob
import http.client
import json
import os
import signal
import tempfile
import time
import unittest

from tests.integration import grpc_caller
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayError
from tests.testing.gateway_process import GatewayProcess

_ADMIN = "/llmgateway.v1.AdminService/"
_GATEWAY = "/llmgateway.v1.GatewayService/"
_OPERATOR = "key-of-an-operator-0123456789"
_ENV = {"OPERATOR": _OPERATOR}
_CONFIG = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
logging: {level: trace}
auth:
  callers: {issued_keys: {}}
  operators: {api_keys: [{id: on-call, key: "env:OPERATOR"}]}
"""
_MESSAGES = {"model": "m", "max_tokens": 9,
             "messages": [{"role": "user", "content": "hi"}]}
_CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
_TIMEOUT_S = 30.0


class IssuedKeysCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="issued")
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "kept")

    def start(self, config=_CONFIG):
        gateway = GatewayProcess(
            config + "runtime: {state_dir: '%s'}\n" % self.state, env=_ENV)
        self.addCleanup(gateway.kill)
        return gateway

    def admin(self, gateway, method, code="OK", **request):
        """The answer of a call that ends so; its end if that is no OK."""
        call = self.caller.call(
            gateway.admin, _ADMIN + method, request,
            metadata=[["authorization", "Bearer " + _OPERATOR]])
        self.assertEqual(call.end["code"], code, call.end)
        return call.response if code == "OK" else call.end

    def create(self, gateway, ttl=None, **key):
        """A key's id and its secret."""
        request = {"key": key}
        if ttl is not None:
            request["ttl"] = ttl
        made = self.admin(gateway, "CreateKey", **request)
        return made["key"]["id"], made["secret"]

    def ask(self, gateway, key, body=None, path="/v1/chat/completions",
            **options):
        return ask(gateway.http, body or chat("m"), path=path,
                   headers={"authorization": "Bearer " + key}, **options)

    def end(self, gateway, key, method="Generate", request=None):
        end = self.caller.call(
            gateway.grpc, _GATEWAY + method, request or prompt("m"),
            metadata=[["authorization", "Bearer " + key]]).end
        return end["code"], end.get("reason")

    def assert_opens(self, gateway, key):
        answer = self.ask(gateway, key)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.end(gateway, key)[0], "OK")

    def assert_refused(self, gateway, key, reason):
        self.assertEqual(self.ask(gateway, key).status, 401)
        self.assertEqual(self.end(gateway, key), ("UNAUTHENTICATED", reason))


class IssuedKeysTest(IssuedKeysCase):

    def test_a_key_opens_every_api(self):
        gateway = self.start()
        key_id, key = self.create(gateway, labels={"team": "red"})
        self.assertRegex(key, "^llmgw_%s_[0-9A-Za-z]{49}$" % key_id)
        self.assert_opens(gateway, key)
        for path, body, header in (
                ("/v1/messages", _MESSAGES, "x-api-key"),
                ("/v1beta/models/m:generateContent", _CONTENTS,
                 "x-goog-api-key")):
            answer = ask(gateway.http, body, path=path, headers={header: key})
            self.assertEqual(answer.status, 200, answer.body)
            line = gateway.wait_for_access(
                request_id=answer.headers["x-request-id"])
            self.assertEqual(line["caller"], key_id)
            self.assertEqual(line["labels"], {"team": "red"})
        self.assertEqual(
            ask(gateway.http, path="/v1/models",
                headers={"authorization": "Bearer " + key}).status, 200)
        # And nothing for operators.
        call = self.caller.call(
            gateway.admin, _ADMIN + "ListKeys", {},
            metadata=[["authorization", "Bearer " + key]])
        self.assertEqual(call.end["reason"], "API_KEY_INVALID")
        gateway.stop()

    def test_without_a_key_nobody_is_served(self):
        gateway = self.start()
        self.assertEqual(ask(gateway.http, chat("m")).status, 401)
        self.assert_refused(gateway, "sk-0123456789abcdef0123",
                            "API_KEY_INVALID")
        _, key = self.create(gateway)
        for wrong in (key[:-1] + ("a" if key[-1] != "a" else "b"), key + "x",
                      key[:-50], "llmgw_"):
            self.assert_refused(gateway, wrong, "API_KEY_INVALID")
        gateway.stop()

    def test_scopes_hold_at_once_when_they_are_changed(self):
        gateway = self.start()
        key_id, key = self.create(gateway, scopes=["api:openai"])
        self.assertEqual(self.ask(gateway, key).status, 200)
        self.assertEqual(self.end(gateway, key),
                         ("PERMISSION_DENIED", "FORBIDDEN"))
        self.admin(gateway, "UpdateKey",
                   key={"id": key_id, "scopes": ["api:grpc", "model:m"]},
                   update_mask="scopes")
        self.assertEqual(self.ask(gateway, key).status, 403)
        self.assertEqual(self.end(gateway, key)[0], "OK")
        self.assertEqual(self.end(gateway, key, request=prompt("other")),
                         ("PERMISSION_DENIED", "MODEL_NOT_ALLOWED"))
        gateway.stop()

    def test_a_revoked_key_is_refused_also_on_open_connections(self):
        gateway = self.start()
        key_id, key = self.create(gateway)
        connection = http.client.HTTPConnection(gateway.http,
                                                timeout=_TIMEOUT_S)
        self.addCleanup(connection.close)
        self.assertEqual(
            self.ask(gateway, key, connection=connection).status, 200)
        self.assertEqual(self.end(gateway, key)[0], "OK")
        self.admin(gateway, "RevokeKey", id=key_id)
        self.assertEqual(
            self.ask(gateway, key, connection=connection).status, 401)
        self.assert_refused(gateway, key, "API_KEY_DISABLED")
        for path, body in (("/v1/messages", _MESSAGES),
                           ("/v1beta/models/m:generateContent", _CONTENTS)):
            self.assertEqual(self.ask(gateway, key, body, path).status, 401)
        # Whoever only knows its id learns nothing.
        end = self.admin(gateway, "UpdateKey", "ABORTED",
                         key={"id": key_id, "state": "STATE_ACTIVE"},
                         update_mask="state")
        self.assertEqual(end["reason"], "CONFLICT")
        gateway.stop()

    def test_a_disabled_key_is_told_so_and_enabled_again(self):
        gateway = self.start()
        key_id, key = self.create(gateway, owner="team@example.org")
        self.admin(gateway, "UpdateKey",
                   key={"id": key_id, "state": "STATE_DISABLED"},
                   update_mask="state")
        self.assert_refused(gateway, key, "API_KEY_DISABLED")
        self.assertIn("ask team@example.org",
                      self.ask(gateway, key).error()["message"])
        self.admin(gateway, "UpdateKey",
                   key={"id": key_id, "state": "STATE_ACTIVE"},
                   update_mask="state")
        self.assert_opens(gateway, key)
        gateway.stop()

    def test_a_key_expires(self):
        gateway = self.start()
        _, key = self.create(gateway, ttl="1.5s")
        deadline = time.monotonic() + _TIMEOUT_S
        answer = self.ask(gateway, key)
        while answer.status == 200 and time.monotonic() < deadline:
            answer = self.ask(gateway, key)
        self.assertEqual(answer.status, 401)
        self.assert_refused(gateway, key, "API_KEY_EXPIRED")
        gateway.stop()

    def test_rotation_keeps_the_old_secret_for_a_grace(self):
        gateway = self.start()
        key_id, first = self.create(gateway)
        second = self.admin(gateway, "RotateKey", id=key_id)["secret"]
        self.assert_opens(gateway, first)
        self.assert_opens(gateway, second)
        rotated = self.admin(gateway, "RotateKey", id=key_id, grace="0s")
        self.assertNotIn("previous_secret_expire_time", rotated["key"])
        self.assert_refused(gateway, first, "API_KEY_INVALID")
        self.assert_refused(gateway, second, "API_KEY_INVALID")
        self.assert_opens(gateway, rotated["secret"])
        gateway.stop()

    def test_keys_are_listed_page_by_page_without_their_secrets(self):
        gateway = self.start()
        made = dict(self.create(gateway, owner="owner%d" % (i % 2))
                    for i in range(5))
        listed, token = [], ""
        while True:
            page = self.admin(gateway, "ListKeys", page_size=2,
                              page_token=token)
            listed += page.get("keys", [])
            self.assertLessEqual(len(page.get("keys", [])), 2)
            token = page.get("next_page_token", "")
            if not token:
                break
        self.assertEqual([key["id"] for key in listed], sorted(made))
        for secret in made.values():
            self.assertNotIn(secret[-20:], json.dumps(listed))
        mine = self.admin(gateway, "ListKeys", owner="owner1",
                          read_mask="id")["keys"]
        self.assertEqual(len(mine), 2)
        self.assertEqual(set(mine[0]), {"id"})
        gateway.stop()

    def test_where_no_keys_are_issued_that_is_said(self):
        gateway = self.start(_CONFIG.replace(
            "  callers: {issued_keys: {}}\n", ""))
        for method in ("CreateKey", "ListKeys", "GetKey", "UpdateKey",
                       "RotateKey", "RevokeKey"):
            end = self.admin(gateway, method, "FAILED_PRECONDITION")
            self.assertEqual(end["reason"], "NOT_CONFIGURED")
            self.assertEqual(end["metadata"]["field"],
                             "auth.callers.issued_keys")
        gateway.stop()

    def test_a_route_is_explained_for_an_issued_key(self):
        gateway = self.start()
        key_id, _ = self.create(gateway, scopes=["model:other"])
        call = self.caller.call(
            gateway.admin, _ADMIN + "ExplainRoute", {"request": prompt("m")},
            metadata=[["authorization", "Bearer " + _OPERATOR],
                      ["x-llmgateway-caller", key_id]])
        self.assertEqual(call.end["code"], "OK", call.end)
        gateway.stop()


class KeptKeysTest(IssuedKeysCase):

    def test_a_restart_keeps_keys_and_what_became_of_them(self):
        gateway = self.start()
        _, good = self.create(gateway)
        revoked_id, revoked = self.create(gateway)
        self.admin(gateway, "RevokeKey", id=revoked_id)
        rotated_id, before = self.create(gateway)
        after = self.admin(gateway, "RotateKey", id=rotated_id)["secret"]
        gateway.stop()
        again = self.start()
        for key in (good, before, after):
            self.assert_opens(again, key)
        self.assert_refused(again, revoked, "API_KEY_DISABLED")
        again.stop()

    def test_a_key_that_was_shown_survives_a_kill(self):
        gateway = self.start()
        made = [self.create(gateway) for _ in range(5)]
        self.admin(gateway, "RevokeKey", id=made[0][0])
        gateway.send_signal(signal.SIGKILL)
        gateway.kill()
        again = self.start()
        self.assert_refused(again, made[0][1], "API_KEY_DISABLED")
        for _, key in made[1:]:
            self.assert_opens(again, key)
        again.stop()

    def test_a_request_that_is_made_again_makes_no_second_key(self):
        gateway = self.start()
        first = self.admin(gateway, "CreateKey", request_id="deploy-7")
        gateway.stop()
        again = self.start()
        end = self.admin(again, "CreateKey", "ABORTED", request_id="deploy-7")
        self.assertEqual(end["reason"], "CONFLICT")
        self.assertEqual(end["metadata"]["resource"],
                         "keys/" + first["key"]["id"])
        self.assert_opens(again, first["secret"])
        again.stop()

    def test_secrets_are_nowhere(self):
        gateway = self.start()
        key_id, key = self.create(gateway)
        second = self.admin(gateway, "RotateKey", id=key_id)["secret"]
        for each in (key, second):
            self.assert_opens(gateway, each)
        self.assert_refused(gateway, key[:-1] + "_", "API_KEY_INVALID")
        metrics = ask(gateway.operations, path="/metrics").body
        config = json.dumps(self.admin(gateway, "GetConfig")).encode()
        listed = json.dumps(self.admin(gateway, "ListKeys")).encode()
        done = gateway.wait_for_log(msg="an operator has rotated a key")
        self.assertEqual((done["key"], done["operator"]), (key_id, "on-call"))
        gateway.stop()
        places = [gateway.output.encode(), gateway.access_text.encode(),
                  metrics, config, listed]
        files = glob.glob(os.path.join(self.state, "*"))
        self.assertIn(os.path.join(self.state, "gateway.db"), files)
        for path in files:
            with open(path, "rb") as file:
                places.append(file.read())
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)
        for secret in (key, second):
            hidden = secret[-49:].encode()
            for form in (hidden, hidden[:20], hidden[-20:],
                         base64.b64encode(hidden)[:40], hidden.hex().encode()):
                for place in places:
                    self.assertNotIn(form, place)

    def test_in_memory_keys_are_forgotten_and_a_warning_says_so(self):
        gateway = GatewayProcess(_CONFIG, env=_ENV)
        self.addCleanup(gateway.kill)
        self.assertIn("a restart forgets them", gateway.output)
        _, key = self.create(gateway)
        self.assert_opens(gateway, key)
        gateway.stop()

    def test_a_store_that_cannot_be_opened_is_told_by_its_field(self):
        with self.assertRaisesRegex(GatewayError, "store.file: "):
            GatewayProcess(_CONFIG + "store: {file: /no/such/folder/k.db}\n",
                           env=_ENV)

    def test_the_section_comes_and_goes_with_a_restart(self):
        gateway = self.start()
        _, key = self.create(gateway)
        gateway.write_config(
            _CONFIG.replace("  callers: {issued_keys: {}}\n", "") +
            "runtime: {state_dir: '%s', watch_files: false}\n" % self.state)
        end = self.admin(gateway, "ReloadConfig", "FAILED_PRECONDITION")
        self.assertEqual(end["reason"], "RESTART_REQUIRED")
        self.assertEqual(ask(gateway.http, chat("m")).status, 401)
        self.assert_opens(gateway, key)
        gateway.stop()


if __name__ == "__main__":
    unittest.main()

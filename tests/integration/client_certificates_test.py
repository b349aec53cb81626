"""Certificates that clients show name who calls and who operates, at each
listener that asks for them."""

import http.client
import ssl
import tempfile
import unittest

from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.certificates import Authority
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess

_KEY = "key-of-a-caller-0123456789"
_ADMIN = "/llmgateway.v1.AdminService/ListProviders"
_CONFIG = """\
listeners:
  grpc: {{address: "127.0.0.1:0", tls: {tls}}}
  http: {{address: "127.0.0.1:0", tls: {tls}}}
  admin: {{address: "127.0.0.1:0", tls: {tls}}}
  admin_http: {{address: "127.0.0.1:0", tls: {tls}}}
  operations: {{address: "127.0.0.1:0"}}
providers: [{{name: mock, models: [cheap, dear], mock: {{reply: "hello"}}}}]
routing: {{default_target: mock}}
auth:
  callers:
    {keys}
    client_certificates:
      names: ["spiffe://prod/ns/*/sa/api", "dns:search.internal"]
      grants: {{labels: {{by: certificate}}, scopes: ["model:cheap"]}}
  operators:
    client_certificates: {{names: ["CN=on-call"]}}
"""
_KEYS = 'api_keys: [{id: team, key: "env:KEY"}]'


class ClientCertificatesTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="certificates")
        cls.addClassCleanup(folder.cleanup)
        cls.ours = Authority(folder.name, "ours")
        server = cls.ours.issue("localhost", "DNS:localhost,IP:127.0.0.1")
        issue = cls.ours.issue
        cls.api = issue("anything", "URI:spiffe://prod/ns/a/sa/api")
        cls.search = issue("anything", "DNS:Search.Internal,DNS:other")
        cls.nobody = issue("nobody", "URI:spiffe://prod/ns/a/b/sa/api")
        cls.on_call = issue("on-call", "DNS:laptop")
        tls = '{cert_chain: "file:%s", private_key: "file:%s", ' \
            'client_ca: "file:%s"}' % (server.cert, server.key, cls.ours.cert)
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)
        cls.gateway = GatewayProcess(_CONFIG.format(tls=tls, keys=_KEYS),
                                     env={"KEY": _KEY})
        cls.addClassCleanup(cls.gateway.kill)
        cls.without_keys = GatewayProcess(_CONFIG.format(tls=tls, keys=""))
        cls.addClassCleanup(cls.without_keys.kill)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        cls.without_keys.stop()
        super().tearDownClass()

    def connect(self, leaf, address=None):
        context = ssl.create_default_context(cafile=self.ours.cert)
        context.load_cert_chain(leaf.cert, leaf.key)
        connection = http.client.HTTPSConnection(
            (address or self.gateway.http).replace("127.0.0.1", "localhost"),
            timeout=http_calls.TIMEOUT_S, context=context)
        self.addCleanup(connection.close)
        return connection

    def ask(self, leaf, model="cheap", address=None, **headers):
        return http_calls.ask(
            "", chat(model), headers=headers,
            connection=self.connect(leaf, address))

    def end(self, leaf, address, method=None, request=None, metadata=()):
        return self.caller.call(
            address, method or "/llmgateway.v1.GatewayService/Generate",
            prompt("cheap") if request is None else request,
            metadata=list(metadata), channel=leaf.cert + address,
            tls={"ca": self.ours.pem(), "cert": leaf.pem(),
                 "key": leaf.key_pem(), "name": "localhost"}).end

    def caller_of(self, answer, gateway=None):
        self.assertEqual(answer.status, 200, answer.body)
        return (gateway or self.gateway).wait_for_access(
            request_id=answer.headers["x-request-id"])

    def test_a_name_that_is_let_in_is_the_caller(self):
        for gateway in (self.gateway, self.without_keys):
            for leaf, name in ((self.api, "spiffe://prod/ns/a/sa/api"),
                               (self.search, "dns:search.internal")):
                line = self.caller_of(self.ask(leaf, address=gateway.http),
                                      gateway)
                self.assertEqual(line["caller"], name)
                self.assertEqual(line["labels"], {"by": "certificate"})
                self.assertEqual(self.end(leaf, gateway.grpc)["code"], "OK")

    def test_one_connection_stays_its_callers(self):
        connection = self.connect(self.api)
        for _ in range(3):
            answer = http_calls.ask("", chat("cheap"), connection=connection)
            self.assertEqual(self.caller_of(answer)["caller"],
                             "spiffe://prod/ns/a/sa/api")

    def test_other_names_are_refused(self):
        for gateway in (self.gateway, self.without_keys):
            self.assertEqual(
                self.ask(self.nobody, address=gateway.http).status, 401)
            end = self.end(self.nobody, gateway.grpc)
            self.assertEqual((end["code"], end["reason"]),
                             ("UNAUTHENTICATED", "API_KEY_INVALID"))

    def test_its_grants_hold(self):
        self.assertEqual(self.ask(self.api, "dear").status, 403)

    def test_a_key_that_is_shown_counts(self):
        answer = self.ask(self.api, "dear", authorization="Bearer " + _KEY)
        self.assertEqual(self.caller_of(answer)["caller"], "team")
        answer = self.ask(self.nobody, authorization="Bearer " + _KEY)
        self.assertEqual(self.caller_of(answer)["caller"], "team")
        answer = self.ask(self.api, authorization="Bearer wrong")
        self.assertEqual(answer.status, 401)
        end = self.end(self.api, self.gateway.grpc,
                       metadata=[["authorization", "Bearer wrong"]])
        self.assertEqual(end["code"], "UNAUTHENTICATED")

    def test_a_page_of_another_origin_has_no_use_of_it(self):
        answer = self.ask(self.api, origin="https://evil.example")
        self.assertEqual(answer.status, 403)
        # It would be let in by a key, which it cannot know.
        answer = self.ask(self.api, "dear", origin="https://evil.example",
                          authorization="Bearer " + _KEY)
        self.assertEqual(answer.status, 200)

    def admin_http(self, leaf, **headers):
        connection = self.connect(leaf, self.gateway.admin_http)
        return http_calls.ask("", path="/api/admin/gateway/health",
                              headers=headers, connection=connection).status

    def test_operators_are_others(self):
        def code(leaf):
            return self.end(leaf, self.gateway.admin, _ADMIN, {})["code"]
        self.assertEqual(code(self.on_call), "OK")
        self.assertEqual(code(self.api), "UNAUTHENTICATED")
        self.assertEqual(self.ask(self.on_call).status, 401)
        self.assertNotIn(self.admin_http(self.on_call), (401, 403))
        self.assertEqual(self.admin_http(self.api), 401)
        self.assertEqual(
            self.admin_http(self.on_call, origin="https://evil.example"), 403)

    def test_configurations_in_which_nobody_could_come_are_told(self):
        with self.assertRaisesRegex(Exception, "is for a listener with"):
            GatewayProcess(
                "providers: [{name: mock, mock: {}}]\n"
                "auth: {callers: {client_certificates: {names: [CN=a]}}}\n")


if __name__ == "__main__":
    unittest.main()

"""JSON Web Tokens in place of keys, of callers and of operators, and the key
sets of their issuers, which come, go, fail and take their time."""

import hashlib
import hmac
import re
import tempfile
import unittest

from tests.integration import grpc_caller
from tests.integration import token_issuer
from tests.integration.certificates import Authority
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.token_issuer import KeySetServer
from tests.integration.token_issuer import TokenIssuer
from tests.testing.gateway_process import GatewayProcess

_KEY = "key-of-a-caller-0123456789"
_MOCK = """\
providers: [{name: mock, models: [cheap-1, dear-1], mock: {reply: "hello"}}]
routing: {default_target: mock}
"""
_WAS_READ = "the key set of an issuer was read"
_ADMIN = "/llmgateway.v1.AdminService/ListProviders"


class _JwtCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="tokens")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def enter(self, context):
        entered = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return entered

    def ask(self, token, model="cheap-1", gateway=None, **headers):
        return ask((gateway or self.gateway).http, chat(model),
                   headers={"authorization": "Bearer " + token, **headers})

    def end(self, token, gateway=None):
        return self.caller.generate(
            (gateway or self.gateway).grpc, prompt("cheap-1"),
            metadata=[["authorization", "Bearer " + token]]).end


class TokensTest(_JwtCase):
    """One gateway with two issuers, a file's and a server's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one = TokenIssuer(cls.folder, "https://one.example")
        for kid, algorithm in (("rs", "RS256"), ("es", "ES256"),
                               ("ed", "EdDSA")):
            cls.one.add_key(kid, algorithm)
        cls.two = TokenIssuer(cls.folder, "https://two.example")
        cls.two.add_key("es")
        path = cls.folder + "/one.json"
        with open(path, "w", encoding="utf-8") as file:
            file.write(cls.one.key_set())
        cls.server = KeySetServer()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.say("/two?v=1", cls.two.key_set())
        cls.gateway = GatewayProcess(_MOCK + """\
auth:
  callers:
    api_keys: [{id: team, key: "env:KEY"}]
    jwt_issuers:
      - issuer: https://one.example
        audiences: [other, gateway]
        key_set: "file:%s"
        owner_claim: team/name
        grants: {labels: {from: one}, scopes: ["model:cheap-*"]}
      - issuer: https://two.example
        audiences: [gateway]
        key_set: "%s"
        caller_prefix: "two:"
  operators:
    jwt_issuers:
      - issuer: https://one.example
        audiences: [operators]
        key_set: "file:%s"
""" % (path, cls.server.url("/two?v=1"), path), env={"KEY": _KEY})
        cls.addClassCleanup(cls.gateway.kill)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        super().tearDownClass()

    def refuse(self, token, says="not accepted"):
        refused = self.ask(token)
        self.assertEqual(refused.status, 401, refused.body)
        self.assertIn(says, refused.error()["message"])
        self.assertEqual(self.end(token)["code"], "UNAUTHENTICATED")

    def test_tokens_of_each_algorithm_name_their_caller(self):
        for kid in ("rs", "es", "ed"):
            token = self.one.sign(kid, {"team": {"name": "blue"}}, sub=kid)
            for _ in range(2):  # Verified, then remembered.
                answer = self.ask(token)
                self.assertEqual(answer.status, 200, answer.body)
            line = self.gateway.wait_for_access(
                request_id=answer.headers["x-request-id"])
            self.assertEqual(line["caller"], "jwt:" + kid)
            self.assertEqual(line["labels"], {"from": "one"})
            self.assertEqual(self.end(token)["code"], "OK")

    def test_the_same_subject_of_another_issuer_is_another_caller(self):
        answer = self.ask(self.two.sign("es"))
        self.assertEqual(answer.status, 200, answer.body)
        line = self.gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])
        self.assertEqual(line["caller"], "two:alice")

    def test_keys_are_served_beside_tokens_and_tokens_as_api_keys(self):
        self.assertEqual(self.ask(_KEY).status, 200)
        self.assertEqual(self.ask("no-such-key").status, 401)
        answer = ask(self.gateway.http, chat("cheap-1"),
                     headers={"x-api-key": self.one.sign("es")})
        self.assertEqual(answer.status, 200, answer.body)

    def test_what_is_not_signed_by_the_issuer_is_refused(self):
        claims = self.one.claims()
        unsigned = token_issuer.signed_text({"alg": "none"}, claims)
        self.refuse(unsigned + ".")
        # The public key, taken for a secret.
        text = token_issuer.signed_text({"alg": "HS256", "kid": "rs"}, claims)
        mac = hmac.new(self.one.public_pem("rs"), text.encode(),
                       hashlib.sha256).digest()
        self.refuse(text + "." + token_issuer.encode(mac))
        # Another issuer's key, by the name of this one's.
        forger = TokenIssuer(self.folder, "https://one.example")
        forger.add_key("es")
        self.refuse(forger.sign("es"))
        other = TokenIssuer(self.folder, "https://three.example")
        other.add_key("es")
        self.refuse(other.sign("es"))
        good = self.one.sign("es")
        self.refuse(good[:-4] + "AAAA")
        self.refuse(good + "." + good)
        self.refuse("eyJ.x.y")

    def test_claims_must_be_right(self):
        self.refuse(self.one.sign("es", aud="somebody"), "`aud`")
        self.refuse(self.one.sign("es", {"nbf": 4102444800}), "`nbf`")
        self.refuse(self.one.sign("es", {"sub": ""}), "`sub`")
        expired = self.one.sign("es", {"exp": 1000000000})
        self.assertEqual(self.end(expired)["reason"], "API_KEY_EXPIRED")

    def test_both_the_token_and_the_issuer_say_what_it_is_for(self):
        wide = self.one.sign("es", {"scope": "openid model:* api:openai"})
        self.assertEqual(self.ask(wide).status, 200)
        self.assertEqual(self.ask(wide, "dear-1").status, 403)
        self.assertEqual(self.end(wide)["reason"], "FORBIDDEN")
        narrow = self.one.sign("es", {"scope": ["model:cheap-2"]})
        self.assertEqual(self.ask(narrow).status, 403)

    def test_operators_show_tokens_that_are_for_them(self):
        def end(token):
            return self.caller.call(
                self.gateway.admin, _ADMIN, {},
                metadata=[["authorization", "Bearer " + token]]).end
        good = self.one.sign("es", aud="operators")
        self.assertEqual(end(good)["code"], "OK")
        self.assertEqual(end(self.one.sign("es"))["code"], "UNAUTHENTICATED")
        self.assertEqual(self.ask(good).status, 401)


class KeySetsTest(_JwtCase):

    def setUp(self):
        super().setUp()
        self.issuer = TokenIssuer(self.folder, "https://id.example")
        self.issuer.add_key("a")
        self.server = self.enter(KeySetServer())
        self.server.say("/keys", self.issuer.key_set())

    def config(self, more=""):
        return _MOCK + more + """\
auth:
  callers:
    api_keys: [{id: team, key: "env:KEY"}]
    jwt_issuers:
      - {issuer: https://id.example, audiences: [gateway], key_set: "%s"}
""" % self.server.url("/keys")

    def start(self, config=None):
        gateway = GatewayProcess(config or self.config(), env={"KEY": _KEY})
        self.addCleanup(gateway.kill)
        return gateway

    def wait_until_read(self, gateway, keys):
        gateway.wait_for_log(msg=_WAS_READ, keys=keys)

    def assert_not_there_yet(self, answer):
        self.assertEqual(answer.status, 503, answer.body)
        self.assertEqual(answer.headers["retry-after"], "1")

    def test_a_new_key_has_the_set_read_and_an_old_one_is_forgotten(self):
        gateway = self.start()
        old = self.issuer.sign("a")
        self.assertEqual(self.ask(old, gateway=gateway).status, 200)
        self.issuer.add_key("b")
        self.issuer.add_key("c")
        self.server.say("/keys", self.issuer.key_set("b", "c"))
        self.server.goes_on.clear()
        new = self.issuer.sign("b")
        self.assert_not_there_yet(self.ask(new, gateway=gateway))
        # What is verified already goes on meanwhile.
        self.assertEqual(self.ask(old, gateway=gateway).status, 200)
        self.server.goes_on.set()
        self.wait_until_read(gateway, keys=2)
        self.assertEqual(self.ask(new, gateway=gateway).status, 200)
        self.assertEqual(self.ask(old, gateway=gateway).status, 401)
        self.assertEqual(self.end(new, gateway=gateway)["code"], "OK")
        # The set is not read for each token that somebody makes up.
        count = len(self.server.requests)
        for i in range(5):
            made_up = self.issuer.sign("b", said_kid="no-such-%d" % i)
            self.assertEqual(self.ask(made_up, gateway=gateway).status, 401)
        self.assertEqual(len(self.server.requests), count)
        gateway.stop()

    def test_without_keys_tokens_are_refused_for_a_moment(self):
        for status, body, headers in (
                (500, "", {}), (200, "<html>", {}), (200, '{"keys": []}', {}),
                (302, "", {"location": self.server.url("/elsewhere")})):
            with self.subTest(status=status, body=body):
                self.server.say("/elsewhere", self.issuer.key_set())
                self.server.say("/keys", body, status, **headers)
                gateway = self.start()
                gateway.wait_for_log(
                    msg="the key set of an issuer cannot be read")
                token = self.issuer.sign("a")
                self.assert_not_there_yet(self.ask(token, gateway=gateway))
                end = self.end(token, gateway)
                self.assertEqual((end["code"], end["reason"], end["retry_s"]),
                                 ("UNAVAILABLE", "IDENTITY_UNAVAILABLE", 1))
                self.assertEqual(self.ask(_KEY, gateway=gateway).status, 200)
                self.server.say("/keys", self.issuer.key_set())
                self.wait_until_read(gateway, keys=1)
                self.assertEqual(self.ask(token, gateway=gateway).status, 200)
                gateway.stop()

    def test_an_outage_locks_nobody_out_whose_key_is_known(self):
        gateway = self.start()
        self.assertEqual(
            self.ask(self.issuer.sign("a"), gateway=gateway).status, 200)
        self.issuer.add_key("b")
        self.server.say("/keys", "", 500)
        # It has the set read, in vain.
        self.assert_not_there_yet(
            self.ask(self.issuer.sign("b"), gateway=gateway))
        gateway.wait_for_log(msg="the key set of an issuer cannot be read",
                             keys_in_use=1)
        for subject in ("alice", "bob"):
            token = self.issuer.sign("a", sub=subject)
            self.assertEqual(self.ask(token, gateway=gateway).status, 200)
            self.assertEqual(self.end(token, gateway=gateway)["code"], "OK")
        gateway.stop()

    def test_a_slow_server_holds_neither_the_start_nor_calls(self):
        self.server.goes_on.clear()
        gateway = self.start()
        self.assert_not_there_yet(
            self.ask(self.issuer.sign("a"), gateway=gateway))
        self.assertEqual(self.ask(_KEY, gateway=gateway).status, 200)
        gateway.stop()

    def test_another_configuration_keeps_the_keys(self):
        gateway = self.start()
        token = self.issuer.sign("a")
        self.assertEqual(self.ask(token, gateway=gateway).status, 200)
        count = len(self.server.requests)
        gateway.write_config(self.config().replace("cheap-1", "cheap-9"))
        gateway.wait_for_log(msg="configuration in use", module="config",
                             version=2)
        answer = self.ask(token, "cheap-9", gateway=gateway)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(len(self.server.requests), count)
        # An issuer that is gone is believed no more.
        gateway.write_config(
            _MOCK + 'auth: {callers: {api_keys: [{id: a, key: "env:KEY"}]}}\n')
        gateway.wait_for_log(msg="configuration in use", module="config",
                             version=3)
        self.assertEqual(self.ask(token, gateway=gateway).status, 401)
        gateway.stop()

    def test_what_is_wrong_with_issuers_is_told(self):
        config = self.config().replace("http://localhost", "http://id.example")
        with self.assertRaisesRegex(Exception, "is for this machine only"):
            self.start(config)


class GrantsTest(_JwtCase):

    def test_each_caller_has_the_limits_for_itself(self):
        issuer = TokenIssuer(self.folder, "https://id.example")
        issuer.add_key("k")
        path = self.folder + "/limited.json"
        with open(path, "w", encoding="utf-8") as file:
            file.write(issuer.key_set())
        self.gateway = self.enter(GatewayProcess(_MOCK + """\
auth:
  callers:
    jwt_issuers:
      - issuer: https://id.example
        audiences: [gateway]
        key_set: "file:%s"
        grants: {limits: [{unit: requests, limit: 2, window: 1h}]}
""" % path))
        for subject in ("alice", "bob"):
            # Whatever tokens they show.
            statuses = [self.ask(issuer.sign("k", {"jti": str(i)},
                                             sub=subject)).status
                        for i in range(3)]
            self.assertEqual(statuses, [200, 200, 429], subject)


class KubernetesTest(_JwtCase):
    """The example of docs/access.md, with an API server that asks for the
    gateway's own token."""

    def test_service_accounts_call(self):
        with open("docs/access.md", encoding="utf-8") as file:
            section = file.read().split("\n## Kubernetes")[1]
        example = re.search(r"```yaml\n(.*?)```", section, re.DOTALL).group(1)
        authority = Authority(self.folder, "cluster")
        server = self.enter(KeySetServer(
            authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")))
        issuer = TokenIssuer(self.folder,
                             "https://kubernetes.default.svc.cluster.local")
        issuer.add_key("k", "RS256")
        server.say("/openid/v1/jwks", issuer.key_set(), bearer="own-token-1")
        token_path = self.folder + "/token"
        with open(token_path, "w", encoding="utf-8") as file:
            file.write("own-token-1\n")
        account = "/var/run/secrets/kubernetes.io/serviceaccount/"
        config = example
        for stands, put in (
                ("https://kubernetes.default.svc/", server.url("/")),
                (account + "token", token_path),
                (account + "ca.crt", authority.cert)):
            self.assertIn(stands, config)
            config = config.replace(stands, put)
        self.gateway = self.enter(GatewayProcess(_MOCK + config))
        self.gateway.wait_for_log(msg=_WAS_READ, keys=1)
        name = "system:serviceaccount:search:indexer"
        token = issuer.sign(
            "k", {"aud": ["llm-gateway"], "sub": name,
                  "kubernetes.io": {"namespace": "search"}})
        answer = self.ask(token)
        self.assertEqual(answer.status, 200, answer.body)
        line = self.gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])
        self.assertEqual(line["caller"], "k8s:" + name)
        self.assertEqual(self.ask(issuer.sign("k", {"sub": name})).status, 401)


class DiscoveryTest(_JwtCase):

    def test_the_issuer_says_where_its_keys_are(self):
        authority = Authority(self.folder, "discovered")
        server = self.enter(KeySetServer(
            authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")))
        issuer = TokenIssuer(self.folder, server.url("/realm"))
        issuer.add_key("k")
        server.say("/realm/.well-known/openid-configuration",
                   '{"issuer": "%s", "jwks_uri": "%s"}' %
                   (issuer.name, server.url("/certs")))
        server.say("/certs", issuer.key_set())
        self.gateway = self.enter(GatewayProcess(_MOCK + """\
auth:
  callers:
    jwt_issuers:
      - issuer: "%s"
        audiences: [gateway]
        key_set_ca: "file:%s"
""" % (issuer.name, authority.cert)))
        self.assertEqual(self.ask(issuer.sign("k")).status, 200)
        self.assertEqual([path for path, _ in server.requests],
                         ["/realm/.well-known/openid-configuration", "/certs"])


if __name__ == "__main__":
    unittest.main()

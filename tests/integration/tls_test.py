"""TLS to providers and from callers, with certificates made on the spot."""

import http.client
import ssl
import tempfile
import unittest

from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.certificates import Authority
from tests.integration.connect_proxy import ConnectProxy
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_KEY = "key-for-tls-0123456789"
_NAMES = "DNS:localhost,IP:127.0.0.1"


class _TlsCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="certificates")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.ours = Authority(cls.folder, "ours")
        cls.theirs = Authority(cls.folder, "theirs")
        cls.good = cls.ours.issue("localhost", _NAMES)

    def enter(self, context):
        entered = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return entered

    def start(self, config, **options):
        gateway = GatewayProcess(config, env={"KEY": _KEY}, **options)
        self.addCleanup(gateway.kill)
        return gateway


class UpstreamTest(_TlsCase):

    def upstream(self, leaf):
        return self.enter(MockUpstream(tls_cert=leaf.cert, tls_key=leaf.key))

    def ask(self, base_url, http_fields, stream=False):
        """Asks a gateway of its own; returns it and the answer."""
        gateway = self.start(
            "providers:\n"
            "  - name: openai\n"
            "    openai:\n"
            '      base_url: "%s"\n'
            '      api_key: "env:KEY"\n'
            "      http: {%s}\n"
            "routing: {default_target: openai}\n"
            "resilience: {retry: {attempts_limit: 1}}\n" %
            (base_url, http_fields))
        answer = http_calls.ask(gateway.http, chat("gpt-x", stream=stream))
        gateway.stop()
        return answer

    def assert_refused(self, leaf, why, host="localhost", ca=None):
        """Refused at the handshake: no request, encrypted or not."""
        upstream = self.upstream(leaf)
        answer = self.ask(
            "https://%s:%d/v1" % (host, upstream.tls_port),
            'ca_file: "%s"' % (ca or self.ours).cert)
        self.assertEqual(answer.status, 502)
        error = answer.error()
        self.assertEqual(error["code"], "upstream_error")
        self.assertRegex(error["message"], why)
        upstream.wait_for("handshake_failed")
        self.assertEqual(upstream.stat("", "total.requests"), 0)

    def test_a_good_certificate_is_accepted(self):
        for host in ("localhost", "127.0.0.1"):
            for stream in (False, True):
                upstream = self.upstream(self.good)
                answer = self.ask(
                    "https://%s:%d/v1" % (host, upstream.tls_port),
                    'ca_file: "%s"' % self.ours.cert, stream)
                self.assertEqual(answer.status, 200, answer.body)
                self.assertTrue(upstream.last("gpt-x")["secure"])

    def test_an_expired_certificate_is_refused(self):
        self.assert_refused(self.ours.issue("localhost", _NAMES, days=-1),
                            "expired")

    def test_a_certificate_for_another_name_is_refused(self):
        other = self.ours.issue("other.test", "DNS:other.test")
        self.assert_refused(other, "(?i)hostname mismatch")
        self.assert_refused(other, "(?i)ip address mismatch",
                            host="127.0.0.1")

    def test_a_certificate_of_an_unknown_issuer_is_refused(self):
        self.assert_refused(self.theirs.issue("localhost", _NAMES),
                            "(?i)unable to get local issuer|self.signed")

    def test_a_certificate_that_signed_itself_is_refused(self):
        self.assert_refused(self.theirs, "(?i)self.signed")

    def test_without_ca_file_only_the_systems_issuers_count(self):
        upstream = self.upstream(self.good)
        answer = self.ask("https://localhost:%d/v1" % upstream.tls_port, "")
        self.assertEqual(answer.status, 502)
        self.assertEqual(upstream.stat("", "total.requests"), 0)

    def test_there_is_no_falling_back_to_plaintext(self):
        upstream = self.enter(MockUpstream())
        answer = self.ask("https://localhost:%d/v1" % upstream.port,
                          'ca_file: "%s", timeouts: {connect: 500ms}' %
                          self.ours.cert)
        # The mock waits for a request that never comes, or refuses a
        # handshake whose random bytes happen to hold the end of a line.
        self.assertIn(answer.status, (502, 504))
        self.assertEqual(upstream.stat("", "total.requests"), 0)

    def test_an_end_without_a_goodbye_is_an_interruption(self):
        upstream = self.upstream(self.good)
        upstream.set_script("gpt-x", {
            "text": "one two three", "framing": "close",
            "close_after_chunks": 2, "tls_truncate": True})
        answer = self.ask("https://localhost:%d/v1" % upstream.tls_port,
                          'ca_file: "%s"' % self.ours.cert, stream=True)
        self.assertEqual(len(http_calls.stream_errors(answer.body)), 1)

    def test_a_proxy_sees_where_to_and_nothing_else(self):
        upstream = self.upstream(self.good)
        proxy = self.enter(ConnectProxy())
        answer = self.ask(
            "https://localhost:%d/v1" % upstream.tls_port,
            'ca_file: "%s", proxy: "http://%s"' % (self.ours.cert,
                                                   proxy.address))
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(proxy.targets, ["localhost:%d" % upstream.tls_port])
        self.assertNotIn(_KEY.encode(), proxy.heads[0] + proxy.passed)
        self.assertNotIn(b"Hello", proxy.passed)
        self.assertTrue(upstream.last("gpt-x")["secure"])

    def test_the_name_is_checked_through_a_proxy_too(self):
        other = self.ours.issue("other.test", "DNS:other.test")
        upstream = self.upstream(other)
        proxy = self.enter(ConnectProxy())
        answer = self.ask(
            "https://localhost:%d/v1" % upstream.tls_port,
            'ca_file: "%s", proxy: "http://%s"' % (self.ours.cert,
                                                   proxy.address))
        self.assertEqual(answer.status, 502)
        self.assertEqual(upstream.stat("", "total.requests"), 0)

    def test_a_proxy_that_refuses_is_not_gone_around(self):
        upstream = self.upstream(self.good)
        proxy = self.enter(ConnectProxy(
            b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
        answer = self.ask(
            "https://localhost:%d/v1" % upstream.tls_port,
            'ca_file: "%s", proxy: "http://%s"' % (self.ours.cert,
                                                   proxy.address))
        self.assertEqual(answer.status, 502)
        self.assertIn("407", answer.error()["message"])
        self.assertEqual(upstream.stat("", "total.requests"), 0)


class ListenerTest(_TlsCase):
    """TLS at the gateway's own listeners."""

    def start_gateway(self, client_ca=None):
        tls = 'tls: {cert_chain: "file:%s", private_key: "file:%s"%s}' % (
            self.good.cert, self.good.key,
            ', client_ca: "file:%s"' % client_ca if client_ca else "")
        return self.start(
            "listeners:\n" + "".join(
                '  %s: {address: "127.0.0.1:0", %s}\n' % (name, tls)
                for name in ("grpc", "http", "admin", "operations",
                             "admin_http")) +
            "providers: [{name: mock, mock: {reply: \"hi there\"}}]\n"
            "routing: {default_target: mock}\n")

    def context(self, authority=None, client=None):
        context = ssl.create_default_context(
            cadata=(authority or self.ours).pem())
        if client is not None:
            context.load_cert_chain(client.cert, client.key)
        return context

    def ask_http(self, address, context, body=None, path=http_calls.CHAT):
        connection = http.client.HTTPSConnection(
            address, context=context, timeout=http_calls.TIMEOUT_S)
        self.addCleanup(connection.close)
        return http_calls.ask(address, body, path=path, connection=connection)

    def ask_grpc(self, address, authority=None, client=None):
        tls = {"ca": (authority or self.ours).pem(), "name": "localhost"}
        if client is not None:
            tls.update(cert=client.pem(), key=client.key_pem())
        caller = self.enter(grpc_caller.GrpcCaller())
        return caller.generate(address, grpc_caller.prompt("m"), tls=tls)

    def test_every_api_serves_tls(self):
        gateway = self.start_gateway()
        for stream in (False, True):
            answer = self.ask_http(gateway.http, self.context(),
                                   chat("m", stream=stream))
            self.assertEqual(answer.text(), "hi there")
        for address, path in (
                (gateway.operations, "/readyz"),
                (gateway.admin_http, "/api/admin/gateway/health")):
            answer = self.ask_http(address, self.context(), path=path)
            self.assertEqual(answer.status, 200)
        call = self.ask_grpc(gateway.grpc)
        self.assertEqual((call.end["code"], call.text()), ("OK", "hi there"))
        gateway.stop()

    def test_callers_who_trust_others_do_not_come_in(self):
        gateway = self.start_gateway()
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.ask_http(gateway.http, self.context(self.theirs), chat("m"))
        call = self.ask_grpc(gateway.grpc, self.theirs)
        self.assertEqual(call.end["code"], "UNAVAILABLE")
        gateway.stop()

    def test_plaintext_is_not_served_beside_it(self):
        gateway = self.start_gateway()
        for address in (gateway.http, gateway.operations):
            with self.assertRaises((http.client.HTTPException, OSError)):
                http_calls.ask(address, path="/readyz")
        caller = self.enter(grpc_caller.GrpcCaller())
        call = caller.generate(gateway.grpc, grpc_caller.prompt("m"),
                               timeout_s=5)
        self.assertIn(call.end["code"], ("UNAVAILABLE", "DEADLINE_EXCEEDED"))
        gateway.stop()

    def test_old_versions_are_refused(self):
        gateway = self.start_gateway()
        context = self.context()
        # So that this side would agree.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.ask_http(gateway.http, context, chat("m"))
        context = self.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assertEqual(
            self.ask_http(gateway.http, context, chat("m")).status, 200)
        gateway.stop()

    def test_clients_show_a_certificate_where_one_is_asked_for(self):
        gateway = self.start_gateway(client_ca=self.ours.cert)
        known = self.ours.issue("client", "DNS:client")
        stranger = self.theirs.issue("client", "DNS:client")
        answer = self.ask_http(gateway.http, self.context(client=known),
                               chat("m"))
        self.assertEqual(answer.text(), "hi there")
        call = self.ask_grpc(gateway.grpc, client=known)
        self.assertEqual(call.end["code"], "OK")
        for client in (None, stranger):
            with self.assertRaises((ssl.SSLError, ConnectionError,
                                    http.client.HTTPException)):
                self.ask_http(gateway.http, self.context(client=client),
                              chat("m"))
            call = self.ask_grpc(gateway.grpc, client=client)
            self.assertEqual(call.end["code"], "UNAVAILABLE")
        gateway.stop()


if __name__ == "__main__":
    unittest.main()

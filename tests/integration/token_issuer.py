"""An issuer of JSON Web Tokens, with the openssl program, and a server that has
its key set.

    issuer = TokenIssuer(folder, "https://id.example")
    issuer.add_key("k1", "ES256")
    token = issuer.sign("k1", {"sub": "alice"}, aud="gateway")
    with KeySetServer() as server:
        server.say("/keys", issuer.key_set())
        ... key_set: server.url("/keys") ...
"""

import base64
import http.server
import json
import os
import ssl
import subprocess
import threading
import time

_MAKE = {"RS256": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
         "ES256": ("-algorithm", "EC", "-pkeyopt",
                   "ec_paramgen_curve:P-256"),
         "EdDSA": ("-algorithm", "ED25519")}


class TokenIssuer:

    def __init__(self, folder, name):
        self.name = name
        self._folder = folder
        self._keys = {}  # By kid: algorithm, path, JWK.

    def add_key(self, kid, algorithm="ES256"):
        path = os.path.join(self._folder, "%s-%d.pem" % (kid, id(self)))
        _openssl("genpkey", *_MAKE[algorithm], "-out", path)
        self._keys[kid] = (algorithm, path, {
            "kid": kid, "alg": algorithm, "use": "sig",
            **_public(path, algorithm)})

    def key_set(self, *kids):
        """Of these keys, or of all."""
        return json.dumps({"keys": [self._keys[kid][2]
                                    for kid in kids or self._keys]})

    def public_pem(self, kid):
        return _openssl("pkey", "-in", self._keys[kid][1], "-pubout")

    def claims(self, more=None, **also):
        """Those of a token that is right, unless told otherwise."""
        now = int(time.time())
        return {"iss": self.name, "sub": "alice", "aud": "gateway",
                "iat": now, "exp": now + 600, **(more or {}), **also}

    def sign(self, kid, more=None, said_kid=None, **also):
        algorithm, path, _ = self._keys[kid]
        text = signed_text({"alg": algorithm, "kid": said_kid or kid},
                           self.claims(more, **also))
        return text + "." + _base64(_sign(path, algorithm, text.encode()))


def signed_text(header, claims):
    return _base64(json.dumps(header).encode()) + "." + _base64(
        json.dumps(claims).encode())


def encode(value):
    return _base64(value)


class KeySetServer:
    """Says what it is told to, by path."""

    def __init__(self, leaf=None):
        """With TLS, by the certificate `leaf`."""
        self._lock = threading.Lock()
        self._answers = {}
        # Of each request its path and what it shows.
        self.requests = []
        # Cleared by who wants the server to be slow.
        self.goes_on = threading.Event()
        self.goes_on.set()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):

            def do_GET(self):  # pylint: disable=invalid-name
                owner.answer(self)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                       Handler)
        self._server.daemon_threads = True
        self._scheme = "http"
        if leaf is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(leaf.cert, leaf.key)
            self._server.socket = context.wrap_socket(self._server.socket,
                                                      server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.goes_on.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, path=""):
        return "%s://localhost:%d%s" % (
            self._scheme, self._server.server_address[1], path)

    def say(self, path, body, status=200, bearer=None, **headers):
        """What is answered there; to those only who show `bearer`, if it is
        given."""
        with self._lock:
            self._answers[path] = (status, body, bearer, headers)

    def answer(self, request):
        shown = request.headers.get("authorization")
        with self._lock:
            self.requests.append((request.path, shown))
        self.goes_on.wait()
        with self._lock:
            status, body, bearer, headers = self._answers.get(
                request.path, (404, "", None, {}))
        if bearer is not None and shown != "Bearer " + bearer:
            status, body = 401, "{}"
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body.encode())


def _sign(path, algorithm, text):
    if algorithm == "EdDSA":
        # Its input must be a file.
        source = path + ".text"
        with open(source, "wb") as file:
            file.write(text)
        return _openssl("pkeyutl", "-sign", "-rawin", "-inkey", path, "-in",
                        source)
    signature = _openssl("dgst", "-sha256", "-sign", path, text=text)
    return _raw_ecdsa(signature) if algorithm == "ES256" else signature


def _raw_ecdsa(der):
    """Both numbers with 32 bytes each, of a DER sequence."""
    raw, at = b"", 2
    for _ in range(2):
        size = der[at + 1]
        raw += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return raw


def _public(path, algorithm):
    der = _openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
    if algorithm == "EdDSA":
        return {"kty": "OKP", "crv": "Ed25519", "x": _base64(der[-32:])}
    if algorithm == "ES256":
        return {"kty": "EC", "crv": "P-256", "x": _base64(der[-64:-32]),
                "y": _base64(der[-32:])}
    modulus = _openssl("rsa", "-in", path, "-modulus", "-noout")
    number = bytes.fromhex(modulus.decode().strip().split("=")[1])
    return {"kty": "RSA", "n": _base64(number), "e": "AQAB"}


def _base64(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _openssl(*arguments, text=b""):
    done = subprocess.run(["openssl", *arguments], check=False, input=text,
                          capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode("utf-8", "replace"))
    return done.stdout

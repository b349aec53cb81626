"""Issues tokens, right ones and wrong ones, with PyJWT and with `jose`.

A program for Debian's python3, which has python3-jwt. Prints a JSON object:

    issuer, audience  what tokens must say
    key_sets          {name: key set}
    cases             [{group, name, key_set, token, verdict, pyjwt}]

`verdict` is `ok`, or the problem by the names of service/identity/jwt.h, and
`pyjwt` whether PyJWT accepts the token; of jose's tokens it is not asked. The
keys are made anew each time and end with this program.
"""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ISSUER = "https://issuer.example"
AUDIENCE = "llm-gateway"
ALGORITHMS = ("RS256", "ES256", "EdDSA")
_LEEWAY_S = 60
_NOW = int(time.time())


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size):
    return base64url(value.to_bytes(size, "big"))


def public_jwk(key, **members):
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        jwk = {"kty": "RSA", "e": number(numbers.e, 3),
               "n": number(numbers.n, public.key_size // 8)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        numbers = public.public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": number(numbers.x, 32),
               "y": number(numbers.y, 32)}
    else:
        raw = public.public_bytes(serialization.Encoding.Raw,
                                  serialization.PublicFormat.Raw)
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}
    return dict(jwk, **members)


def new_key(algorithm, bits=2048):
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, bits)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def claims(**changes):
    """Claims that are right, but for the changes; None takes one away."""
    right = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice",
             "exp": _NOW + 3600, "iat": _NOW - 5, "nbf": _NOW - 5,
             "scope": "openid model:gpt-*", "team": "search"}
    right.update(changes)
    return {name: value for name, value in right.items() if value is not None}


def token_of(header, payload, signature):
    return ".".join(base64url(part if isinstance(part, bytes)
                              else json.dumps(part).encode())
                    for part in (header, payload, signature))


def hs256(header, payload, secret):
    signed = token_of(header, payload, b"")[:-1]
    mac = hmac.new(secret, signed.encode(), hashlib.sha256)
    return signed + "." + base64url(mac.digest())


class Corpus:

    def __init__(self):
        self.keys = {name: new_key(name) for name in ALGORITHMS}
        self.weak = new_key("RS256", 1024)
        self.key_sets = {
            "all": {"keys": [public_jwk(key, kid=name, alg=name, use="sig")
                             for name, key in self.keys.items()]},
            "weak": {"keys": [public_jwk(self.weak, kid="weak"),
                              public_jwk(self.keys["ES256"], kid="ES256")]}}
        self.cases = []

    def add(self, group, name, token, verdict, key_set="all", key=None):
        """Adds a case; PyJWT is asked with `key`, if it is given."""
        case = {"group": group, "name": name, "token": token,
                "verdict": verdict, "key_set": key_set}
        if key is not None:
            case["pyjwt"] = self._pyjwt_accepts(token, key)
        self.cases.append(case)

    @staticmethod
    def _pyjwt_accepts(token, key):
        try:
            jwt.decode(token, key.public_key(), algorithms=list(ALGORITHMS),
                       audience=AUDIENCE, issuer=ISSUER, leeway=_LEEWAY_S,
                       options={"require": ["exp", "sub"]})
        # Whatever it throws, it does not accept.
        except Exception:  # pylint: disable=broad-except
            return False
        return True

    def sign(self, algorithm, payload=None, key=None, header=None, kid=True):
        """A token; `header` is what it has beside `alg`, `typ` and `kid`."""
        headers = {"kid": algorithm} if kid else {}
        headers.update(header or {})
        return jwt.encode(payload if payload is not None else claims(),
                          key or self.keys[algorithm], algorithm=algorithm,
                          headers=headers)

    def sign_as_is(self, algorithm, header, payload):
        """A token of just this header, whatever it says."""
        signed = token_of(header, payload, b"")[:-1]
        signature = jwt.algorithms.get_default_algorithms()[algorithm].sign(
            signed.encode(), self.keys[algorithm])
        return signed + "." + base64url(signature)

    def add_claims(self, algorithm):
        right = {
            "plain": {}, "audiences": {"aud": ["other", AUDIENCE]},
            "no iat and nbf": {"iat": None, "nbf": None},
            "within the skew": {"exp": _NOW - 30, "nbf": _NOW + 30,
                                "iat": _NOW + 30},
            "scopes as a list": {"scope": ["model:a", "tag:b"]},
            "a large one": {"x": "y" * 8000},
            "a service account": {
                "sub": "system:serviceaccount:prod:search",
                "kubernetes.io": {"namespace": "prod", "serviceaccount": {
                    "name": "search", "uid": "1"}}}}
        wrong = {
            "expired": ("expired", {"exp": _NOW - 3600}),
            "no exp": ("bad_claim", {"exp": None}),
            "exp as text": ("bad_claim", {"exp": str(_NOW + 3600)}),
            "nbf": ("not_yet_valid", {"nbf": _NOW + 3600}),
            "iat": ("not_yet_valid", {"iat": _NOW + 3600}),
            "iss": ("bad_claim", {"iss": ISSUER + "/"}),
            "no iss": ("bad_claim", {"iss": None}),
            "aud": ("wrong_audience", {"aud": "other"}),
            "auds": ("wrong_audience", {"aud": ["other", "another"]}),
            "no aud": ("wrong_audience", {"aud": None}),
            "no sub": ("bad_claim", {"sub": None}),
            "sub as number": ("bad_claim", {"sub": 7})}
        key = self.keys[algorithm]
        for name, changes in right.items():
            for kid in (True, False):
                self.add("right", "%s %s" % (algorithm, name),
                         self.sign(algorithm, claims(**changes), kid=kid),
                         "ok", key=key)
        for name, (verdict, changes) in wrong.items():
            self.add("claims", "%s %s" % (algorithm, name),
                     self.sign(algorithm, claims(**changes)), verdict, key=key)

    def add_signatures(self, algorithm):
        key = self.keys[algorithm]
        other = new_key(algorithm)

        def add(name, token, verdict):
            self.add("signatures", "%s %s" % (algorithm, name), token, verdict,
                     key=key)

        add("of another key", self.sign(algorithm, key=other),
            "wrong_signature")
        add("of another key and expired",
            self.sign(algorithm, claims(exp=1), key=other), "wrong_signature")
        add("unknown kid", self.sign(algorithm, header={"kid": "gone"}),
            "unknown_key")
        for kid in ALGORITHMS:
            if kid != algorithm:
                add("kid of " + kid, self.sign(algorithm, header={"kid": kid}),
                    "unknown_key")
        right = self.sign(algorithm)
        head, payload, signature = right.split(".")
        add("none of all", head + "." + payload + ".", "wrong_signature")
        forged = base64url(json.dumps(claims(sub="root")).encode())
        add("of other claims", ".".join((head, forged, signature)),
            "wrong_signature")
        for cut in (1, len(head), len(head) + 1, len(right) // 2,
                    len(right) - 10, len(right) - 1):
            self.add("changed", "%s cut at %d" % (algorithm, cut), right[:cut],
                     "refused", key=key)
        for at in range(len(right)):
            for flip in (0x01, 0x02, 0x10):
                changed = chr(ord(right[at]) ^ flip)
                self.add("changed", "%s %d^%d" % (algorithm, at, flip),
                         right[:at] + changed + right[at + 1:], "refused",
                         key=key)

    def add_headers(self, algorithm):
        for name, header in {
                "crit": {"crit": ["exp"]}, "unknown crit": {"crit": ["x"],
                                                            "x": True},
                "empty crit": {"crit": []},
                "cty": {"cty": "JWT"},
                "another typ": {"typ": "logout+jwt"}}.items():
            self.add("headers", "%s %s" % (algorithm, name),
                     self.sign(algorithm, header=header), "unsupported")
        # PyJWT would see to these itself.
        for name, header in {"b64": {"b64": True}, "no b64": {"b64": False},
                             "no b64, and crit": {"b64": False,
                                                  "crit": ["b64"]}}.items():
            header = dict(header, alg=algorithm, kid=algorithm)
            self.add("headers", "%s %s" % (algorithm, name),
                     self.sign_as_is(algorithm, header, claims()),
                     "unsupported")
        self.add("headers", algorithm + " brings its key", self.sign(
            algorithm, key=self.weak if algorithm == "RS256" else new_key(
                algorithm),
            header={"jku": "https://evil.example/keys",
                    "jwk": public_jwk(self.weak)}), "wrong_signature")
        inner = self.sign(algorithm)
        self.add("headers", algorithm + " nested", jwt.api_jws.encode(
            inner.encode(), self.keys[algorithm], algorithm=algorithm,
            headers={"kid": algorithm, "cty": "JWT"}), "unsupported")
        self.add("headers", algorithm + " nested, and does not say so",
                 jwt.api_jws.encode(
                     inner.encode(), self.keys[algorithm],
                     algorithm=algorithm, headers={"kid": algorithm}),
                 "malformed")
        self.add("headers", algorithm + " huge",
                 self.sign(algorithm, claims(x="y" * 20000)), "malformed")

    def add_confusion(self):
        """Tokens whose algorithm is not that of the key."""
        self.add("confusion", "none", jwt.encode(
            claims(), None, algorithm="none", headers={"kid": "RS256"}),
                 "unsupported", key=self.keys["RS256"])
        for algorithm, key in self.keys.items():
            public = key.public_key()
            info = serialization.PublicFormat.SubjectPublicKeyInfo
            secrets = {
                "pem": public.public_bytes(serialization.Encoding.PEM, info),
                "der": public.public_bytes(serialization.Encoding.DER, info),
                "jwk": json.dumps(public_jwk(key)).encode(), "empty": b""}
            for name, secret in secrets.items():
                for said, verdict in (("HS256", "unsupported"),
                                      (algorithm, "wrong_signature")):
                    self.add(
                        "confusion", "%s as %s of %s" % (name, said, algorithm),
                        hs256({"alg": said, "typ": "JWT", "kid": algorithm},
                              claims(), secret), verdict, key=key)
        for algorithm in ("RS384", "RS512", "PS256"):
            self.add("confusion", algorithm, jwt.encode(
                claims(), self.keys["RS256"], algorithm=algorithm,
                headers={"kid": "RS256"}), "unsupported",
                     key=self.keys["RS256"])
        self.add("confusion", "ES384", jwt.encode(
            claims(), ec.generate_private_key(ec.SECP384R1()),
            algorithm="ES384", headers={"kid": "ES256"}), "unsupported")
        # A signature of ECDSA as OpenSSL writes it, which a JWS does not.
        signed = token_of({"alg": "ES256", "kid": "ES256"}, claims(), b"")[:-1]
        der = self.keys["ES256"].sign(signed.encode(),
                                      ec.ECDSA(hashes.SHA256()))
        self.add("confusion", "DER", signed + "." + base64url(der),
                 "wrong_signature", key=self.keys["ES256"])
        self.add("confusion", "a weak key", jwt.encode(
            claims(), self.weak, algorithm="RS256", headers={"kid": "weak"}),
                 "unknown_key", key_set="weak")

    def add_jose(self):
        """Tokens of another issuer's software, and its keys as it writes."""
        keys = []
        for algorithm in ("RS256", "ES256"):
            private = _jose(["jwk", "gen", "-i", json.dumps(
                {"alg": algorithm, "kid": "jose " + algorithm})])
            keys.append(json.loads(_jose(["jwk", "pub", "-i-"], private)))
            for name, payload, verdict in (
                    ("right", claims(), "ok"),
                    ("expired", claims(exp=_NOW - 3600), "expired"),
                    ("unknown crit", claims(), "unsupported")):
                header = {"alg": algorithm, "kid": "jose " + algorithm}
                if verdict == "unsupported":
                    header.update(crit=["x"], x=1)
                token = _jose(["jws", "sig", "-I-", "-k", "/dev/fd/3", "-c",
                               "-s", json.dumps({"protected": header})],
                              json.dumps(payload), private)
                self.add("jose", "%s %s" % (algorithm, name), token.strip(),
                         verdict, key_set="jose")
        self.key_sets["jose"] = {"keys": keys}


def _jose(arguments, text="", key=None):
    """Runs `jose`; a key is its descriptor 3, so that none is in a file."""
    command = ["jose"] + arguments
    if key is not None:
        command = ["bash", "-c", 'exec "$@" 3<<<"$0"', key] + command
    return subprocess.run(command, input=text, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def main():
    corpus = Corpus()
    for algorithm in ALGORITHMS:
        corpus.add_claims(algorithm)
        corpus.add_signatures(algorithm)
        corpus.add_headers(algorithm)
    corpus.add_confusion()
    corpus.add_jose()
    json.dump({"issuer": ISSUER, "audience": AUDIENCE, "cases": corpus.cases,
               "key_sets": corpus.key_sets}, sys.stdout)


if __name__ == "__main__":
    main()

"""Makes certificates on the spot, with the openssl program.

    authority = Authority(folder, "ours")
    leaf = authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")
    leaf.cert, leaf.key, authority.cert     paths of PEM files
"""

import os
import subprocess


class Certificate:
    """Paths of a certificate and its key, in PEM."""

    def __init__(self, stem):
        self.cert = stem + ".crt"
        self.key = stem + ".key"

    def pem(self):
        return read(self.cert)

    def key_pem(self):
        return read(self.key)


class Authority(Certificate):
    """Issues certificates into a folder."""

    def __init__(self, folder, name):
        super().__init__(os.path.join(folder, name))
        self._folder = folder
        self._issued = 0
        _openssl("req", "-x509", *_NEW_KEY, "-nodes", "-days", "2",
                 "-subj", "/CN=authority " + name, "-keyout", self.key,
                 "-out", self.cert)

    def issue(self, name, alternative_names, days=1):
        """A certificate for servers and clients; of the past if `days` is
        negative."""
        self._issued += 1
        leaf = Certificate("%s-%d" % (self.cert[:-len(".crt")], self._issued))
        request = leaf.cert + ".csr"
        extensions = leaf.cert + ".ext"
        with open(extensions, "w", encoding="utf-8") as file:
            file.write("subjectAltName=%s\n"
                       "extendedKeyUsage=serverAuth,clientAuth\n" %
                       alternative_names)
        _openssl("req", *_NEW_KEY, "-nodes", "-subj", "/CN=" + name,
                 "-keyout", leaf.key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.cert,
                 "-CAkey", self.key, "-CAcreateserial",
                 "-days", str(days), "-extfile", extensions,
                 "-out", leaf.cert)
        return leaf


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def _openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode("utf-8", "replace"))

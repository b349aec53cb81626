"""Writes the gateway's container image as an OCI image layout, without a daemon.

    python3 -m tools.packaging.image --out=dist/image

The image has the gateway, gatewayctl, the libraries that they load, Mozilla's
certificates and the time zones as Debian ships them, a user, a configuration to start from, the
licences, and a bill of materials; no shell and no package manager. What is packed
is this machine's, as ldd and dpkg tell it. The same input makes the same digest,
which is printed: times are the commit's, and all else is in order.
"""

import dataclasses
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

from tools.packaging import archive
from tools.packaging import build_facts
from tools.packaging import debian_libraries
from tools.packaging import sbom

# The user that the image runs as; Kubernetes wants the number.
USER = 65532
STATE = "var/lib/llm-gateway"
CONFIG = "etc/llm-gateway/gateway.yaml"
SBOM = "usr/share/doc/llm-gateway/sbom.spdx.json"
COMPRESSED_BYTES_LIMIT = 20_000_000

_DEFAULT_CONFIG = "deploy/image/gateway.yaml"
# Where Debian's package has the certificates; it has an example elsewhere.
_MOZILLA = "/usr/share/ca-certificates/mozilla/"
_TIME_ZONES = "/usr/share/zoneinfo/"
# Of that folder what is no zone, and the copies that count otherwise.
_NO_ZONES = re.compile(
    r"(posix|right)(/|$)|localtime$|posixrules$|leap|.*\.(tab|zi)$")
_LAYOUT = '{"imageLayoutVersion":"1.0.0"}'
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
# How a layer is compressed: the end of its media type, and what does it.
COMPRESSIONS = {"zstd": archive.zstandard, "gzip": archive.gzipped}


@dataclasses.dataclass(frozen=True)
class Purpose:
    """What an image is for, and how it is started."""
    title: str
    summary: str
    entrypoint: str
    command: tuple = ()
    ports: tuple = ()
    comments: tuple = ()  # Of each layer.


_GATEWAY = Purpose(
    title=build_facts.TITLE, summary=build_facts.SUMMARY,
    entrypoint="/usr/bin/gateway", command=("--config=/" + CONFIG,),
    ports=(50051, 8080, 9464),
    comments=("libraries and certificates of Debian", "the gateway"))
_FAILBENCH = Purpose(
    title="failbench",
    summary="A provider that fails by script, and a scorecard of gateways",
    entrypoint="/usr/bin/failbench", ports=(9900,), comments=("failbench",))


@dataclasses.dataclass(frozen=True)
class Image:
    """What is to be written: blobs by their digests, and the manifest's."""
    blobs: dict
    manifest: dict  # Its descriptor, with the tag.
    digest: str
    compressed_bytes: int
    bill: str


def build(programs, facts, compression="zstd"):
    """The image of programs, paths by their names in /usr/bin."""
    loaded = debian_libraries.loaded_by(programs.values())
    packages = debian_libraries.packages_of(
        [*loaded.files.values(), loaded.loader]) + debian_libraries.packages(
            ["ca-certificates", "tzdata"])
    bill = sbom.document(build_facts.TITLE, facts.version, facts.revision,
                         packages, facts.epoch_s)
    return _assembled(
        _GATEWAY, [_system(loaded, packages), _application(programs, bill)],
        bill, facts, compression)


def build_failbench(program, facts, compression="zstd"):
    """The image of failbench, which is one static program."""
    certificates = debian_libraries.packages(["ca-certificates"])
    bill = sbom.document(_FAILBENCH.title, facts.version, facts.revision,
                         certificates, facts.epoch_s)
    tree = archive.Tree()
    tree.add("usr/bin/failbench", stripped(program), archive.PROGRAM)
    _add_user(tree)
    _add_certificates(tree)
    tree.folder("tmp", mode=0o1777)
    tree.copy("usr/share/doc/failbench/copyright", "LICENSE")
    tree.add("usr/share/doc/failbench/sbom.spdx.json", bill)
    return _assembled(_FAILBENCH, [tree], bill, facts, compression)


def _assembled(purpose, layers, bill, facts, compression):
    blobs, described, diffs = {}, [], []
    for tree in layers:
        plain = tree.tar(facts.epoch_s)
        diffs.append(_digest(plain))
        described.append(_add(blobs, "%s+%s" % (_LAYER, compression),
                              COMPRESSIONS[compression](plain)))
    config = _add(blobs, _CONFIG, _json(
        _image_config(purpose, facts, diffs)))
    manifest = _add(blobs, _MANIFEST, _json({
        "schemaVersion": 2, "mediaType": _MANIFEST, "config": config,
        "layers": described, "annotations": _annotations(purpose, facts)}))
    return Image(blobs=blobs, digest=manifest["digest"], bill=bill,
                 compressed_bytes=sum(one["size"] for one in described),
                 manifest={**manifest, "platform": _platform(facts),
                           "annotations": {
                               "org.opencontainers.image.ref.name":
                                   facts.version}})


def layout(image):
    """The files of the OCI image layout."""
    tree = archive.Tree()
    tree.add("oci-layout", _LAYOUT)
    tree.add("index.json", _json({"schemaVersion": 2, "mediaType": _INDEX,
                                  "manifests": [image.manifest]}))
    for digest, blob in image.blobs.items():
        tree.add("blobs/" + digest.replace(":", "/"), blob)
    return tree


def _system(loaded, packages):
    """What changes when Debian does."""
    tree = archive.Tree()
    # The folder that the loader looks into without being told.
    place = "usr/lib/%s-linux-gnu" % os.uname().machine
    for name, path in loaded.files.items():
        tree.copy("%s/%s" % (place, name), path, archive.PROGRAM)
    tree.copy(loaded.loader.lstrip("/"), loaded.loader, archive.PROGRAM)
    _add_certificates(tree)
    _add_time_zones(tree)
    _add_user(tree)
    for package in packages:
        if package.copyright():
            tree.add("usr/share/doc/%s/copyright" % package.name,
                     package.copyright())
    return tree


def _add_certificates(tree):
    tree.add("etc/ssl/certs/ca-certificates.crt", _mozilla_certificates())
    # Where OpenSSL looks.
    tree.link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")


def _add_time_zones(tree):
    """By which budgets may begin their days."""
    for path in _files_of("tzdata"):
        name = path[len(_TIME_ZONES):]
        if not path.startswith(_TIME_ZONES) or _NO_ZONES.match(name):
            continue
        if os.path.islink(path):
            tree.link(path.lstrip("/"), os.readlink(path))
        elif os.path.isfile(path):
            tree.copy(path.lstrip("/"), path)


def _add_user(tree):
    tree.add("etc/passwd", "%s:x:%d:%d:%s:/%s:/usr/sbin/nologin\n" % (
        build_facts.TITLE, USER, USER, build_facts.TITLE, STATE))
    tree.add("etc/group", "%s:x:%d:\n" % (build_facts.TITLE, USER))
    tree.add("etc/nsswitch.conf", "hosts: files dns\n")
    # A runtime mounts its own; without one nobody knows `localhost`.
    tree.add("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")


def _application(programs, bill):
    """What changes with each release."""
    tree = archive.Tree()
    for name, program in programs.items():
        tree.add("usr/bin/" + name, stripped(program), archive.PROGRAM)
    tree.copy(CONFIG, _DEFAULT_CONFIG)
    tree.copy("usr/share/doc/llm-gateway/copyright", "LICENSE")
    tree.add(SBOM, bill)
    tree.folder(STATE, mode=0o750, owner=USER)
    tree.folder("tmp", mode=0o1777)
    # Where whoever runs it mounts what the kernel tells; a root that cannot be
    # written to has no room for them later.
    for name in ("dev", "proc", "sys"):
        tree.folder(name)
    return tree


def stripped(program):
    """The program's bytes without what only debuggers read."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "stripped")
        subprocess.run(["strip", "--strip-all", "-o", out, program],
                       check=True)
        with open(out, "rb") as file:
            return file.read()


def _files_of(package):
    """The paths that a Debian package has on this machine, in order."""
    return sorted(subprocess.run(["dpkg", "-L", package],
                                 stdout=subprocess.PIPE, text=True,
                                 check=True).stdout.splitlines())


def _mozilla_certificates():
    """Those of Debian's package alone: the machine's own bundle may have
    others, which are nobody else's to trust."""
    texts = []
    for path in _files_of("ca-certificates"):
        if path.startswith(_MOZILLA) and path.endswith(".crt"):
            with open(path, "rb") as file:
                texts.append(file.read().strip() + b"\n")
    if not texts:
        raise debian_libraries.UnknownFileError(
            "the package ca-certificates has no certificates")
    return b"".join(texts)


def _image_config(purpose, facts, diffs):
    created = _time(facts)
    return {
        "created": created,
        **_platform(facts),
        "config": {
            "User": "%d:%d" % (USER, USER),
            "Env": ["PATH=/usr/bin"],
            "Entrypoint": [purpose.entrypoint],
            "Cmd": list(purpose.command),
            "ExposedPorts": {"%d/tcp" % port: {} for port in purpose.ports},
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "Labels": _annotations(purpose, facts),
        },
        "rootfs": {"type": "layers", "diff_ids": diffs},
        "history": [{"created": created, "created_by": "tools/packaging",
                     "comment": comment}
                    for comment in purpose.comments],
    }


def _annotations(purpose, facts):
    return {"org.opencontainers.image." + name: value for name, value in {
        "created": _time(facts),
        "title": purpose.title,
        "description": purpose.summary,
        "version": facts.version,
        "revision": facts.revision,
        "licenses": build_facts.LICENCE,
        "vendor": "The llm-gateway authors",
    }.items()}


def _platform(facts):
    return {"architecture": facts.architecture, "os": "linux"}


def _time(facts):
    return datetime.datetime.fromtimestamp(
        facts.epoch_s, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(blobs, kind, blob):
    digest = _digest(blob)
    blobs[digest] = blob
    return {"mediaType": kind, "digest": digest, "size": len(blob)}


def _digest(blob):
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def _json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def main(arguments):
    parser = build_facts.parser_of(__doc__)
    build_facts.add_flags(parser)
    parser.add_argument("--compression", choices=COMPRESSIONS, default="zstd",
                        help="of the layers; gzip is larger, for what cannot "
                        "read zstd")
    flags, facts = build_facts.parse(parser, arguments)
    image = build({"gateway": flags.gateway, "gatewayctl": flags.gatewayctl},
                  facts, flags.compression)
    os.makedirs(flags.out)
    layout(image).write(flags.out, facts.epoch_s)
    print(image.digest)


if __name__ == "__main__":
    main(sys.argv[1:])

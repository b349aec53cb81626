"""Writes all that is released into a folder, with checksums.

    python3 -m tools.packaging.release --out=dist

The container image as an archive that skopeo and podman read, the Debian
package, the tarball, the Helm chart, the manifests for Kustomize, the contract,
the clients' packages, failbench, a bill of materials, and SHA256SUMS over them.
The same commit makes the same files on the same Debian.
"""

import hashlib
import os
import re
import sys

from tools.packaging import archive
from tools.packaging import build_facts
from tools.packaging import client_packages
from tools.packaging import image
from tools.packaging import packages

CHECKSUMS = "SHA256SUMS"
# Where the version stands besides VERSION, as formats of others want it.
_OTHER_PLACES = (
    ("deploy/helm/llm-gateway/Chart.yaml", r"^version: (.*)$"),
    ("deploy/helm/llm-gateway/Chart.yaml", r"^appVersion: (.*)$"),
    ("deploy/kubernetes/base/kustomization.yaml", r"^    newTag: (.*)$"),
    ("clients/go/llmgateway.go", r'^const Version = "(.*)"$'),
    ("clients/java/LLMGateway.java",
     r'^  public static final String VERSION = "(.*)";$'),
    ("clients/java/pom.xml", r"^  <version>(.*)</version>$"),
    ("clients/node/options.ts", r'^export const VERSION = "(.*)";$'),
)


class VersionError(Exception):
    """A file has another version than VERSION."""


def files(programs, failbench, clients, facts):
    """The content of each file by its name; `clients` are those of
    client_packages."""
    check_versions(facts.version)
    built = image.build(programs, facts)
    stem = "llm-gateway-%s" % facts.version
    told = {
        "%s-image-%s.tar" % (stem, facts.architecture):
            image.layout(built).tar(facts.epoch_s),
        packages.debian_name(facts): packages.debian(programs, facts),
        packages.stem(facts) + ".tar.gz": packages.tarball(programs, facts),
        stem + ".tgz": _packed("deploy/helm/llm-gateway", "llm-gateway/",
                               facts),
        stem + "-kubernetes.tar.gz": _packed(
            "deploy/kubernetes", stem + "-kubernetes/", facts),
        stem + "-proto.tar.gz": _packed(
            "proto", stem + "-proto/", facts, ".proto"),
        stem + "-sbom.spdx.json": built.bill.encode(),
        **_failbench(failbench, facts),
        **clients,
    }
    sums = "".join("%s  %s\n" % (hashlib.sha256(content).hexdigest(), name)
                   for name, content in sorted(told.items()))
    return {**told, CHECKSUMS: sums.encode()}


def _failbench(program, facts):
    """The program, which is static, and its image."""
    stem = "failbench-%s" % facts.version
    return {
        "%s-linux-%s" % (stem, facts.architecture): image.stripped(program),
        "%s-image-%s.tar" % (stem, facts.architecture): image.layout(
            image.build_failbench(program, facts)).tar(facts.epoch_s),
    }


def check_versions(version):
    for path, pattern in _OTHER_PLACES:
        with open(path, encoding="utf-8") as file:
            found = re.findall(pattern, file.read(), re.MULTILINE)
        if found != [version]:
            raise VersionError("%s: has version %s, and VERSION says %s" % (
                path, " and ".join(found) or "none", version))


def _packed(folder, prefix, facts, suffix=""):
    """The folder's files that end so, as .tar.gz, without what builds them."""
    tree = archive.Tree()
    for place, _, names in os.walk(folder):
        for name in names:
            if name != "BUILD.bazel" and name.endswith(suffix):
                path = os.path.join(place, name)
                tree.copy(os.path.relpath(path, folder), path)
    return archive.gzipped(tree.tar(facts.epoch_s, prefix))


def main(arguments):
    parser = build_facts.parser_of(__doc__)
    build_facts.add_flags(parser)
    parser.add_argument("--failbench", default="bazel-bin/tools/failbench/"
                        "failbench_binary", help="the program to pack")
    parser.add_argument("--clients", default="bazel-bin/clients",
                        help="the folder in which the clients' packages are")
    flags, facts = build_facts.parse(parser, arguments)
    try:
        told = files({"gateway": flags.gateway,
                      "gatewayctl": flags.gatewayctl}, flags.failbench,
                     client_packages.files(flags.clients, facts.version),
                     facts)
    except (VersionError, client_packages.MissingError) as error:
        sys.exit(str(error))
    os.makedirs(flags.out)
    for name, content in told.items():
        path = os.path.join(flags.out, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "xb") as file:
            file.write(content)
        if name.startswith("failbench") and "image" not in name:
            os.chmod(path, archive.PROGRAM)
    sys.stdout.write(told[CHECKSUMS].decode())


if __name__ == "__main__":
    main(sys.argv[1:])

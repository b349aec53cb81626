"""The packages of the clients, as Bazel has made them, by their names in a release.

    files = client_packages.files("bazel-bin/clients", "1.2.3")

Those of Go and Java keep the folders that a module proxy and a repository of
Maven have, so that tools take them where they are: `GOPROXY=file://.../go`,
`file://.../maven`.
"""

import fnmatch
import os

# The folder that Bazel makes, and the one that it has in a release.
_FOLDERS = {
    "cpp/package": "",
    "go/package": "go/",
    "java/package": "maven/",
    "node/package": "",
    "python/distributions": "",
    "python/prompt_router_package": "",
}
# What has to be there of each, with the version in its place. The prompt router
# has a version of its own, that of the earlier system's package.
_EXPECTED = {
    "cpp/package": ("llmgateway-client-cpp-{0}.tgz",),
    "go/package": ("go/llmgateway.dev/client/@v/v{0}.zip",
                   "go/llmgateway.dev/client/@v/v{0}.mod"),
    "java/package": (
        "maven/dev/llmgateway/llmgateway-client/{0}/llmgateway-client-{0}.jar",
        "maven/dev/llmgateway/llmgateway-client/{0}/llmgateway-client-{0}.pom"),
    "node/package": ("llmgateway-client-{0}.tgz",),
    "python/distributions": ("llm_gateway-{0}-*.whl", "llm_gateway-{0}.tar.gz"),
    "python/prompt_router_package": ("PKG-LLM-GATEWAY-001.tar.gz",
                                     "llm_gateway_prompt_router-*.whl"),
}
TARGETS = tuple("//clients/" + folder.replace("/", ":")
                for folder in sorted(_FOLDERS))


class MissingError(Exception):
    """A package is not there, or is of another version."""


def files(root, version):
    """The content of each file by its name."""
    told = {}
    for folder, place in sorted(_FOLDERS.items()):
        found = _read(os.path.join(root, folder), place)
        for expected in _EXPECTED[folder]:
            name = expected.replace("{0}", version)
            if not fnmatch.filter(found, name):
                raise MissingError("%s has no %s; bazel build %s makes it" % (
                    os.path.join(root, folder), name, " ".join(TARGETS)))
        told.update(found)
    return told


def _read(folder, place):
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                found[place + os.path.relpath(path, folder)] = file.read()
    return found

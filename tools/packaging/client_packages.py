"""The packages of the clients, as Bazel has made them, by their names in a release.

    files = client_packages.files("bazel-bin/clients", "1.2.3")

Those of Go and Java keep the folders that a module proxy and a repository of
Maven have, so that tools take them where they are: `GOPROXY=file://.../go`,
`file://.../maven`.
"""

import os

# The folder that Bazel makes, and the one that it has in a release.
_FOLDERS = {
    "cpp/package": "",
    "go/package": "go/",
    "java/package": "maven/",
    "node/package": "",
    "python/distributions": "",
}
# What has to be there of each, with the version in its place.
_EXPECTED = {
    "cpp/package": ("llmgateway-client-cpp-%s.tgz",),
    "go/package": ("go/llmgateway.dev/client/@v/v%s.zip",
                   "go/llmgateway.dev/client/@v/v%s.mod"),
    "java/package": (
        "maven/dev/llmgateway/llmgateway-client/{0}/llmgateway-client-{0}.jar",
        "maven/dev/llmgateway/llmgateway-client/{0}/llmgateway-client-{0}.pom"),
    "node/package": ("llmgateway-client-%s.tgz",),
    "python/distributions": (".whl", ".tar.gz"),
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
            name = expected.replace("%s", version).replace("{0}", version)
            # A wheel's name says more than the version.
            if not any(one == name or (name.startswith(".") and
                                       version in one and one.endswith(name))
                       for one in found):
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

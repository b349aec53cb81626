"""What programs load from this machine, and the Debian packages it is from.

    loaded = debian_libraries.loaded_by(["bazel-bin/service/gateway"])
    loaded.loader                        "/lib64/ld-linux-x86-64.so.2"
    loaded.files["libz.so.1"]            "/lib/x86_64-linux-gnu/libz.so.1"
    debian_libraries.packages_of(loaded.files.values())

The answers are those of ldd and of dpkg's database.
"""

import dataclasses
import os
import re
import subprocess

_LDD_LINE = re.compile(r"\s+(?P<name>\S+) => (?P<path>/\S+) \(0x")
_LDD_LOADER = re.compile(r"\s+(?P<path>/\S*/ld-\S+) \(0x")
_LDD_MISSING = re.compile(r"\s+(\S+) => not found")
_COPYRIGHT = "/usr/share/doc/%s/copyright"
_FIELDS = ("Package", "Version", "Architecture", "source:Package",
           "source:Version", "Maintainer", "Homepage")


class UnknownFileError(Exception):
    """A file is from no package, so that nobody can say what it is."""


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What the dynamic loader finds: `files` by the names that programs ask
    for, and the loader itself."""
    loader: str
    files: dict


@dataclasses.dataclass(frozen=True)
class Package:
    """A package that is installed here; texts are dpkg's."""
    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    maintainer: str
    homepage: str

    def copyright(self):
        """The text of its file `copyright`; empty if it has been left out of
        this machine, as some containers do."""
        try:
            with open(_COPYRIGHT % self.name, encoding="utf-8",
                      errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""


def loaded_by(programs):
    loader, files = "", {}
    for program in programs:
        told = subprocess.run(["ldd", program], stdout=subprocess.PIPE,
                              text=True, check=True).stdout
        missing = _LDD_MISSING.findall(told)
        if missing:
            raise UnknownFileError("%s needs %s, which this machine lacks" %
                                   (program, ", ".join(missing)))
        for match in _LDD_LINE.finditer(told):
            files[match["name"]] = match["path"]
        for match in _LDD_LOADER.finditer(told):
            loader = match["path"]
    return Loaded(loader=loader, files=dict(sorted(files.items())))


def packages_of(paths):
    """The packages of files, each once, by their names. Raises
    UnknownFileError where a file is from none."""
    candidates = {path: _names_of(path) for path in paths}
    told = subprocess.run(
        ["dpkg-query", "-S", *sorted({name for names in candidates.values()
                                      for name in names})],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=False).stdout
    owners = {}
    for line in told.splitlines():
        owner, _, path = line.rpartition(": ")
        if not owner.startswith("diversion "):
            owners[path] = owner.split(",")[0]
    wanted = set()
    for path, names in candidates.items():
        owner = next((owners[name] for name in names if name in owners), None)
        if owner is None:
            raise UnknownFileError("%s is from no Debian package" % path)
        wanted.add(owner)
    return packages(sorted(wanted))


def packages(names):
    """The packages of these names. Raises UnknownFileError where one is not
    installed."""
    told = subprocess.run(
        ["dpkg-query", "-W", "-f",
         "\t".join("${%s}" % field for field in _FIELDS) + "\n", *names],
        stdout=subprocess.PIPE, text=True, check=False)
    if told.returncode != 0:
        raise UnknownFileError("not all of these packages are installed: " +
                               ", ".join(names))
    return sorted((Package(*line.split("\t"))
                   for line in told.stdout.splitlines()),
                  key=lambda package: package.name)


def architecture():
    """As Debian names it, which is what OCI images say, too: amd64, arm64."""
    return subprocess.run(["dpkg", "--print-architecture"],
                          stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


def _names_of(path):
    """The names that dpkg may know a file by: packages still ship some below
    /lib, which is a link to /usr/lib."""
    names = []
    for name in (path, os.path.realpath(path)):
        bare = name[len("/usr"):] if name.startswith("/usr/") else name
        names += [name, bare, "/usr" + bare]
    return list(dict.fromkeys(names))

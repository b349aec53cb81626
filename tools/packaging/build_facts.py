"""What a release says of itself: its version, revision, time and machine.

    facts = build_facts.of_checkout()
    facts.version, facts.revision, facts.epoch_s

The version is the file VERSION's. Revision and time are those of the commit
that is checked out; SOURCE_DATE_EPOCH is stronger, as it is everywhere.
"""

import argparse
import dataclasses
import os
import re
import subprocess

from tools.packaging import debian_libraries

VERSION_FILE = "VERSION"
TITLE = "llm-gateway"
SUMMARY = "A gateway between programs and language-model providers"
LICENCE = "Apache-2.0"

_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


@dataclasses.dataclass(frozen=True)
class BuildFacts:
    version: str
    revision: str  # A commit, or `unknown`.
    epoch_s: int  # What every file's time is.
    architecture: str  # As Debian and OCI images name it.


def of_checkout():
    revision = _git("log", "-1", "--format=%H") or "unknown"
    if _git("status", "--porcelain"):
        revision += "-dirty"  # With what no commit has.
    return BuildFacts(version=read_version(), revision=revision,
                      epoch_s=_epoch_s(),
                      architecture=debian_libraries.architecture())


def read_version(path=VERSION_FILE):
    with open(path, encoding="utf-8") as file:
        version = file.read().strip()
    if not _VERSION.fullmatch(version):
        raise ValueError("%s: %r is no version such as 1.2.3 or 1.2.3-rc.1" %
                         (path, version))
    return version


def add_flags(parser):
    """The flags of every tool that packs the two programs."""
    parser.add_argument("--gateway", default="bazel-bin/service/gateway",
                        help="the program to pack")
    parser.add_argument("--gatewayctl", default="bazel-bin/clients/cli/"
                        "gatewayctl", help="the program to pack")
    parser.add_argument("--revision", help="what to say instead of the commit "
                        "that is checked out")
    parser.add_argument("--out", required=True, help="the folder to write to")


def parse(parser, arguments):
    """The flags, and the facts as they say."""
    flags = parser.parse_args(arguments)
    facts = of_checkout()
    if flags.revision:
        facts = dataclasses.replace(facts, revision=flags.revision)
    for program in (flags.gateway, flags.gatewayctl):
        if not os.path.isfile(program):
            parser.error("%s is not there; bazel build //service:gateway "
                         "//clients/cli:gatewayctl makes it" % program)
    return flags, facts


def parser_of(module):
    """A parser whose description is the module's first line."""
    return argparse.ArgumentParser(description=module.split("\n")[0])


def _epoch_s():
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given:
        if not given.isdigit():
            raise ValueError("SOURCE_DATE_EPOCH: %r is no number of seconds" %
                             given)
        return int(given)
    return int(_git("log", "-1", "--format=%ct") or 0)


def _git(*arguments):
    """What git says of the checkout; empty without git."""
    try:
        return subprocess.run(["git", *arguments],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True,
                              check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""

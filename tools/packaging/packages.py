"""Writes the gateway's Debian package, and a tarball for other systems.

    python3 -m tools.packaging.packages --out=dist

Both have the gateway, gatewayctl, a configuration to start from, a hardened unit
of systemd, rotation of logs, the licence and a bill of materials. The same input
makes the same bytes.
"""

import gzip
import hashlib
import lzma
import os
import re
import subprocess
import sys
import tempfile

from tools.packaging import archive
from tools.packaging import build_facts
from tools.packaging import debian_libraries
from tools.packaging import image
from tools.packaging import sbom

_FILES = "deploy/packages/"
_MAINTAINER = "The llm-gateway authors <authors@llmgateway.dev>"
_CONFIG = "etc/llm-gateway/gateway.yaml"
_ROTATION = "etc/logrotate.d/llm-gateway"
_DOC = "usr/share/doc/llm-gateway/"
# Whose part of this title is the tarball's README.
_RELEASES = "docs/releases.md"
_TARBALL_TITLE = "\n## The tarball\n"
_PAGES = {"gatewayctl.1": "man1/", "llm-gateway.8": "man8/"}
# Programs that print their page themselves, of the words of their --help.
_PRINTED = {"gatewayctl.1": "gatewayctl"}
# Words by which scripts of the daemon that was there before know gatewayctl.
_LINKS = {"cco": "gatewayctl"}
_COMPLETIONS = "usr/share/bash-completion/completions/"
_DESCRIPTION = """\
Description: gateway between programs and language-model providers
 One address for many providers: by gRPC and by the HTTP APIs of OpenAI,
 Anthropic and Gemini. It routes, retries and falls back, limits and budgets,
 caches, records what calls cost, and shows operators all of it.
"""
_COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: llm-gateway

Files: *
Copyright: 2025-2026 The llm-gateway authors
License: Apache-2.0
 On Debian systems the text of this licence is in
 /usr/share/common-licenses/Apache-2.0.
"""


def debian(programs, facts):
    """The bytes of the .deb."""
    tree = _installed(programs, facts)
    control = archive.Tree()
    control.add("control", _control(tree, programs, facts))
    control.add("conffiles", "/%s\n/%s\n" % (_CONFIG, _ROTATION))
    control.add("md5sums", "".join(
        "%s  %s\n" % (hashlib.md5(entry.content).hexdigest(), path)
        for path, entry in tree.entries() if entry.content is not None))
    for script in ("postinst", "prerm", "postrm"):
        control.copy(script, _FILES + script, archive.PROGRAM)
    return _ar([
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", lzma.compress(control.tar(facts.epoch_s, "./"))),
        ("data.tar.xz", lzma.compress(tree.tar(facts.epoch_s, "./")))],
        facts.epoch_s)


def tarball(programs, facts):
    """The bytes of the .tar.gz: one folder, whose name has the version."""
    tree = archive.Tree()
    for name, program in programs.items():
        tree.add("bin/" + _program_name(name), image.stripped(program),
                 archive.PROGRAM)
    for link, name in _LINKS.items():
        tree.link("bin/" + link, name)
    tree.add("completions/gatewayctl", _completion(programs))
    for name in ("gateway.yaml", "llm-gateway.service"):
        tree.copy(name, _FILES + name)
    tree.copy("logrotate", _FILES + "logrotate")
    for page in _PAGES:
        tree.add("man/" + page, _page(page, programs))
    for name in ("CHANGELOG.md", "LICENSE"):
        tree.copy(name, name)
    tree.add("README.md", _readme(facts))
    loaded = debian_libraries.loaded_by(programs.values())
    tree.add("libraries.txt", "".join(name + "\n" for name in loaded.files))
    tree.add("sbom.spdx.json", _bill(programs, facts))
    return archive.gzipped(tree.tar(facts.epoch_s, stem(facts) + "/"))


def stem(facts):
    """What files of this release begin with."""
    return "llm-gateway-%s-linux-%s" % (facts.version, facts.architecture)


def debian_name(facts):
    return "llm-gateway_%s_%s.deb" % (_debian_version(facts),
                                      facts.architecture)


def _installed(programs, facts):
    tree = archive.Tree()
    for name, program in programs.items():
        tree.add("usr/bin/" + _program_name(name), image.stripped(program),
                 archive.PROGRAM)
    tree.add(_COMPLETIONS + "gatewayctl", _completion(programs))
    for link, name in _LINKS.items():
        tree.link("usr/bin/" + link, name)
        tree.link(_COMPLETIONS + link, name)
        tree.link("usr/share/man/man1/%s.1.gz" % link, name + ".1.gz")
    tree.copy(_CONFIG, _FILES + "gateway.yaml")
    tree.copy(_ROTATION, _FILES + "logrotate")
    tree.copy("lib/systemd/system/llm-gateway.service",
              _FILES + "llm-gateway.service")
    for page, section in _PAGES.items():
        tree.add("usr/share/man/%s%s.gz" % (section, page),
                 gzip.compress(_page(page, programs), mtime=0))
    tree.add(_DOC + "copyright", _COPYRIGHT)
    tree.add(_DOC + "changelog.gz", _changelog(facts))
    tree.add(_DOC + "sbom.spdx.json", _bill(programs, facts))
    return tree


def _readme(facts):
    """How the tarball is installed."""
    with open(_RELEASES, encoding="utf-8") as file:
        _, _, part = file.read().partition(_TARBALL_TITLE)
    part, _, _ = part.partition("\n## ")
    return "# llm-gateway %s\n%s" % (facts.version, part)


def _page(page, programs):
    """A page of the manual."""
    if page in _PRINTED:
        return _printed(programs[_PRINTED[page]], "man")
    with open(_FILES + "man/" + page, "rb") as file:
        return file.read()


def _completion(programs):
    """What bash completes gatewayctl by, and its links."""
    return _printed(programs["gatewayctl"], "completion", "bash")


def _printed(program, *words):
    return subprocess.run([os.path.realpath(program), *words],
                          stdout=subprocess.PIPE, check=True).stdout


def _program_name(name):
    """`gateway` alone might be anybody's."""
    return "llm-gateway" if name == "gateway" else name


def _control(tree, programs, facts):
    size = sum(len(entry.content) for _, entry in tree.entries()
               if entry.content is not None)
    return "".join([
        "Package: llm-gateway\n",
        "Version: %s\n" % _debian_version(facts),
        "Architecture: %s\n" % facts.architecture,
        "Maintainer: %s\n" % _MAINTAINER,
        "Installed-Size: %d\n" % -(-size // 1024),
        "Depends: %s, ca-certificates, passwd, tzdata\n" % _depends(programs),
        "Recommends: logrotate\n",
        "Section: net\n", "Priority: optional\n",
        _DESCRIPTION])


def _depends(programs):
    """Which packages have the libraries, as dpkg-shlibdeps knows it."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "debian"))
        with open(os.path.join(folder, "debian/control"), "w",
                  encoding="utf-8") as file:
            file.write("Source: llm-gateway\n\nPackage: llm-gateway\n"
                       "Architecture: any\n")
        told = subprocess.run(
            ["dpkg-shlibdeps", "-O", *(
                "-e" + os.path.realpath(program)
                for program in programs.values())],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, check=True).stdout
    return told.strip().removeprefix("shlibs:Depends=")


def _changelog(facts):
    """Debian wants its own form of it; ours is in the tarball."""
    text = ("llm-gateway (%s) stable; urgency=medium\n\n"
            "  * See CHANGELOG.md of revision %s.\n\n -- %s  %s\n" % (
                _debian_version(facts), facts.revision, _MAINTAINER,
                _mail_date(facts.epoch_s)))
    return gzip.compress(text.encode(), mtime=0)


def _mail_date(epoch_s):
    return subprocess.run(
        ["date", "-u", "-R", "-d", "@%d" % epoch_s], stdout=subprocess.PIPE,
        text=True, check=True, env={**os.environ, "LC_ALL": "C"}
    ).stdout.strip()


def _bill(programs, facts):
    """Of what is loaded from other packages, too: it was built against it."""
    loaded = debian_libraries.loaded_by(programs.values())
    return sbom.document(
        build_facts.TITLE, facts.version, facts.revision,
        debian_libraries.packages_of(loaded.files.values()), facts.epoch_s)


def _debian_version(facts):
    """1.2.3-rc.1 comes before 1.2.3, which Debian writes with a tilde."""
    return re.sub("-", "~", facts.version, count=1)


def _ar(members, epoch_s):
    told = [b"!<arch>\n"]
    for name, content in members:
        told.append(b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (
            name.encode(), epoch_s, 0, 0, b"100644", len(content)))
        told.append(content + b"\n" * (len(content) % 2))
    return b"".join(told)


def main(arguments):
    parser = build_facts.parser_of(__doc__)
    build_facts.add_flags(parser)
    flags, facts = build_facts.parse(parser, arguments)
    programs = {"gateway": flags.gateway, "gatewayctl": flags.gatewayctl}
    os.makedirs(flags.out, exist_ok=True)
    for name, content in (
            (debian_name(facts), debian(programs, facts)),
            (stem(facts) + ".tar.gz", tarball(programs, facts))):
        with open(os.path.join(flags.out, name), "xb") as file:
            file.write(content)
        print(name)


if __name__ == "__main__":
    main(sys.argv[1:])

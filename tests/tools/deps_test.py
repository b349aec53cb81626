"""deps.sh against a machine of our own making: fake dpkg, apt and sudo."""

import os
import subprocess
import tempfile
import unittest

_LIST = """\
[build]
plain
old-name | new-name
present-command: unwanted
absent-command: wanted
# a remark

[other]
elsewhere

[contract]
plain

[stubs]
plain

[interop]
plain
"""

_STUBS_PINS = """\
PROTOC_GEN_GO_VERSION=v1.0.0
PROTOC_GEN_GO_GRPC_VERSION=v1.0.1
GO_LIBRARIES="
example.test/grpc@v1.2.3
"
NODE_LIBRARIES="
grpc-js@%s
typescript@5.0.0
"
"""


class DepsTest(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = os.path.join(directory.name, "project")
        self.bin = os.path.join(directory.name, "bin")
        self.log = os.path.join(directory.name, "log")
        for path in ("tools", "third_party"):
            os.makedirs(os.path.join(self.root, path))
        os.makedirs(self.bin)
        with open("tools/deps.sh", encoding="utf-8") as script:
            self.write("tools/deps.sh", script.read())
        self.write("third_party/debian_packages.txt", _LIST)
        self.write("third_party/registry_pins.env", "")
        self.machine(installed=[], known=["plain", "old-name", "wanted"])
        self.command("present-command", "exit 0")
        self.become("0")

    def write(self, path, text):
        with open(os.path.join(self.root, path), "w",
                  encoding="utf-8") as file:
            file.write(text)

    def command(self, name, script):
        path = os.path.join(self.bin, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/bash\n%s\n" % script)
        os.chmod(path, 0o755)

    def machine(self, installed, known):
        self.command("dpkg-query", '[[ " %s " == *" ${@: -1} "* ]] && '
                     "echo installed || exit 1" % " ".join(installed))
        self.command("apt-cache", '[[ " %s " == *" $2 "* ]]'
                     % " ".join(known))
        self.command("apt-get", 'echo "apt-get $*" >>%s' % self.log)

    def become(self, user):
        self.command("id", "echo %s" % user)

    def deps(self, *sections):
        """Returns (exit code, stderr, what apt-get was asked)."""
        tools = ["bash", "sh", "awk", "dirname", "env", "sed", "sort", "tr",
                 "mkdir", "rm", "touch", "ln", "cat", "cksum", "cp", "cut"]
        for tool in tools:
            link = os.path.join(self.bin, tool)
            if not os.path.lexists(link):
                os.symlink(os.path.join("/usr/bin", tool), link)
        done = subprocess.run(
            ["bash", os.path.join(self.root, "tools/deps.sh"), *sections],
            env={"PATH": self.bin, "HOME": self.root},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)
        asked = ""
        if os.path.exists(self.log):
            with open(self.log, encoding="utf-8") as log:
                asked = log.read()
        return done.returncode, done.stderr, asked

    def test_installs_only_what_is_missing(self):
        self.machine(installed=["plain"], known=["old-name", "wanted"])
        code, _, asked = self.deps("build")
        self.assertEqual(code, 0)
        self.assertIn("update", asked)
        self.assertTrue(asked.strip().endswith(" old-name wanted"), asked)

    def test_does_nothing_when_nothing_is_missing(self):
        self.machine(installed=["plain", "new-name", "wanted"], known=[])
        self.command("absent-command", "exit 0")
        code, stderr, asked = self.deps("build")
        self.assertEqual((code, stderr, asked), (0, "", ""))

    def test_takes_the_name_that_this_debian_knows(self):
        self.machine(installed=["plain"], known=["new-name", "wanted"])
        _, _, asked = self.deps("build")
        self.assertTrue(asked.strip().endswith(" new-name wanted"), asked)

    def test_asks_sudo_when_not_root(self):
        self.become("1000")
        self.command("sudo", 'echo "sudo" >>%s; "$@"' % self.log)
        code, _, asked = self.deps("other")
        self.assertEqual(code, 0)
        self.assertIn("sudo\napt-get update", asked)

    def test_says_what_to_run_when_it_cannot_become_root(self):
        self.become("1000")
        code, stderr, asked = self.deps("other")
        self.assertEqual((code, asked), (1, ""))
        self.assertIn("apt-get install elsewhere", stderr)

    def test_an_unknown_section_is_an_error(self):
        code, stderr, _ = self.deps("nothing")
        self.assertEqual(code, 1)
        self.assertIn("no section [nothing]", stderr)

    def test_a_tool_is_installed_once_for_each_version(self):
        self.machine(installed=["plain"], known=[])
        self.write("third_party/registry_pins.env", "BUF_VERSION=1.2.3\n")
        self.command("npm", 'echo "npm $*" >>%s; '
                     'mkdir -p "$3/node_modules/.bin"; '
                     'ln -s /bin/true "$3/node_modules/.bin/buf"' % self.log)
        code, stderr, asked = self.deps("contract")
        self.assertEqual(code, 0, stderr)
        self.assertIn("@bufbuild/buf@1.2.3", asked)
        self.assertEqual(self.deps("contract"), (0, "", asked))
        self.write("third_party/registry_pins.env", "BUF_VERSION=1.2.4\n")
        self.assertIn("@bufbuild/buf@1.2.4", self.deps("contract")[2])

    def test_libraries_are_installed_anew_when_one_pin_changes(self):
        self.machine(installed=["plain"], known=[])
        for folder in ("clients/go", "clients/java"):
            os.makedirs(os.path.join(self.root, folder))
        self.write("clients/go/dependencies.go", "package x\n")
        self.write("clients/java/pom.xml", "<project/>\n")
        for name in ("go", "mvn", "npm"):
            self.command(name, 'echo "%s $*" >>%s' % (name, self.log))
        self.write("third_party/registry_pins.env", _STUBS_PINS % "1.0.0")
        code, stderr, asked = self.deps("stubs")
        self.assertEqual(code, 0, stderr)
        self.assertIn("go get example.test/grpc@v1.2.3", asked)
        self.assertIn("grpc-js@1.0.0 typescript@5.0.0", asked)
        self.assertIn("--ignore-scripts", asked)
        self.assertIn("clients/java/pom.xml dependency:copy-dependencies",
                      asked)
        tools = os.path.join(self.root, ".cache/llm-gateway/tools")
        before = os.readlink(os.path.join(tools, "node-libraries"))
        self.assertEqual(self.deps("stubs"), (0, "", asked))

        self.write("third_party/registry_pins.env", _STUBS_PINS % "1.0.1")
        code, stderr, again = self.deps("stubs")
        self.assertEqual(code, 0, stderr)
        self.assertIn("grpc-js@1.0.1 typescript@5.0.0", again[len(asked):])
        self.assertNotIn("go get", again[len(asked):])
        self.assertNotEqual(
            os.readlink(os.path.join(tools, "node-libraries")), before)

    def test_the_interop_tools_are_those_that_are_pinned(self):
        self.machine(installed=["plain"], known=[])
        self.command("mv", "exit 0")
        self.command("go", 'echo "go $*" >>%s' % self.log)
        self.write("third_party/registry_pins.env",
                   'GRPC_INTEROP_VERSION=v1.2.3\n'
                   'H2SPEC_MODULES="example.test/h2spec@v2.0.0\n'
                   'example.test/hpack@v3.0.0"\n')
        code, stderr, asked = self.deps("interop")
        self.assertEqual(code, 0, stderr)
        self.assertIn("go install google.golang.org/grpc/interop/client@v1.2.3",
                      asked)
        self.assertIn("go get example.test/h2spec@v2.0.0 "
                      "example.test/hpack@v3.0.0", asked)
        self.assertEqual(self.deps("interop"), (0, "", asked))

    def test_a_tool_that_fails_to_install_is_tried_again(self):
        self.machine(installed=["plain"], known=[])
        self.write("third_party/registry_pins.env", "BUF_VERSION=1.2.3\n")
        self.command("npm", "echo no network; exit 1")
        for _ in range(2):
            code, stderr, _ = self.deps("contract")
            self.assertEqual(code, 1)
            self.assertIn("no network", stderr)

    def test_a_failed_installation_is_an_error(self):
        self.command("apt-get", '[[ "$1" == update ]]')
        code, stderr, _ = self.deps("other")
        self.assertEqual(code, 1)
        self.assertIn("could not install: elsewhere", stderr)


if __name__ == "__main__":
    unittest.main()

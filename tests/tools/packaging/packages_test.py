"""The Debian package and the tarball: read by Debian's programs, and run."""

import glob
import io
import os
import re
import subprocess
import tarfile
import tempfile
import unittest

from tests.testing import gateway_process
from tools.packaging import build_facts
from tools.packaging import debian_libraries
from tools.packaging import packages

_PROGRAMS = {"gateway": "service/gateway",
             "gatewayctl": "clients/cli/gatewayctl"}
_FACTS = build_facts.BuildFacts(
    version=build_facts.read_version(), revision="4be1c0de",
    epoch_s=1750000000, architecture=debian_libraries.architecture())
_UNIT = "lib/systemd/system/llm-gateway.service"
# What systemd-analyze calls a unit's exposure, in tenths; 20 is good.
_EXPOSURE_MAX = 20
# These scripts ask systemctl as dh_installsystemd would have it asked.
_TOLERATED = {"maintainer-script-calls-systemctl"}


def setUpModule():
    global _folder, _deb, _root
    _folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(_folder.cleanup)
    _deb = os.path.join(_folder.name, packages.debian_name(_FACTS))
    with open(_deb, "wb") as file:
        file.write(packages.debian(_PROGRAMS, _FACTS))
    _root = os.path.join(_folder.name, "root")
    _run("dpkg-deb", "-x", _deb, _root)


def _run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False,
                          **more)
    if done.returncode != 0:
        raise AssertionError("%s: %s" % (" ".join(command), done.stdout))
    return done.stdout


def _in_root(path):
    return os.path.join(_root, path)


def _run_installed(script):
    """Runs a script of the shell where the package is installed: its programs
    and its configuration in their places, folders as the unit has them, and
    ports that are nobody else's. Other programs are in /tools."""
    return _run(
        "bwrap", "--ro-bind", "/usr", "/usr", "--ro-bind", "/usr/bin", "/tools",
        "--ro-bind", _in_root("usr/bin"), "/usr/bin",
        "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
        "--ro-bind", "/etc/ssl", "/etc/ssl",
        "--ro-bind", _in_root("etc/llm-gateway"), "/etc/llm-gateway",
        "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run/llm-gateway",
        "--tmpfs", "/var/lib/llm-gateway", "--unshare-user", "--unshare-pid",
        "--unshare-net", "--uid", "65532", "--die-with-parent", "--clearenv",
        "--setenv", "PATH", "/usr/bin", "--setenv", "HOME", "/home",
        "/tools/sh", "-e", "-c", script, timeout=60)


class DebianTest(unittest.TestCase):

    def test_two_builds_are_the_same(self):
        with open(_deb, "rb") as file:
            self.assertEqual(packages.debian(_PROGRAMS, _FACTS), file.read())

    def test_lintian_has_no_complaint(self):
        told = subprocess.run(
            ["lintian", "--allow-root", _deb], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, check=False).stdout
        tags = set(re.findall(r"^[EW]: llm-gateway: (\S+)", told,
                              re.MULTILINE))
        self.assertEqual(tags - _TOLERATED, set(), told)

    def test_it_depends_on_what_the_programs_load(self):
        told = _run("dpkg-deb", "-f", _deb, "Depends")
        for name in ("libssl3", "libgrpc29", "libyaml-cpp0.7", "libc6",
                     "ca-certificates", "tzdata"):
            self.assertRegex(told, r"(^|, )%s( \(|,|\n|$)" % re.escape(name))
        self.assertEqual(_run("dpkg-deb", "-f", _deb, "Version").strip(),
                         _FACTS.version.replace("-", "~", 1))

    def test_sums_are_those_of_its_files(self):
        control = os.path.join(_folder.name, "control")
        _run("dpkg-deb", "-e", _deb, control)
        told = _run("md5sum", "-c", os.path.join(control, "md5sums"),
                    cwd=_root)
        self.assertIn("usr/bin/llm-gateway: OK", told)

    def test_its_scripts_are_shell(self):
        control = os.path.join(_folder.name, "scripts")
        _run("dpkg-deb", "-e", _deb, control)
        for script in ("postinst", "prerm", "postrm"):
            path = os.path.join(control, script)
            _run("sh", "-n", path)
            # Not asked to do anything, they do nothing.
            _run("sh", path, "abort-upgrade")

    def test_secrets_go_when_it_is_purged_and_stay_otherwise(self):
        with open("deploy/packages/postrm", encoding="utf-8") as file:
            script = file.read()
        secrets = ("etc/llm-gateway/secrets/key",
                   "etc/llm-gateway/environment",
                   "var/lib/llm-gateway/ledger.db",
                   "var/log/llm-gateway/gateway.log")
        for verb, others in (("remove", ()), ("upgrade", ()), ("purge", ()),
                             ("purge", ("etc/llm-gateway/own.yaml",))):
            with tempfile.TemporaryDirectory() as root:
                for path in secrets + others:
                    path = os.path.join(root, path)
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, "w", encoding="utf-8") as file:
                        file.write("x")
                _run("sh", "-c", re.sub(r"/(etc|var)/", root + r"/\1/", script),
                     "postrm", verb)
                left = {os.path.relpath(os.path.join(folder, name), root)
                        for folder, _, names in os.walk(root)
                        for name in names}
                stays = others if verb == "purge" else secrets
                self.assertEqual(left, set(stays), verb)
                if verb == "purge":
                    self.assertEqual(os.path.exists(os.path.join(
                        root, "etc/llm-gateway")), bool(others))

    def test_pages_of_the_manual_are_read(self):
        for page in glob.glob(_in_root("usr/share/man/man*/*.gz")):
            told = _run("man", "--warnings", "-l", page,
                        env={**os.environ, "MANWIDTH": "80", "PAGER": "cat"})
            self.assertIn("SYNOPSIS", told)
            self.assertNotIn("warning", told)
        # What gatewayctl knows of itself, and not an extract.
        told = _run("man", "-l", _in_root("usr/share/man/man1/gatewayctl.1.gz"),
                    env={**os.environ, "MANWIDTH": "80", "PAGER": "cat"})
        self.assertIn("gatewayctl ledger verify", told)
        self.assertIn("--validate_only", told)


    def test_scripts_find_it_by_the_name_they_know(self):
        for name in ("gatewayctl", "cco"):
            with open(_in_root("usr/share/bash-completion/completions/" +
                               name), encoding="utf-8") as file:
                self.assertIn("gatewayctl cco\n", file.read())
        with tempfile.TemporaryDirectory() as home:
            env = {"HOME": home, "PATH": "/usr/bin:/bin"}
            cco = _in_root("usr/bin/cco")
            config = os.path.join(home, "gateway.yaml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(gateway_process.LISTENERS +
                           "providers: [{name: mock, mock: {}}]\n"
                           "routing: {default_target: mock}\n")
            try:
                told = _run(cco, "daemon", "start", "--config", config,
                            env=env)
                self.assertIn("started: process", told)
            finally:
                _run(cco, "daemon", "stop", "--grace", "0s", env=env)


class UnitTest(unittest.TestCase):

    def test_systemd_takes_it(self):
        # As if it were installed here: programs by their place in the root.
        with open(_in_root(_UNIT), encoding="utf-8") as file:
            text = file.read()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "llm-gateway.service")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("/usr/bin/", _in_root("usr/bin/")))
            told = _run("systemd-analyze", "verify", "--man=no", path)
        self.assertNotIn("llm-gateway.service:", told)

    def test_it_is_hardened(self):
        told = _run("systemd-analyze", "security", "--offline=true",
                    "--threshold=%d" % _EXPOSURE_MAX, _in_root(_UNIT))
        self.assertIn("OK", told.splitlines()[-1])

    def test_it_sees_which_boot_this_is(self):
        """Or what power has taken would look like a ledger that was cut."""
        with open(_in_root(_UNIT), encoding="utf-8") as file:
            self.assertNotRegex(file.read(), r"(?m)^ProcSubset=")

    def test_it_waits_for_the_drain(self):
        with open(_in_root(_UNIT), encoding="utf-8") as file:
            (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)s$", file.read(),
                                   re.MULTILINE)
        with open("proto/llmgateway/config/v1/config.proto",
                  encoding="utf-8") as file:
            default = re.search(r"// Default: (\d+)s\.\n"
                                r"  google.protobuf.Duration drain_grace",
                                file.read())
        self.assertGreater(int(stop_s), int(default[1]) + 6)


class RunTest(unittest.TestCase):

    def test_gatewayctl_finds_the_gateway_that_the_unit_runs(self):
        with open(_in_root(_UNIT), encoding="utf-8") as file:
            unit = file.read()
        (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        # As systemd makes the folder: everybody may look into it.
        self.assertIn("\nRuntimeDirectory=llm-gateway\n"
                      "RuntimeDirectoryMode=0755\n", unit)
        told = _run_installed(
            "umask 0027; %s >/run/log 2>&1 &\n"
            "gatewayctl --wait 30s env || { /tools/cat /run/log; exit 1; }\n"
            "gatewayctl status; gatewayctl health\n"
            "gatewayctl chat Hello --model mock-model\n"
            "/tools/stat -c %%A /run/llm-gateway/gateway.pid\n" % command)
        self.assertIn("OPENAI_BASE_URL=http://127.0.0.1:8080/v1", told)
        self.assertRegex(told, r"(?m)^health +ready$")
        self.assertIn("This is the mock provider speaking.", told)
        self.assertIn("-rw-r--r--", told)

    def test_it_serves_by_its_own_configuration(self):
        with open(_in_root("etc/llm-gateway/gateway.yaml"),
                  encoding="utf-8") as file:
            config = file.read()
        for port in ("50051", "8080", "50052", "9464"):
            self.assertIn("127.0.0.1:%s\"" % port, config)
            config = config.replace(":%s\"" % port, ":0\"")
        with tempfile.TemporaryDirectory() as state:
            with gateway_process.GatewayProcess(
                    config.replace("/var/lib/llm-gateway", state),
                    binary=_in_root("usr/bin/llm-gateway")) as gateway:
                self.assertTrue(gateway.http)

    def test_logs_are_rotated_under_a_gateway_that_runs(self):
        """By logrotate, which sends what the unit's postrotate sends."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o700)
            log = os.path.join(folder, "gateway.log")
            with gateway_process.GatewayProcess(
                    "providers: [{name: mock, mock: {}}]\n"
                    "logging: {file: \"%s\"}\n" % log,
                    binary=_in_root("usr/bin/llm-gateway"),
                    await_ready=lambda: self.ready(log)) as gateway:
                with open(_in_root("etc/logrotate.d/llm-gateway"),
                          encoding="utf-8") as file:
                    text = file.read()
                text = text.replace("/var/log/llm-gateway", folder)
                text = re.sub(r"\tsu .*\n", "", text)
                text = re.sub(r"create .*", "create 0640", text)
                text = re.sub(r"systemctl kill .*--signal=(\w+) .*",
                              r"kill -\1 %d" % gateway.pid, text)
                config = os.path.join(folder, "logrotate.conf")
                with open(config, "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(config, 0o644)
                _run("logrotate", "--force", "--state",
                     os.path.join(folder, "state"), config)
                with open(log + ".1", encoding="utf-8") as file:
                    self.assertIn('"msg":"ready"', file.read())
            with open(log, encoding="utf-8") as file:
                self.assertIn('"msg":"stopped"', file.read())

    def ready(self, log):
        """The line that says "ready", once the log has it."""
        with subprocess.Popen(["tail", "-F", "-n", "+1", log],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as tail:
            for line in tail.stdout:
                if '"msg":"ready"' in line:
                    tail.terminate()
                    return gateway_process.json.loads(line)
        raise AssertionError("the log ended")


class TarballTest(unittest.TestCase):

    def test_it_is_one_folder_with_all_that_is_needed(self):
        data = packages.tarball(_PROGRAMS, _FACTS)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            names = tar.getnames()
            cco = tar.getmember(packages.stem(_FACTS) + "/bin/cco")
        self.assertEqual(cco.linkname, "gatewayctl")
        stem = packages.stem(_FACTS)
        self.assertEqual({name.split("/")[0] for name in names}, {stem})
        for name in ("bin/llm-gateway", "bin/gatewayctl",
                     "completions/gatewayctl", "gateway.yaml",
                     "llm-gateway.service", "logrotate", "LICENSE",
                     "sbom.spdx.json", "man/llm-gateway.8"):
            self.assertIn("%s/%s" % (stem, name), names)

    def test_it_is_installed_and_tried_as_it_says(self):
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(fileobj=io.BytesIO(
                    packages.tarball(_PROGRAMS, _FACTS))) as tar:
                tar.extractall(folder)
            unpacked = os.path.join(folder, packages.stem(_FACTS))
            with open(os.path.join(unpacked, "README.md"),
                      encoding="utf-8") as file:
                readme = file.read()
            self.assertTrue(readme.startswith(
                "# llm-gateway %s\n" % _FACTS.version))
            install, trial = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
            root = os.path.join(folder, "root")
            os.makedirs(os.path.join(root, "usr/bin"))
            # The user and the unit are the system's.
            install = re.sub(r"\n(useradd|systemctl|gatewayctl) (\\\n|.)*",
                             "", "\n" + install).replace("-g llm-gateway ", "")
            _run("sh", "-e", "-c", re.sub(r" /(usr|etc)/",
                                          " " + root + r"/\1/", install),
                 cwd=unpacked)
            for path in ("usr/bin/llm-gateway", "usr/bin/gatewayctl",
                         "usr/bin/cco", "etc/llm-gateway/gateway.yaml",
                         "etc/logrotate.d/llm-gateway",
                         "usr/share/bash-completion/completions/gatewayctl"):
                with open(_in_root(path), "rb") as packaged:
                    with open(os.path.join(root, path), "rb") as installed:
                        self.assertEqual(installed.read(), packaged.read())
            for path in ("etc/systemd/system/llm-gateway.service",
                         "etc/llm-gateway/secrets",
                         "usr/share/man/man1/gatewayctl.1",
                         "usr/share/man/man8/llm-gateway.8"):
                self.assertTrue(os.path.exists(os.path.join(root, path)), path)
            _run("sh", "-e", "-c",
                 trial.replace("--pid_file=own.pid", "--check_config"),
                 cwd=unpacked, env=gateway_process.environment())
            with open(os.path.join(unpacked, "own.yaml"),
                      encoding="utf-8") as file:
                self.assertIn('state_dir: "state"', file.read())

    def test_it_names_the_libraries_that_are_loaded(self):
        with tarfile.open(fileobj=io.BytesIO(
                packages.tarball(_PROGRAMS, _FACTS))) as tar:
            named = tar.extractfile(
                packages.stem(_FACTS) + "/libraries.txt").read().decode()
        for library in ("libssl.so.3", "libyaml-cpp.so.0.7", "libc.so.6"):
            self.assertIn(library, named.split())


if __name__ == "__main__":
    unittest.main()

"""The vendors' SDKs, each in a process of its own.

    sdk = running("node")
    answer = sdk.do("chat", base_url, request={"model": ...})

They are what tools/deps.sh installs from the language registries, at the
versions of third_party/registry_pins.env and no others. A registry that could
not be reached has left nothing behind, and that is an error here.
"""

import atexit
import functools
import json
import os
import re
import shutil
import subprocess

_HERE = os.path.dirname(os.path.abspath(__file__))
_PINS = "third_party/registry_pins.env"
LANGUAGES = ("python", "node")


class SdkError(Exception):
    """What the SDK threw.

    Fields:
      name: of its class; `bases` has those of the classes above it as well.
      status, code, type, body, request_id: as the exception has them.
    """

    def __init__(self, told):
        super().__init__("%s: %s" % (told["class"], told["message"]))
        self.name = told["class"]
        self.bases = told["bases"]
        self.status = told["status"]
        self.code = told["code"]
        self.type = told["type"]
        self.body = told["body"]
        self.request_id = told["request_id"]


def tools_folder():
    """Where tools/deps.sh keeps what it installs."""
    if "GATEWAY_TOOLS_DIR" in os.environ:
        return os.environ["GATEWAY_TOOLS_DIR"]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(
        os.environ.get("HOME", ""), ".cache")
    return os.path.join(cache, "llm-gateway", "tools")


def pins(name):
    """The packages of one list of the pins file, as {name: version}."""
    with open(_PINS, encoding="utf-8") as file:
        listed = re.search(r'^%s="([^"]*)"' % name, file.read(), re.MULTILINE)
    return dict(re.split(r"==|(?<=.)@", line)
                for line in listed.group(1).split())


def _python_version(folder, name):
    wanted = name.lower().replace("-", "_")
    for entry in os.listdir(folder) if os.path.isdir(folder) else ():
        found = re.fullmatch(r"(.+)-([^-]+)\.dist-info", entry)
        if found and found.group(1).lower() == wanted:
            return found.group(2)
    return None


def _node_version(folder, name):
    path = os.path.join(folder, name, "package.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)["version"]


def packages(language):
    """The folder of a language's packages, all at their pinned versions."""
    folder, version_of = {
        "python": (os.path.join(tools_folder(), "sdk-python", "packages"),
                   _python_version),
        "node": (os.path.join(tools_folder(), "sdk-node", "node_modules"),
                 _node_version)}[language]
    return _checked(folder, version_of, "SDK_%s_LIBRARIES" % language.upper())


def python_client_packages():
    """The folder of what our own Python client imports, likewise."""
    return _checked(os.path.join(tools_folder(), "python-client", "packages"),
                    _python_version, "PYTHON_CLIENT_LIBRARIES")


def _checked(folder, version_of, listed):
    for name, wanted in pins(listed).items():
        found = version_of(folder, name)
        if found != wanted:
            raise AssertionError(
                "%s %s is wanted in %s, where there is %s; to install it, run "
                "`tools/deps.sh sdks`, which says what is wrong if it cannot"
                % (name, wanted, folder, found or "none"))
    return folder


@functools.lru_cache(maxsize=None)
def running(language):
    """The one process of a language; it ends with this one."""
    sdk = Sdk(language)
    atexit.register(sdk.close)
    return sdk


class Sdk:
    """The SDKs of one language, until close()."""

    def __init__(self, language):
        folder = packages(language)
        command = {
            "python": ["python3", os.path.join(_HERE, "python_driver.py")],
            "node": ["node", os.path.join(_HERE, "node_driver.js")]}[language]
        if shutil.which(command[0]) is None:
            raise AssertionError(command[0] + " is missing; to install it, "
                                 "run: tools/deps.sh sdks")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            # Nothing of the user's: an SDK reads keys and proxies there.
            env={"PATH": os.environ["PATH"], "NODE_PATH": folder,
                 "HOME": os.environ.get("TEST_TMPDIR", "/nonexistent"),
                 "SDK_PACKAGES": folder, "PYTHONDONTWRITEBYTECODE": "1"})

    def close(self):
        """Lets the process end, and waits for it."""
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def do(self, deed, base_url, key="key-of-the-caller", **fields):
        """Does it and returns the SDK's answer as JSON has it; SdkError."""
        call = {"do": deed, "base_url": base_url, "key": key, **fields}
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError("the SDK's process ended, with %s"
                                 % self._process.wait(30))
        answer = json.loads(line)
        if "error" in answer:
            raise SdkError(answer["error"])
        return answer["ok"]

"""Runs h2spec, the test suite of HTTP/2, in strict mode against any listener.

    results = h2spec.run(tool, port, path="/pkg.Service/Method")
    [result.name for result in results if result.state == "failed"]

The path should answer a GET with a few bytes, whatever its status, or h2spec
skips what it would learn from them. Sections run side by side: a case that
fails waits until its time is over.
"""

import collections
import concurrent.futures
import os
import subprocess
import tempfile
from xml.etree import ElementTree

# `section` is one of SECTIONS; `state` is passed, failed or skipped; `text`
# says what h2spec got instead of what it waited for.
Result = collections.namedtuple("Result", "section name state text")

# Together all of it.
SECTIONS = (
    "generic", "hpack", "http2/3", "http2/4", "http2/5.1", "http2/5.3",
    "http2/5.4", "http2/5.5", "http2/6.1", "http2/6.2", "http2/6.3",
    "http2/6.4", "http2/6.5", "http2/6.7", "http2/6.8", "http2/6.9",
    "http2/6.10", "http2/7", "http2/8.1", "http2/8.2")
CASES = 146

_SECTIONS_AT_ONCE = 10
_TIMEOUT_S = 100


def run(tool, port, host="127.0.0.1", tls=False, path="/", wait_s=2):
    """The results of all cases; each may wait so long for an answer."""
    def section(name):
        return _run_section(tool, name, [
            "--host=" + host, "--port=%d" % port, "--path=" + path,
            "--timeout=%d" % wait_s, "--strict",
            *(["--tls", "--insecure"] if tls else [])])
    with concurrent.futures.ThreadPoolExecutor(_SECTIONS_AT_ONCE) as pool:
        return [result for results in pool.map(section, SECTIONS)
                for result in results]


def _run_section(tool, name, flags):
    with tempfile.TemporaryDirectory(prefix="h2spec") as folder:
        report = os.path.join(folder, "report.xml")
        done = subprocess.run(
            [tool, name, "--junit-report=" + report, *flags], check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=_TIMEOUT_S)
        try:
            root = ElementTree.parse(report).getroot()
        except (OSError, ElementTree.ParseError):
            raise RuntimeError("h2spec %s wrote no report:\n%s" % (
                name, done.stdout)) from None
    return [_result_of(name, case) for case in root.iter("testcase")]


def _result_of(section, case):
    state, text = "passed", ""
    for child in case:
        state = "skipped" if child.tag == "skipped" else "failed"
        text = (child.text or "").strip()
    return Result(section, "%s: %s" % (case.get("package"),
                                       case.get("classname")), state, text)

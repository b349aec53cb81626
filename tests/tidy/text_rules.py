"""Rules about the text of files: words, lengths, guards."""

import collections
import re

from tests.tidy import cpp_source

_LINE_COLUMNS_MAX = 80
_FUNCTION_LINES_MAX = 70
_FILE_LINES_MAX = 600

# One banned form: where it may stand after all, and what to write instead.
Ban = collections.namedtuple("Ban", ["pattern", "allowed_in", "instead"])

_BASE = ("base/", "tests/base/")
# Programs of their own beside the tests, which play the outside world.
_PLAYERS = _BASE + ("tests/testing/", "tests/bench/")

_CODE_BANS = [
    Ban(r"\babsl::Now\s*\(", _BASE, "take a Clock (base/os/clock.h)"),
    Ban(r"\bstd::chrono::\w+_clock::now\s*\(", _BASE,
        "take a Clock (base/os/clock.h)"),
    Ban(r"(?<![\w:.>])(?:std::|::)?(?:clock_gettime|gettimeofday|time)\s*\(",
        _BASE + ("tests/testing/machine_faults/",),
        "take a Clock (base/os/clock.h)"),
    Ban(r"\babsl::SleepFor\b|\bstd::this_thread::sleep"
        r"|(?<![\w.>:])(?:::)?(?:u|nano)?sleep\s*\(", _PLAYERS,
        "await a timer of the EventLoop (base/async/event_loop.h)"),
    Ban(r"(?<![\w.>:])(?:std::|::)?(?:s?rand|random|drand48)\s*\("
        r"|\bstd::(?:mt19937|random_device|default_random_engine)\b"
        r"|\babsl::(?:Insecure)?BitGen\b", _BASE,
        "take a Random (base/os/random.h)"),
    Ban(r"\bstd::j?thread\b(?!::hardware_concurrency)"
        r"|\bpthread_create\b|\bstd::async\b", _PLAYERS,
        "run on an EventLoop (base/async/event_loop.h)"),
    Ban(r"(?<![\w.>:])(?:std::|::)?(?:system|popen|v?fork|exec[lv]\w*)\s*\(",
        _PLAYERS, "use Subprocess (base/process/subprocess.h)"),
    Ban(r"\b(?:secure_)?getenv\s*\(", ("service/run_gateway.cc",
                                              # As libpq does beside it.
                                              "base/postgres/system_roots.cc",
                                              "tests/"),
        "let run_gateway.cc read the environment and pass the value on"),
    Ban(r"\bstd::(?:recursive_|shared_)?(?:timed_)?mutex\b"
        r"|\bstd::(?:lock_guard|unique_lock|scoped_lock|condition_variable)\b"
        r"|\babsl::(?:Mutex|MutexLock|CondVar|Notification)\b", _PLAYERS,
        "use Mutex and MutexLock (base/os/mutex.h)"),
    Ban(r"\bthrow\b", (), "return an absl::Status"),
    Ban(r"\b(?:if|while|switch)\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*"
        r"\bco_await\b", (),
        "keep what was awaited in a variable and test that: GCC 12 drops the "
        "body of some such coroutines"),
    Ban(r"\?[^;{}]*\bco_await\b", (),
        "choose the task, then await it: GCC 12 destroys twice what is "
        "awaited within ?:"),
    Ban(r"\b(?:class|struct)\s+\w*(?:Manager|Helper|Utils?|Impl)\b", (),
        "find the noun: Ticket, Permit, Plan, Relay, Recorder"),
    Ban(r"\busing\s+namespace\s+(?!std::(?:string_view_)?literals|"
        r"absl::\w*literals)\w", (), "name what is used"),
]

# gatewayctl shows what others have said, and has a terminal obey nothing of it.
_CONSOLE_BANS = [
    Ban(r"\b(?:std::)?(?:c(?:out|err|log)|(?:f|v|vf|d)?printf|f?puts|f?putc"
        r"|putchar|fwrite|std(?:out|err))\b"
        r"|(?<![\w.>:])(?:::)?write\s*\(",
        ("clients/cli/console.cc", "clients/cli/main.cc"),
        "write to the Console that the command has "
        "(clients/cli/shown_output.h)"),
]

# Spelled in pieces, so that this file does not break its own rule.
_TEXT_BANS = [
    Ban("/" + r"(?:work|farm)/|/tmp/" + r"(?:w|bash_jobs)\b"
        r"|/(?:home|Users)/" + r"[a-z]|(?<![\w.])/root" + "/", (),
        "a path of one machine: make it relative, or take it from the "
        "environment"),
    Ban(r"registry\.npmjs" + r"\.org|proxy\.golang" + r"\.org|pypi" +
        r"\.org|repo1?\.maven" + r"|deb\.debian" + r"\.org"
        r"|files\.pythonhosted" + r"\.org", (),
        "a registry's host: clients know their own; for a package-lock.json "
        "use npm's omit-lockfile-registry-resolved"),
    Ban(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b(?!\()", (),
        "do it, or name an owner in parentheses and say what is missing"),
]


# A line of the log: its module is a literal, or the source's kModule.
_LOG_CALL = re.compile(r'\bLog(?:Enabled)?\([^;"]*?,\s*(?:"(\w+)"|(kModule)\b)')
_LOG_MODULE = re.compile(r'\bkModule\[?\]? = "(\w+)"')
_LOG_MODULES = "service/config/log_modules.h"
_RUNBOOK = "docs/runbook.md"
# As a MetricDefinition names it.
_METRIC = re.compile(r'\.name\s*=\s*"(\w+)",\s*\.help\b')
_ACCESS_LOG_MEMBERS = "service/config/access_log_members.h"
_ACCESS_LOG = "service/observability/access_log.cc"


def _allowed(path, ban):
    return path.startswith(ban.allowed_in) if ban.allowed_in else False


def matches(path, text, bans, lines_before=0):
    """What `bans` say of a text, or of the piece of one that follows so many
    lines."""
    for ban in bans:
        if _allowed(path, ban):
            continue
        for match in re.finditer(ban.pattern, text):
            yield "%s:%d: %r: %s" % (
                path, lines_before + text.count("\n", 0, match.start()) + 1,
                match.group(0), ban.instead)


def banned_code(tree):
    return [problem for path in tree.paths(".h", ".cc")
            for problem in matches(path, cpp_source.code_of(tree[path]),
                                   _CODE_BANS)]


def banned_output(tree):
    return [problem for path in tree.paths(".h", ".cc")
            if path.startswith("clients/cli/")
            for problem in matches(path, cpp_source.code_of(tree[path]),
                                   _CONSOLE_BANS)]


def banned_text(tree):
    return [problem for path in tree.paths("")
            for problem in matches(path, tree[path], _TEXT_BANS)]


def banned_file_names(tree):
    return ["%s: find the noun for this file's name" % path
            for path in tree.paths(".h", ".cc")
            if re.search(r"(?:^|[/_])(?:manager|helpers?|utils?|impl)"
                         r"(?:_test)?\.", path)]


# In CONTRIBUTING.md's example.
_EXAMPLES = "service/a/"
_PATH = re.compile(r"`([\w.-]+/[\w./-]*\.(?:bazel|bzl|cc|go|h|md|proto|py|sh|"
                   r"txt|yaml))`")


def paths_in_documents(tree):
    """Decisions are kept as they were made, with the paths of then."""
    return ["%s:%d: `%s` is not there" % (
                path, tree[path].count("\n", 0, match.start()) + 1, named)
            for path in tree.paths(".md")
            if path.startswith("docs/") or "/" not in path
            if not path.startswith("docs/adr/")
            for match in _PATH.finditer(tree[path])
            for named in [match.group(1)]
            if _EXAMPLES not in named and named not in tree]


def line_length(tree):
    problems = []
    for path in tree.paths(".h", ".cc"):
        for number, line in enumerate(tree[path].splitlines(), 1):
            if len(line) <= _LINE_COLUMNS_MAX:
                continue
            if "://" in line or re.match(r"#(include|ifndef|define|endif)",
                                         line) or 'R"' in line:
                continue
            problems.append("%s:%d: %d columns; the limit is %d"
                            % (path, number, len(line), _LINE_COLUMNS_MAX))
    return problems


def function_length(tree):
    return ["%s:%d: %s has %d lines; the limit is %d: what second thing does "
            "it do?" % (path, first, name, last - first + 1,
                        _FUNCTION_LINES_MAX)
            for path in tree.paths(".h", ".cc")
            for first, last, name in cpp_source.functions(tree[path])
            if last - first + 1 > _FUNCTION_LINES_MAX]


def file_length(tree):
    return ["%s: %d lines; the limit is %d: what second thing lives in it?"
            % (path, lines, _FILE_LINES_MAX)
            for path in tree.paths(".h", ".cc", ".py", ".go", ".java", ".ts")
            for lines in [tree[path].count("\n")]
            if lines > _FILE_LINES_MAX]


def includes_stand_once(tree):
    problems = []
    for path in tree.paths(".h", ".cc"):
        seen = set()
        for line, header in cpp_source.includes(tree[path]):
            if header in seen:
                problems.append("%s:%d: %s is included above already"
                                % (path, line, header))
            seen.add(header)
    return problems


def header_guards(tree):
    problems = []
    for path in tree.paths(".h"):
        guard = re.sub(r"\W", "_", path).upper() + "_"
        text = cpp_source.code_of(tree[path])
        if not re.match(r"\s*#ifndef %s\n\s*#define %s\n" % (guard, guard),
                        text):
            problems.append("%s: the first code must be the guard "
                            "#ifndef %s / #define %s" % (path, guard, guard))
        elif not re.search(r"#endif\s*// %s\s*$" % guard, tree[path]):
            problems.append("%s: end with `#endif  // %s`" % (path, guard))
    return problems


def headers_open_with_prose(tree):
    return ["%s:1: begin with what this is, in a comment" % path
            for path in tree.paths(".h")
            if not tree[path].startswith("// ")]


def whitespace(tree):
    problems = []
    for path in tree.paths(".h", ".cc", ".py", ".sh", ".bzl", ".bazel",
                           ".proto"):
        text = tree[path]
        for match in re.finditer(r"[ \t]+$", text, re.MULTILINE):
            problems.append("%s:%d: space at the end of a line" % (
                path, text.count("\n", 0, match.start()) + 1))
        if text and not text.endswith("\n"):
            problems.append("%s: ends without a newline" % path)
        if "\t" in text and not path.endswith(".sh"):
            problems.append("%s: tab; use spaces" % path)
    return problems


def log_modules(tree):
    """What may be named in a configuration is what lines are written of."""
    listed = set(re.findall(r'(?m)^    "(\w+)",', tree[_LOG_MODULES]))
    used = {}
    for path in tree.paths(".cc"):
        if path.startswith(("base/", "errors/", "providers/", "service/")):
            own = _LOG_MODULE.search(tree[path])
            for literal, constant in _LOG_CALL.findall(tree[path]):
                module = literal or (own.group(1) if own else constant)
                used.setdefault(module, path)
    return ["%s: logs under '%s', which %s does not have"
            % (used[module], module, _LOG_MODULES)
            for module in set(used) - listed] + [
                "%s: nothing logs under '%s'" % (_LOG_MODULES, module)
                for module in listed - set(used)]


def log_modules_are_explained(tree):
    """Whoever sets a module's level finds in the runbook what it is."""
    listed = set(re.findall(r'(?m)^    "(\w+)",', tree[_LOG_MODULES]))
    names = re.search(r"(?s)The modules are (.*?)\.\s+[A-Z]", tree[_RUNBOOK])
    told = set(re.findall(r"`(\w+)`", names.group(1))) if names else set()
    return ["%s: does not say what the log's module '%s' is"
            % (_RUNBOOK, module) for module in listed - told]


def metrics_in_documents(tree):
    """What Prometheus reads, people can read about."""
    told = set()
    for path in tree.paths(".md"):
        if path.startswith("docs/"):
            told.update(re.findall(r"\b\w+\b", tree[path]))
    problems = []
    for path in tree.paths(".cc"):
        if not path.startswith("service/"):
            continue
        for name in _METRIC.findall(tree[path]):
            if name not in told:
                problems.append("%s: no page of docs/ names the metric %s"
                                % (path, name))
    return problems


def access_log_members(tree):
    """What may be named in a configuration is what a line can have."""
    listed = re.findall(r'(?m)^    "(\w+)",', tree[_ACCESS_LOG_MEMBERS])
    # An attempt's members are not the line's.
    whole = re.sub(r"(?s)\nvoid WriteAttempt\(.*?\n}\n", "",
                   tree[_ACCESS_LOG])
    written = sorted(set(re.findall(r'[{,]\\"(\w+)\\":', whole)))
    if listed == written:
        return []
    return ["%s: is not the sorted list of what %s writes: %s" % (
        _ACCESS_LOG_MEMBERS, _ACCESS_LOG, ", ".join(written))]


RULES = [
    access_log_members,
    banned_code,
    banned_file_names,
    banned_output,
    banned_text,
    file_length,
    function_length,
    header_guards,
    headers_open_with_prose,
    includes_stand_once,
    line_length,
    log_modules,
    log_modules_are_explained,
    metrics_in_documents,
    paths_in_documents,
    whitespace,
]

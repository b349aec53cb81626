"""Callers find in an error's metadata what the contract says: each key that
the code writes is named in errors.proto, with its reason or for all, and each
that is named there is written.

A key stands in the contract behind "Metadata:", in backticks; those of several
reasons are a list before the first of them.
"""

import re

from tests.tidy import cpp_source

_CONTRACT = "proto/llmgateway/v1/errors.proto"
_LISTED = re.compile(r"(?m)^// \* `([a-z_]+)`:")
_REASON = re.compile(
    r"(?m)((?:^ *//.*\n)+)^ *ERROR_REASON_(\w+) = \d+;")
_NAMED = re.compile(r"`([a-z_]+)`")

_WRITTEN = re.compile(r"\b(AddFaultMetadata|AddTimeLimit)\(")
_CONSTANT = re.compile(
    r'constexpr (?:std::string_view|char) (k\w+)(?:\[\])? =\s*"([^"]*)";')
# What AddTimeLimit writes (errors/time_limit.h).
_TIME_LIMIT = "time_limit"


class Contract:
    """What errors.proto names."""

    def __init__(self, text):
        self.of_all = set(_LISTED.findall(text))
        self.of_reason = {}
        for comment, reason in _REASON.findall(text):
            prose = " ".join(re.sub(r"(?m)^ *// ?", "", comment).split())
            _, _, metadata = prose.partition("Metadata:")
            self.of_reason[reason] = set(_NAMED.findall(metadata))

    def names(self, key, reasons):
        """Whether it is a key of one of the reasons; of any, if there are
        none."""
        return key in self.of_all or any(
            key in self.of_reason.get(reason, ())
            for reason in reasons or self.of_reason)


class Site:
    """A place that writes a key. `reasons` are those that its function names;
    none in one that is given the fault or its reason."""

    def __init__(self, where, key, reasons):
        self.where = where
        self.key = key
        self.reasons = reasons


def _without_comments(text):
    for _, comment in cpp_source.comments_of(text):
        text = text.replace(comment, re.sub(r"[^\n]", "", comment), 1)
    return text


def _arguments(text, begin):
    """The arguments of a call, from behind its parenthesis on."""
    found, depth, argument = [], 0, ""
    for char in text[begin:]:
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        if depth < 0 or (char == "," and depth == 0):
            found.append(argument.strip())
            argument = ""
            if depth < 0:
                break
        else:
            argument += char
    return found


def _keys(argument, before, constants):
    """What an argument may be: a literal, a constant, or the variable of a
    loop over constants, which stands before it."""
    if argument.startswith('"'):
        return [argument.strip('"')]
    if argument in constants:
        return [constants[argument]]
    loops = re.findall(r"%s :\s*\{([^}]*)\}" % re.escape(argument), before)
    names = re.findall(r"\w+", loops[-1]) if loops else [argument]
    return [constants.get(name) for name in names]


def _sites(path, text, constants):
    text = _without_comments(text)
    functions = cpp_source.functions(text)
    lines = text.splitlines()
    for match in _WRITTEN.finditer(text):
        arguments = _arguments(text, match.end())
        if arguments[0].startswith("absl::Status&"):
            continue  # Where it is declared.
        line = text.count("\n", 0, match.start()) + 1
        reasons = set()
        for first, last, _ in functions:
            if first <= line <= last:
                reasons |= set(re.findall(r"ERROR_REASON_(\w+)", "\n".join(
                    lines[first - 1:last])))
        keys = ([_TIME_LIMIT] if match.group(1) == "AddTimeLimit" else
                _keys(arguments[1], text[:match.start()], constants))
        for key in keys:
            yield Site("%s:%d" % (path, line), key, reasons)


def _written(tree):
    sources = [path for path in tree.paths(".cc", ".h")
               if not path.startswith("tests/")]
    constants = {}
    for path in sources:
        constants.update(_CONSTANT.findall(tree[path]))
    return [site for path in sources if _WRITTEN.search(tree[path])
            for site in _sites(path, tree[path], constants)]


def fault_metadata_is_in_the_contract(tree):
    contract = Contract(tree[_CONTRACT])
    problems = []
    for site in _written(tree):
        if site.key is None:
            problems.append("%s: what it writes is not seen: give the key as "
                            "a literal or a constant" % site.where)
        elif not contract.names(site.key, site.reasons):
            problems.append("%s: %s does not name the metadata `%s` of %s" % (
                site.where, _CONTRACT, site.key,
                " or ".join(sorted(site.reasons)) or "any reason"))
    return problems


def metadata_in_the_contract_is_written(tree):
    contract = Contract(tree[_CONTRACT])
    sites = _written(tree)
    written = {site.key for site in sites}
    problems = ["%s: nobody writes the metadata `%s`" % (_CONTRACT, key)
                for key in sorted(contract.of_all - written)]
    for reason, keys in sorted(contract.of_reason.items()):
        of_reason = {site.key for site in sites
                     if not site.reasons or reason in site.reasons}
        problems += ["%s: nobody writes the metadata `%s` of %s" % (
            _CONTRACT, key, reason) for key in sorted(keys - of_reason)]
    return problems


RULES = [
    fault_metadata_is_in_the_contract,
    metadata_in_the_contract_is_written,
]

"""Refuses words that this project had of its own where the field has one.

STYLE.md has the words that remain ours.
"""

import re

from tests.tidy import text_rules

# Where an old word may stand: these say what is refused.
_EXEMPT = ("STYLE.md", "tests/tidy/")
# Texts of vendors, as they are or made up.
_SAMPLES = ("tests/golden/", "tests/fuzz/corpus/")


def _name(*words):
    """Matches each word, whole or as a part of a name: `door`, `door_id`,
    `kDoorId`; not `indoor` or `Doorway`."""
    forms = []
    for word in words:
        forms += [r"(?<![A-Za-z])%s(?![a-z])" % word,
                  r"(?<![A-Z])%s(?![a-z])" % word.capitalize(),
                  r"(?<![A-Z])%s(?![A-Z])" % word.upper()]
    return "|".join(forms)


_NUMBER = r"(?:\d+|two|three|four|many|several|no|all|its|the|both|more)"

OLD_WORDS = [
    text_rules.Ban(_name("door", "doors"), (),
                   "say listener (a port) or API (paths and their format)"),
    text_rules.Ban(_name("wiring", "wirings"), (), "say runtime snapshot"),
    text_rules.Ban(
        r"\b(?:class|struct) Visit\b|\bVisit\s*[&*]"
        r"|\bHttpVisit\b|\bvisit(?:_test)?\.(?:h|cc)\b", (),
        "say RequestContext (service/http/request_context.h)"),
    text_rules.Ban(
        r"\bNotedTry\b|\b\w*TryProgress\b|\b\w*Tries\b|\b\w+_tries\b"
        r"|\b%s tries\b" % _NUMBER, (), "say attempt"),
    text_rules.Ban(_name("remembrance", "remembrances"), (),
                   "say ConversationRecorder"),
    text_rules.Ban(r"\b[Ss]eed_?[Rr]outes?\b", (),
                   "say CompatibilityRoutes"),
    text_rules.Ban(r"\b\w*(?:Door|Vendor)Words\b|\b(?:\w+_)?(?:door|vendor)"
                   r"_words\b|(?<![\w.])words(?:_test)?\.(?:h|cc)\b", (),
                   "say vendor names (vendor_names.h)"),
    text_rules.Ban(r"\blosses\b|\bLosses\b|[a-z]Losses\b|\blosses_", (),
                   "say dropped fields"),
    text_rules.Ban(_name("seals", "seal") + "|" + _name("sealing"),
                   _SAMPLES + ("providers/dialects/named_signature",
                               "tests/providers/dialects/named_signature"),
                   "say signature"),
    text_rules.Ban(_name("lane", "lanes"), _SAMPLES, "say shard"),
    text_rules.Ban(_name("judge", "judges", "judged", "judging"), _SAMPLES,
                   "say what is done: check, classify, compare"),
    text_rules.Ban(r"\bNote[A-Z]\w*\s*\(|(?:\.|->|::)Note\s*\(", (),
                   "name the deed: Record, Count, Keep, Add"),
    text_rules.Ban(_name("desk", "desks"), _SAMPLES,
                   "say what it does: a roster, a queue, a handler"),
    text_rules.Ban(_name("office", "offices"), _SAMPLES,
                   "say what it does: a service, a registry"),
    text_rules.Ban(_name("heed", "heeds", "heeded"), _SAMPLES,
                   "say what is done: read, obey, apply"),
    text_rules.Ban(_name("stranger", "strangers"),
                   _SAMPLES + ("tests/", "proto/", "CHANGELOG.md"),
                   "say unauthenticated caller"),
    text_rules.Ban(r"\bBlame\s*\(", (), "say WrapFault"),
    text_rules.Ban(r"\bStir\s*\(", (), "say Notify"),
    text_rules.Ban(r"\b(?:now|then)::", (), "name the namespace by its room"),
]

# The prefix that signatures have had on the wire from the first: it stays.
_WIRE_PREFIX = re.compile(r"seal(?=:)")

# Lines without any of these need no closer look, which takes long.
_ROOTS = ("blame", "desk", "door", "heed", "judg", "lane", "losses", "note",
          "now::", "office", "remembrance", "routes", "seal", "stir",
          "stranger", "then::", "tries", "tryprogress", "notedtry", "visit",
          "wiring", "words")


def _suspicious_lines(text):
    """[(number, line)] of the lines that have a root, whatever its case."""
    lowered = text.lower()
    if len(lowered) != len(text):  # Of a letter that is two in lower case.
        lowered = text
    starts = set()
    for root in _ROOTS:
        at = lowered.find(root)
        while at >= 0:
            starts.add(text.rfind("\n", 0, at) + 1)
            at = lowered.find(root, at + 1)
    return [(text.count("\n", 0, start), text[start:].partition("\n")[0])
            for start in sorted(starts)]


def old_words(tree):
    problems = []
    for path in tree.paths(""):
        if path.startswith(_EXEMPT):
            continue
        problems += text_rules.matches(path, path, OLD_WORDS)
        for lines_before, line in _suspicious_lines(tree[path]):
            problems += text_rules.matches(
                path, _WIRE_PREFIX.sub("____", line), OLD_WORDS, lines_before)
    return problems


RULES = [old_words]

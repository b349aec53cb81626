"""Holds docs/features.md to its promise: nothing that an earlier system did is
missing, and each line names tests that are there."""

import re

PAGE = "docs/features.md"
# Where a test stands whose folder is not told.
_DEFAULT_FOLDER = "tests/integration/"

# Which of the five systems had each row; the letters are the page's.
_SYSTEMS = {
    1: "POCLA", 2: "OCA", 3: "O", 4: "OC", 5: "OCLA", 6: "POCLA", 7: "POL",
    8: "L", 9: "POCLA", 10: "OA", 11: "OCLA", 12: "P", 13: "A", 14: "A",
    15: "O", 16: "P", 17: "A", 18: "POLA", 19: "CA", 20: "C", 21: "C",
    22: "C", 23: "C", 24: "C", 25: "CA", 26: "OCA", 27: "POCLA", 28: "PO",
    29: "POLA", 30: "POA", 31: "PC", 32: "A", 33: "P", 34: "P", 35: "P",
    36: "P", 37: "C", 38: "L", 39: "POCLA", 40: "POCLA", 41: "A", 42: "LA",
    43: "A", 44: "PA", 45: "POC", 46: "O", 47: "O", 48: "O", 49: "OCL",
    50: "P", 51: "PL", 52: "POA", 53: "O", 54: "O", 55: "OCA", 56: "OC",
    57: "CLA", 58: "OCL", 59: "OCA", 60: "OLA", 61: "C", 62: "A", 63: "A",
    64: "A", 65: "A", 66: "O", 67: "POCLA", 68: "PC", 69: "POLA", 70: "C",
}
# Of each section whose lines are numbered, how many there are at least.
_NUMBERED = {"Decisions": 19}
_LINES_MIN = {"Details that the documents state": 11, "Vectors": 19}

_NOT_SERVED = re.compile(r"not (?:yet )?served|not implemented|no test", re.I)
_QUOTED = re.compile(r"`([^`]+)`")
_FILE = re.compile(r"[\w./-]*\w\.(?:py|cc|sh|go|js|ts|java)$")
_NAME = re.compile(r"(?:test_\w+|[A-Z]\w*\.[A-Z]\w*)$")


class _Line:
    """One of a table's lines: {heading of the column: text}."""

    def __init__(self, section, cells):
        self.section = section
        self.cells = cells
        self.first = next(iter(cells.values()), "")

    def __str__(self):
        return "%s: \"%s\": line `%s`" % (
            PAGE, self.section, " | ".join(list(self.cells.values())[:2]))


def _split(line):
    return [cell.strip().replace("\\|", "|")
            for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def lines_of(page):
    """The lines of all tables that have a column `test`."""
    lines, section, head = [], "", None
    for text in page.splitlines():
        if text.startswith("## "):
            section = text[3:].strip()
        if not text.startswith("|"):
            head = None
        elif head is None:
            head = _split(text)
        elif "test" in head and not set(text) <= set("|-: "):
            cells = _split(text)
            if len(cells) != len(head):  # Told as a line without a test.
                cells = cells[:1] + [""] * (len(head) - 1)
            lines.append(_Line(section, dict(zip(head, cells))))
    return lines


def find_file(tree, name):
    """The one test that `name` is the end of; that of the default folder goes
    before others. None if there is none, or more than one."""
    for path in (_DEFAULT_FOLDER + name, name):
        if path in tree:
            return path
    found = [path for path in tree.paths("/" + name) if "test" in path]
    return found[0] if len(found) == 1 else None


def has_test(text, name):
    if "." in name:
        suite, case = name.split(".")
        return re.search(r"\bTEST(?:_F|_P)?\(\s*%s,\s*%s\)" % (suite, case),
                         text) is not None
    return re.search(r"\bdef %s\(" % name, text) is not None


def _tests_problems(tree, line):
    file, problems, count = None, [], 0
    for quoted in _QUOTED.findall(line.cells["test"]):
        if _FILE.match(quoted):
            file = find_file(tree, quoted)
            if file is None:
                problems.append("no test, or several, at `%s`" % quoted)
        elif not _NAME.match(quoted):
            problems.append("`%s` is neither a test nor its file" % quoted)
        elif file is None:
            problems.append("in which file is `%s`?" % quoted)
        elif not has_test(tree[file], quoted):
            problems.append("%s has no `%s`" % (file, quoted))
        else:
            count += 1
    if not count and not problems:
        problems.append("it names no test")
    return problems


def feature_list(tree):
    lines = lines_of(tree[PAGE])
    problems = []
    for line in lines:
        problems += ["%s: %s" % (line, problem)
                     for problem in _tests_problems(tree, line)]
        if _NOT_SERVED.search(" ".join(line.cells.values())):
            problems.append("%s: says that something is missing" % line)
    return problems + _rows_problems(lines) + _sections_problems(lines)


def _rows_problems(lines):
    problems, told = [], {row: set() for row in _SYSTEMS}
    for line in lines:
        if "row" not in line.cells:
            continue
        for row in re.findall(r"\d+", line.cells["row"]):
            if int(row) not in told:
                problems.append("%s: there is no such row" % line)
                continue
            letters = set(re.sub(r"[,\s]", "", line.cells["from"]))
            told[int(row)] |= letters
            if letters - set(_SYSTEMS[int(row)]):
                problems.append("%s: the row is of %s alone" % (
                    line, ", ".join(_SYSTEMS[int(row)])))
    for row, letters in told.items():
        missing = [letter for letter in _SYSTEMS[row] if letter not in letters]
        if missing:
            problems.append("%s: row %d lacks what it is for %s" % (
                PAGE, row, ", ".join(missing)))
    return problems


def _sections_problems(lines):
    problems = []
    of_section = {}
    for line in lines:
        of_section.setdefault(line.section, []).append(line.first)
    for section, count in _NUMBERED.items():
        wanted = [str(number + 1) for number in range(count)]
        if of_section.get(section, []) != wanted:
            problems.append("%s: \"%s\" has not the lines 1 to %d" % (
                PAGE, section, count))
    for section, count in _LINES_MIN.items():
        if len(of_section.get(section, [])) < count:
            problems.append("%s: \"%s\" has fewer than %d lines" % (
                PAGE, section, count))
    return problems


RULES = [feature_list]

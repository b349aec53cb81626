"""Just enough of C++ to judge a source file: code without comments and
literals, includes, and where functions begin and end."""

import re

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
_TOKEN = re.compile(
    r'//[^\n]*'                                        # comment
    r'|/\*.*?\*/'
    r'|(?:u8|[uUL])?R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'",          # not 1'000
    re.DOTALL)


def includes(text):
    """[(line, path)] of every #include."""
    return [(text.count("\n", 0, match.start(2)) + 1, match.group(2))
            for match in _INCLUDE.finditer(text)]


def code_of(text):
    """The text with comments and literals blanked, lines kept in place."""
    def blank(match):
        token = match.group(0)
        is_comment = token.startswith(("//", "/*"))
        quote = "" if is_comment else token[-1]
        return quote + re.sub(r"[^\n]", "", token) + quote
    return _TOKEN.sub(blank, text)


def comments_of(text):
    """[(line, comment)]"""
    return [(text.count("\n", 0, match.start()) + 1, match.group(0))
            for match in _TOKEN.finditer(text)
            if match.group(0).startswith(("//", "/*"))]


_SCOPE = re.compile(r"\b(namespace|class|struct|union|extern)\b")


def functions(text):
    """[(first line, last line, name)] of functions at namespace or class
    scope. A heuristic: a brace after a parenthesis opens a function."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(
        r"[^\n]", "", m.group(0)), code_of(text), flags=re.MULTILINE)
    found = []
    depth_inside = 0  # Braces open inside a function or initializer.
    opened = None
    statement = ""
    statement_line = line = 1
    for char in code:
        if char == "\n":
            line += 1
        if depth_inside:
            if char == "{":
                depth_inside += 1
            elif char == "}":
                depth_inside -= 1
                if not depth_inside:
                    if opened:
                        found.append((opened[0], line, opened[1]))
                    statement = ""
            continue
        if char == "{":
            head = re.sub(r"template\s*<[^;]*?>\s*(?=\w)", "", statement)
            if "(" in head and not _is_scope(head):
                depth_inside, opened = 1, (statement_line, _name_of(head))
            elif _SCOPE.search(head):
                statement = ""
            else:
                depth_inside, opened = 1, None
        elif char in ";}":
            statement = ""
        else:
            if not statement.strip():
                statement_line = line
            statement += char
    return found


def _is_scope(head):
    """`class A final : public B` and `class MACRO("x") A` open a scope, but
    `struct A F(...)` does not."""
    match = _SCOPE.search(head)
    return match is not None and not head.rstrip().endswith(
        (")", "const", "override", "noexcept", "final")) or (
            match is not None and match.group(1) in ("namespace", "extern")
            and "(" not in head[match.end():])


def _name_of(head):
    match = re.search(r"([\w:~]+|operator[^\w\s(]+)\s*\(", head)
    return match.group(1) if match else "?"

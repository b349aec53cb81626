"""Just enough of C++ to check a source file: code without comments and
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
    code = _without_directives(text)
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


def _without_directives(text):
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(
        r"[^\n]", "", m.group(0)), code_of(text), flags=re.MULTILINE)


def names(text):
    """[(line, name, hidden)] of what is declared in namespaces, each name
    behind the namespaces around it: `gateway::kBytesMax`; hidden is what an
    unnamed one of them declares. Without aliases, which are free to say the
    same twice."""
    found = []
    scopes = []  # Of open braces: a namespace's name, "" or None for others.
    statement = ""
    line = statement_line = 1
    for char in _without_directives(text):
        if char == "\n":
            line += 1
        if char in "{;}":
            opens = _namespace_of(statement) if char == "{" else None
            if opens is None and scopes and None not in scopes:
                name = _declared_name(statement)
                if name:
                    found.append((statement_line, "::".join(
                        [scope for scope in scopes if scope] + [name]),
                                  "" in scopes))
            if char == "{":
                scopes.append(opens)
            elif char == "}" and scopes:
                scopes.pop()
            statement = ""
        else:
            if not statement.strip():
                statement_line = line
            statement += char
    return found


def _namespace_of(head):
    """The name of the namespace that a brace opens, "" if it has none; None
    for other braces."""
    match = re.fullmatch(r"\s*(?:inline\s+)?namespace(\s+[\w:]+)?\s*", head)
    return (match.group(1) or "").strip() if match else None


def _declared_name(statement):
    """What a declaration at namespace scope declares, or None."""
    text = re.sub(r"\[\[.*?\]\]", "", statement).strip()
    while text.startswith("template"):
        text = _behind_angles(text[len("template"):].lstrip()).strip()
    if re.match(r"(friend|namespace|requires|static_assert|using)\b", text):
        return None
    match = re.match(
        r"(?:class|struct|union|enum(?:\s+class|\s+struct)?)\s+(\w+)"
        r"\s*(?:final\b|:|$)", text)
    if match:
        return match.group(1)
    match = re.match(
        r"[^=({\[]*?[\s*&>]((?:\w+::)*~?\w+)\s*(?:\[|=|\(|$)", text)
    name = match.group(1) if match else "::"
    return None if "::" in name else name


def _behind_angles(text):
    depth = 0
    for index, char in enumerate(text):
        depth += {"<": 1, ">": -1}.get(char, 0)
        if not depth:
            return text[index + 1:]
    return text


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

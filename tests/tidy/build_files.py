"""BUILD.bazel files as data.

A BUILD file is read as Python, of which its language is a part. Attributes may
be literals, `+` of them, glob() and select(); a list comprehension of targets
is not understood, and the file is reported.
"""

import ast
import fnmatch
import posixpath


class Target:
    """One target: label, and its attributes as lists of full labels."""

    def __init__(self, package, kind, name, attributes, plain_lists, kept):
        self.package = package
        self.kind = kind
        self.label = "//%s:%s" % (package, name)
        self.attributes = attributes
        # Attributes that are one literal list, whose order can be checked.
        self.plain_lists = plain_lists
        # Dependencies marked `# keep`: needed though nothing is included.
        self.kept = kept

    def values(self, attribute):
        return self.attributes.get(attribute, [])

    def files(self, *attributes):
        """Paths from the root of files in this package."""
        return [label[2:].replace(":", "/", 1).lstrip("/")
                for attribute in attributes
                for label in self.values(attribute)]

    def is_test(self):
        return self.kind.endswith("_test")


def parse_label(label, package):
    """The full form `//package:name` of a label."""
    if label.startswith("//"):
        if ":" in label:
            return label
        return "%s:%s" % (label, posixpath.basename(label))
    if label.startswith("@"):
        return label
    return "//%s:%s" % (package, label.lstrip(":"))


def parse(path, text, tree):
    """Returns (targets, problems) of one BUILD.bazel file."""
    package = posixpath.dirname(path)
    lines = text.splitlines()
    targets, problems = [], []
    try:
        module = ast.parse(text)
    except SyntaxError as error:
        return [], ["%s:%s: not readable as a list of targets: %s"
                    % (path, error.lineno, error.msg)]
    for statement in module.body:
        if not isinstance(statement, ast.Expr):
            continue
        call = statement.value
        if isinstance(call, (ast.ListComp, ast.GeneratorExp)):
            problems.append(
                "%s:%d: targets made by a loop cannot be checked; write them "
                "out, or put the loop in a macro under tools/bazel"
                % (path, statement.lineno))
        if not isinstance(call, ast.Call) or not isinstance(
                call.func, ast.Name):
            continue
        keywords = {word.arg: word.value for word in call.keywords}
        name = keywords.get("name")
        if not isinstance(name, ast.Constant):
            continue
        kept = set()
        plain_lists = set()
        attributes = {}
        for attribute, value in keywords.items():
            if attribute in ("name", "visibility", "packages"):
                continue
            if isinstance(value, ast.List):
                plain_lists.add(attribute)
            labels = []
            for node in _strings(value, package, tree):
                label = parse_label(node.value, package)
                labels.append(label)
                line = getattr(node, "lineno", 0)
                if line and lines[line - 1].rstrip().endswith("# keep"):
                    kept.add(label)
            attributes[attribute] = labels
        targets.append(Target(package, call.func.id, name.value, attributes,
                              plain_lists, kept))
    return targets, problems


def _strings(node, package, tree):
    """The string constants in an attribute's value, globs expanded."""
    if isinstance(node, ast.Constant):
        return [node] if isinstance(node.value, str) else []
    if isinstance(node, (ast.List, ast.Tuple)):
        return [s for item in node.elts for s in _strings(item, package, tree)]
    if isinstance(node, ast.BinOp):
        return (_strings(node.left, package, tree) +
                _strings(node.right, package, tree))
    if isinstance(node, ast.Dict):
        return [s for item in node.values
                for s in _strings(item, package, tree)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        arguments = list(node.args)
        if node.func.id == "glob":
            patterns = [s.value for item in arguments[:1]
                        for s in _strings(item, package, tree)]
            excluded = [s.value for word in node.keywords
                        if word.arg == "exclude"
                        for s in _strings(word.value, package, tree)]
            left_out = set(_glob(excluded, package, tree))
            return [ast.Constant(value=match)
                    for match in _glob(patterns, package, tree)
                    if match not in left_out]
        if node.func.id == "select":
            return [s for item in arguments
                    for s in _strings(item, package, tree)]
    return []


def _glob(patterns, package, tree):
    prefix = package + "/" if package else ""
    found = []
    for path in sorted(tree.files):
        if not path.startswith(prefix):
            continue
        inside = path[len(prefix):]
        for pattern in patterns:
            if "**" in pattern:
                matches = fnmatch.fnmatch(inside, pattern) or (
                    fnmatch.fnmatch(inside, pattern.replace("**/", "")))
            else:
                matches = fnmatch.fnmatch(inside, pattern) and (
                    inside.count("/") == pattern.count("/"))
            if matches:
                found.append(inside)
                break
    return found

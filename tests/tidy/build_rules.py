"""Rules about files, targets and what they include."""

import re

from tests.tidy import build_files
from tests.tidy import cpp_source
from tests.tidy import system_headers

# Sources without a test of their own, each with the reason.
UNTESTED_SOURCES = {
    "clients/cli/main.cc": "flags only; the command is tested as a program",
    "service/embedding/example/main.cc":
        "embedding_example_test.py runs the program",
    "service/main.cc": "one line; integration tests run the binary",
}
# Whose sources have a mirrored test.
_TESTED_ROOTS = ("base/", "clients/cli/", "clients/cpp/", "providers/",
                 "service/")
# Whose includes are checked.
_CPP_ROOTS = _TESTED_ROOTS + ("tests/",)
_PROTO_ROOT = "proto/"


class Project:
    """A tree with its BUILD files parsed."""

    def __init__(self, tree):
        self.tree = tree
        self.targets = []
        self.problems = []
        for path in tree.paths("BUILD.bazel"):
            targets, problems = build_files.parse(path, tree[path], tree)
            self.targets.extend(targets)
            self.problems.extend(problems)
        self.owners = {}  # {file: [Target]}
        self.exporters = {}  # {path as included: set of labels}
        for target in self.targets:
            for path in target.files("srcs", "hdrs", "textual_hdrs", "src",
                                     "data"):
                self.owners.setdefault(path, []).append(target)
            private = set(target.files("private_hdrs"))
            for path in target.files("hdrs", "textual_hdrs"):
                if path in private:
                    continue
                self.exporters.setdefault(path, set()).add(target.label)
            if target.kind == "gateway_proto_library":
                self._export_generated(target)
        self.headers_of = {}  # {label: headers}
        for header, labels in self.exporters.items():
            for label in labels:
                self.headers_of.setdefault(label, set()).add(header)

    def _export_generated(self, target):
        for path in target.files("srcs"):
            stem = path[len(_PROTO_ROOT):-len(".proto")]
            for suffix, label in ((".pb.h", target.label),
                                  (".grpc.pb.h", target.label + "_grpc")):
                self.exporters.setdefault(stem + suffix, set()).add(label)


def unreadable_build_files(project):
    return project.problems


def includes_of_direct_dependencies(project):
    """Each #include is of a header: the target's own, or one of a direct
    dependency."""
    problems = []
    for target in project.targets:
        dependencies = set(target.values("deps"))
        dependencies.add(target.label)
        if target.is_test():
            dependencies |= system_headers.OF_EVERY_TEST
        own = set(target.files("srcs", "hdrs", "textual_hdrs"))
        for path in sorted(own):
            if path not in project.tree or not path.endswith((".h", ".cc")):
                continue
            for line, header in cpp_source.includes(project.tree[path]):
                where = "%s:%d" % (path, line)
                problems.extend(_judge_include(
                    project, target, dependencies, own, where, header))
    return problems


def _judge_include(project, target, dependencies, own, where, header):
    if header in own or system_headers.needs_no_target(header):
        return []
    # Ours first: some of our protos share a directory's name with a library.
    labels = project.exporters.get(header, set())
    if not labels:
        label = system_headers.target_of(header)
        labels = {label} if label else set()
    if not labels:
        return ["%s: no target exports %s; put it into the hdrs of one, or, "
                "for a system library, into tests/tidy/system_headers.py"
                % (where, header)]
    if not labels & dependencies:
        return ["%s: %s comes from %s; add that to the deps of %s"
                % (where, header, " or ".join(sorted(labels)), target.label)]
    return []


def dependencies_are_used(project):
    """Each dependency with headers has one of them included."""
    problems = []
    for target in project.targets:
        sources = [path for path in target.files("srcs", "hdrs",
                                                 "textual_hdrs")
                   if path in project.tree and path.endswith((".h", ".cc"))]
        if not sources or not target.kind.startswith("gateway_cc_"):
            continue
        included = {header for path in sources for _, header
                    in cpp_source.includes(project.tree[path])}
        systems = {system_headers.target_of(header) for header in included}
        for label in target.values("deps"):
            if label in target.kept or label in systems:
                continue
            headers = project.headers_of.get(label, set())
            if headers & included:
                continue
            if headers or label.startswith("//third_party:"):
                problems.append(
                    "%s: nothing includes a header of %s; remove it from the "
                    "deps, or mark its line `# keep` when linking alone is "
                    "meant" % (target.label, label))
    return problems


def files_are_in_a_build_file(project):
    return ["%s: not in any BUILD.bazel; name it in a target or delete it"
            % path for path in project.tree.paths(".cc", ".h")
            if path not in project.owners]


def files_have_one_target(project):
    """Each source and header of C++ is compiled as part of one target."""
    problems = []
    for path in project.tree.paths(".cc", ".h"):
        labels = sorted({target.label for target in project.owners.get(path, [])
                         if target.kind.startswith("gateway_cc_")})
        if len(labels) > 1 and path.startswith(_CPP_ROOTS):
            problems.append("%s: belongs to %s; leave it to one, and let the "
                            "others depend on that"
                            % (path, " and ".join(labels)))
    return problems


def folders_are_libraries(project):
    """A folder of libraries has one with the folder's name."""
    problems = []
    for target in project.targets:
        if target.kind != "gateway_cc_library" or (
                not target.package.startswith(_TESTED_ROOTS)):
            continue
        folder = "//%s:%s" % (target.package, target.package.split("/")[-1])
        if folder != target.label and all(
                other.label != folder for other in project.targets):
            problems.append("%s: the library of a folder is named after it: %s"
                            % (target.label, folder))
    return problems


def names_differ_in_a_unit(project):
    """The sources of a target are compiled as one: what the unnamed namespace
    of one declares, no other does, and no header of theirs. Where the compiler
    would not mind, it might take the one for the other."""
    problems = []
    for target in project.targets:
        sources = target.files("srcs", "hdrs")
        if sum(path.endswith(".cc") for path in sources) < 2:
            continue
        hidden, public = {}, {}  # {name: {path: line}}
        for path in sorted(set(sources)):
            if path not in project.tree or not path.endswith((".cc", ".h")):
                continue
            for line, name, is_hidden in cpp_source.names(project.tree[path]):
                if is_hidden:
                    hidden.setdefault(name, {}).setdefault(path, line)
                elif path.endswith(".h"):
                    public.setdefault(name, {}).setdefault(path, line)
        for name, found in sorted(hidden.items()):
            (path, line), *others = sorted(found.items())
            others += sorted(public.get(name, {}).items())
            if others:
                problems.append(
                    "%s:%d: %s declares %s too; say of each what it alone is, "
                    "or declare it once, in a header"
                    % (path, line, others[0][0], name.split("::")[-1]))
    return problems


def build_files_name_real_files(project):
    problems = []
    for target in project.targets:
        if not target.kind.startswith("gateway_cc_"):
            continue
        for path in target.files("srcs", "hdrs"):
            if path.endswith((".cc", ".h")) and path not in project.tree:
                problems.append("%s: names %s, which is not there"
                                % (target.label, path))
    return problems


def sources_have_tests(project):
    problems = []
    for path in project.tree.paths(".cc"):
        if not path.startswith(_TESTED_ROOTS) or path in UNTESTED_SOURCES:
            continue
        test = "tests/%s_test.cc" % path[:-len(".cc")]
        if test not in project.tree:
            problems.append("%s: has no mirrored test; write %s"
                            % (path, test))
    return problems


def build_files_say_why(project):
    """The first line of a BUILD file says why its room exists."""
    return ["%s:1: begin with a comment that says why this room exists" % path
            for path in project.tree.paths("BUILD.bazel")
            if not re.match(r"# \S", project.tree[path])]


def dependencies_are_sorted(project):
    problems = []
    for target in project.targets:
        if "deps" not in target.plain_lists:
            continue
        written = [_written(label, target.package)
                   for label in target.values("deps")]
        ordered = sorted(written, key=_sort_key)
        if written != ordered:
            first = next(a for a, b in zip(written, ordered) if a != b)
            problems.append("%s: deps are not sorted, from %s on"
                            % (target.label, first))
    return problems


def _written(label, package):
    prefix = "//%s:" % package
    if label.startswith(prefix):
        return label[len(prefix) - 1:]
    folder, _, name = label.rpartition(":")
    return folder if folder.endswith("/" + name) else label


def _sort_key(label):
    return (not label.startswith(":"), not label.startswith("//"),
            re.split("[:/]", label))


RULES = [
    build_files_name_real_files,
    build_files_say_why,
    dependencies_are_sorted,
    dependencies_are_used,
    files_are_in_a_build_file,
    files_have_one_target,
    folders_are_libraries,
    includes_of_direct_dependencies,
    names_differ_in_a_unit,
    sources_have_tests,
    unreadable_build_files,
]

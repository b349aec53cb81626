"""The project's files, read once."""

import os

# Not ours, or made by tools.
_SKIPPED_DIRECTORIES = frozenset([
    ".cache", ".git", ".venv", "__pycache__", "build", "dist", "node_modules",
    "target"])
_TEXT_SUFFIXES = (
    ".bazel", ".bazelrc", ".bzl", ".cc", ".css", ".go", ".h", ".html", ".inc",
    ".java", ".js", ".json", ".md", ".mjs", ".proto", ".py", ".sh", ".ts",
    ".txt", ".yaml", ".yml", ".xml")
_TEXT_NAMES = frozenset([".bazelrc", "Makefile", "WORKSPACE", "run"])


class Tree:
    """{path from the root: text} of every file that people write."""

    def __init__(self, files):
        self.files = files

    @classmethod
    def read(cls, root):
        files = {}
        for directory, names, leaves in os.walk(root):
            names[:] = sorted(
                name for name in names
                if name not in _SKIPPED_DIRECTORIES
                and not name.startswith("bazel-"))
            for leaf in sorted(leaves):
                if leaf not in _TEXT_NAMES and (
                        not leaf.endswith(_TEXT_SUFFIXES)):
                    continue
                path = os.path.join(directory, leaf)
                try:
                    with open(path, encoding="utf-8") as file:
                        files[os.path.relpath(path, root)] = file.read()
                except UnicodeDecodeError:
                    pass  # A sample with bad bytes is not text.
        return cls(files)

    def paths(self, *suffixes):
        return [path for path in sorted(self.files)
                if path.endswith(suffixes)]

    def __contains__(self, path):
        return path in self.files

    def __getitem__(self, path):
        return self.files[path]

"""Python tests, run by whatever python3 is on the PATH.

Bazel's own py_test wants a `python`, which Debian does not have.
"""

def gateway_py_test(name, src, deps = [], data = [], **kwargs):
    """A file of unittest.TestCase classes.

    Modules are imported from the root of the project, as in
    `from tools.testing import junit`. Each test method is a case in the
    report.

    Args:
      name: of the test.
      src: the one file with the test cases.
      deps: .py files that it imports, or filegroups of them.
      data: other files that it reads, by their path from the root.
      **kwargs: goes to the sh_test, such as size and tags.
    """
    native.sh_test(
        name = name,
        srcs = ["//tools/testing:run_python_test.sh"],
        args = ["$(rootpath %s)" % src],
        data = [
            src,
            "//tools/testing:junit.py",
        ] + deps + data,
        **kwargs
    )

"""Programs in Go, of the standard library alone, built by the machine's Go.

No rules of Bazel's for Go are in Debian, and none is needed for programs of one
module without dependencies.
"""

_FOLDER = "//tests/testing/mock_upstream"

def gateway_go_binary(name, out, srcs, visibility, testonly = False):
    """A program of one module.

    Args:
      name: of the target.
      out: what the program's file is called.
      srcs: its .go files, without tests, and its go.mod.
      visibility: who may start it.
      testonly: whether it is for tests alone.
    """
    native.genrule(
        name = name,
        srcs = srcs,
        outs = [out],
        cmd = " && ".join([
            "out=$$PWD/$@",
            "go=$$PWD/$(location %s:with_go.sh)" % _FOLDER,
            "copy=$$(mktemp -d)",
            "trap 'rm -rf $$copy' EXIT",
            "cp $(SRCS) $$copy",
            "cd $$copy",
            "CGO_ENABLED=0 $$go build -trimpath -ldflags=-s -o $$out .",
        ]),
        executable = True,
        tools = [_FOLDER + ":with_go.sh"],
        testonly = testonly,
        visibility = visibility,
    )

def gateway_go_test(name, srcs, **kwargs):
    """The Go tests of the package's folder; each is a case of the report.

    Args:
      name: of the test.
      srcs: all .go files of the folder, and its go.mod.
      **kwargs: goes to the sh_test, such as size and tags.
    """
    native.sh_test(
        name = name,
        srcs = [_FOLDER + ":go_test.sh"],
        args = [native.package_name()],
        data = srcs + [
            _FOLDER + ":go_test.py",
            _FOLDER + ":with_go.sh",
            "//tools/testing:junit.py",
        ],
        **kwargs
    )

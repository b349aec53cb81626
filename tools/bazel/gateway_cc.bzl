"""C++ rules with the house's compiler flags.

gateway_cc_library, gateway_cc_binary, gateway_cc_test and gateway_cc_fuzz_test
take what the native rules take and add warnings as errors. Our own code is
linked statically, so that every source is compiled once. A test gets its
main().
"""

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wvla",
    # A designated initializer that leaves the rest to its default is meant so.
    "-Wno-missing-field-initializers",
    # These look at optimised code, and GCC 12 sees ghosts in coroutine frames
    # and std::string. The sanitizers find the real ones.
    "-Wno-unknown-warning-option",
    "-Wno-array-bounds",
    "-Wno-dangling-pointer",
    "-Wno-free-nonheap-object",
    "-Wno-maybe-uninitialized",
    "-Wno-mismatched-new-delete",
    "-Wno-restrict",
    "-Wno-stringop-overflow",
    "-Wno-stringop-overread",
    "-Wno-use-after-free",
]

def gateway_cc_library(name, copts = [], **kwargs):
    """A library of one concept: usually one header and one source."""
    native.cc_library(
        name = name,
        copts = _WARNINGS + copts,
        linkstatic = True,
        **kwargs
    )

def gateway_cc_binary(name, copts = [], **kwargs):
    """A program."""
    native.cc_binary(
        name = name,
        copts = _WARNINGS + copts,
        **kwargs
    )

def gateway_cc_test(name, copts = [], deps = [], size = "small", **kwargs):
    """A test with gtest's main(). Small by default: at most one minute."""
    native.cc_test(
        name = name,
        size = size,
        copts = _WARNINGS + copts,
        linkstatic = True,
        deps = deps + ["//third_party:gtest_main"],
        **kwargs
    )

def gateway_cc_fuzz_test(name, corpus, deps = [], size = "small", **kwargs):
    """A libFuzzer target that is also a plain test over its corpus.

    Args:
      name: of the test.
      corpus: files, each a seed and a test case.
      deps: of the target; //tests/fuzz:replay is added.
      size: of the plain test.
      **kwargs: goes to the cc_test; srcs define LLVMFuzzerTestOneInput.
    """
    native.cc_test(
        name = name,
        size = size,
        args = ["$(rootpath %s)" % seed for seed in corpus],
        copts = _WARNINGS,
        data = corpus,
        linkopts = select({
            "//tools/bazel:fuzzing": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        linkstatic = True,
        deps = deps + select({
            "//tools/bazel:fuzzing": [],
            "//conditions:default": ["//tests/fuzz:replay"],
        }),
        **kwargs
    )

"""C++ rules with the house's compiler flags.

gateway_cc_library, gateway_cc_binary, gateway_cc_test and gateway_cc_fuzz_test
take what the native rules take and add warnings as errors. Our own code is
linked statically, so that every source is compiled once. A test gets its
main().

Most of what a source costs is its headers. So a library is a folder, and its
sources are compiled as one unit: they stand behind each other in a generated
file, each under a #line of its own. With --config=separate each source is an
object by itself.
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

# In a unit no source is the main file, and GCC takes all of them for headers.
_UNIT_COPTS = ["-Wno-subobject-linkage"]

def _unit(name, sources):
    """Writes the sources behind each other into one file; returns its name."""
    file = name + ".unit.cc"
    native.genrule(
        name = name + "_unit",
        srcs = sources,
        outs = [file],
        cmd = "for source in $(SRCS); do " +
              "echo \"#line 1 \\\"$$source\\\"\"; cat $$source; done >$@",
        message = "Joining the sources of //%s" % native.package_name(),
        tags = ["manual"],
        visibility = ["//visibility:private"],
    )
    return file

def _in_units(name, srcs, units):
    """What to compile for srcs: so many units, or each source by itself."""
    sources = sorted([src for src in srcs if src.endswith(".cc")])
    rest = [src for src in srcs if not src.endswith(".cc")]
    if len(sources) <= units:
        return srcs
    ends = [len(sources) * i // units for i in range(units + 1)]
    files = [
        _unit(name if units == 1 else "%s_%d" % (name, i + 1), sources[ends[i]:ends[i + 1]])
        for i in range(units)
    ]
    return rest + select({
        "//tools/bazel:separate": sources,
        "//conditions:default": files,
    })

def gateway_cc_library(
        name,
        srcs = [],
        hdrs = [],
        private_hdrs = [],
        copts = [],
        units = 1,
        **kwargs):
    """A library: usually a folder, whose name it has.

    Args:
      name: of the library.
      srcs: its sources, compiled as one unit.
      hdrs: its headers.
      private_hdrs: those among hdrs that only srcs include.
      copts: more flags.
      units: in how many units a large folder is compiled, so that two cores
          share it.
      **kwargs: goes to the cc_library.
    """
    native.cc_library(
        name = name,
        srcs = _in_units(name, srcs + private_hdrs, units),
        hdrs = [hdr for hdr in hdrs if hdr not in private_hdrs],
        copts = _WARNINGS + _UNIT_COPTS + copts,
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

# Half of all compiling is of tests, and they are in no hurry: -Og takes a fifth
# less of the compiler's time than -O1. (Without sibling calls, coroutines that
# resume each other would use up the stack.)
_TEST_COPTS = ["-Og", "-foptimize-sibling-calls"]

def gateway_cc_test(
        name,
        srcs,
        copts = [],
        deps = [],
        size = "small",
        units = 1,
        **kwargs):
    """The tests of a folder, with gtest's main().

    Args:
      name: of the test.
      srcs: its sources, compiled as one unit, and headers of theirs.
      copts: more flags.
      deps: of the sources.
      size: small by default: at most one minute.
      units: in how many units many sources are compiled.
      **kwargs: goes to the cc_test, such as shard_count.
    """
    native.cc_test(
        name = name,
        size = size,
        srcs = _in_units(name, srcs, units),
        copts = _WARNINGS + _UNIT_COPTS + _TEST_COPTS + copts,
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

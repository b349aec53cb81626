"""Code generation by the system's protoc.

The root of all .proto files is //proto, so a file imports
"llmgateway/v1/content.proto" and C++ includes "llmgateway/v1/content.pb.h".
"""

_PROTO_ROOT = "proto"

# What every file of protoc's hides under the same name.
_HIDDEN_NAMES = ["file_default_instances", "schemas"]

# The options of our fields are read by reflection alone, and their header brings
# google/protobuf/descriptor.pb.h along, 12,000 lines for everybody who knows a
# message. So it is included by the generated sources, and not by their headers.
_OPTIONS_INCLUDE = '#include "llmgateway/type/v1/options.pb.h"'
_MOVE_OPTIONS = (
    "; for header in $$(grep -l '^{0}' $(OUTS) | grep 'h$$'); do " +
    "sed -i '\\,^{0},d' $$header; " +
    "sed -i '1i {0}' $${{header%h}}cc; done"
).format(_OPTIONS_INCLUDE)

def _outputs(srcs, suffixes):
    return [src[:-len(".proto")] + suffix for src in srcs for suffix in suffixes]

def _protoc(name, srcs, proto_deps, outs, flags, then = ""):
    native.genrule(
        name = name,
        srcs = srcs + proto_deps,
        outs = outs,
        cmd = " ".join([
            "protoc",
            "--proto_path=" + _PROTO_ROOT,
        ] + flags + ["$(location %s)" % src for src in srcs]) + then,
        message = "Generating code for //%s" % native.package_name(),
        visibility = ["//visibility:private"],
    )

def _in_one_unit(name, generated):
    """One file of all that are generated, as in gateway_cc.bzl."""
    sources = [out for out in generated if out.endswith(".cc")]
    if len(sources) == 1:
        return sources
    file = name + ".unit.cc"
    native.genrule(
        name = name + "_unit",
        srcs = sources,
        outs = [file],
        cmd = "for source in $(SRCS); do stem=$$(basename $$source | tr . _); " +
              "".join([
                  "echo \"#define {0} {0}_$$stem\"; ".format(hidden)
                  for hidden in _HIDDEN_NAMES
              ]) +
              "echo \"#line 1 \\\"$$source\\\"\"; cat $$source; " +
              "".join(["echo \"#undef {0}\"; ".format(hidden) for hidden in _HIDDEN_NAMES]) +
              "done >$@",
        message = "Joining the sources of //%s" % native.package_name(),
        visibility = ["//visibility:private"],
    )
    return select({
        "//tools/bazel:separate": sources,
        "//conditions:default": [file],
    })

def gateway_proto_library(name, srcs, deps = [], grpc = False, **kwargs):
    """Generates the C++ code of one proto package.

    Makes `<name>`, a cc_library with the .pb.h files; with `grpc`, also
    `<name>_grpc` with the .grpc.pb.h files; and `<name>_sources`, the .proto
    files of this package and of all that it imports.

    Args:
      name: of the message library.
      srcs: .proto files of this package.
      deps: other gateway_proto_library targets that srcs import.
      grpc: whether srcs define services to be generated for gRPC C++.
      **kwargs: goes to every library, such as visibility.
    """
    root = "/".join([".."] * (len(native.package_name().split("/")) - 1))
    proto_deps = [_sources_of(dep) for dep in deps]

    native.filegroup(
        name = name + "_sources",
        srcs = srcs + proto_deps,
        **kwargs
    )

    messages = _outputs(srcs, [".pb.h", ".pb.cc"])
    _protoc(
        name = name + "_codegen",
        srcs = srcs,
        proto_deps = proto_deps,
        outs = messages,
        flags = ["--cpp_out=$(BINDIR)/" + _PROTO_ROOT],
        then = _MOVE_OPTIONS,
    )
    native.cc_library(
        name = name,
        srcs = _in_one_unit(name, messages),
        hdrs = [out for out in messages if out.endswith(".h")],
        copts = ["-w"],
        includes = [root],
        linkstatic = True,
        # A file that declares only services has nothing that code refers to,
        # and reflection must know it all the same.
        alwayslink = True,
        deps = deps + ["//third_party:protobuf"],
        **kwargs
    )

    if grpc:
        services = _outputs(srcs, [".grpc.pb.h", ".grpc.pb.cc"])
        _protoc(
            name = name + "_grpc_codegen",
            srcs = srcs,
            proto_deps = proto_deps,
            outs = services,
            flags = [
                "--plugin=protoc-gen-grpc=$$(command -v grpc_cpp_plugin)",
                "--grpc_out=generate_mock_code=false:$(BINDIR)/" + _PROTO_ROOT,
            ],
        )
        native.cc_library(
            name = name + "_grpc",
            srcs = _in_one_unit(name + "_grpc", services),
            hdrs = [out for out in services if out.endswith(".h")],
            copts = ["-w"],
            includes = [root],
            linkstatic = True,
            deps = [
                ":" + name,
                "//third_party:grpcpp",
            ],
            **kwargs
        )

def _sources_of(dep):
    if ":" in dep:
        return dep + "_sources"
    return "%s:%s_sources" % (dep, dep.split("/")[-1])

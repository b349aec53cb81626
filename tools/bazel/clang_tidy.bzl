"""clang-tidy as an aspect: `bazel build --config=clang-tidy //...`.

One action for each unit, with the very flags and headers that it is compiled
with, and cached like any other action. Most of what it costs is the headers, as
for the compiler: source by source it takes ten times as long.
"""

# Where our own sources are; the rest is generated.
_OURS = ("base", "clients", "errors", "providers", "service", "tests", "tools")

# What clang understands of a library's own flags; GCC's warnings stay home.
_KEPT_PREFIXES = ("-D", "-I", "-f", "-std=")

def _sources(ctx):
    if not hasattr(ctx.rule.attr, "srcs"):
        return []
    return [
        file
        for src in ctx.rule.attr.srcs
        for file in src.files.to_list()
        if file.extension == "cc" and
           (file.is_source or file.basename.endswith(".unit.cc"))
    ]

def _flags(target, ctx):
    context = target[CcInfo].compilation_context
    flags = ["-xc++", "-std=c++20", "-Wall", "-Wextra"]
    flags += [f for f in ctx.rule.attr.copts if f.startswith(_KEPT_PREFIXES)]
    flags += ["-D" + define for define in context.defines.to_list()]
    flags += ["-iquote" + path for path in context.quote_includes.to_list()]
    flags += ["-isystem" + path for path in context.system_includes.to_list()]
    flags += ["-I" + path for path in context.includes.to_list()]
    return flags

# A unit is in none of our folders, where clang-tidy would look for this.
def _configuration(ctx):
    if ctx.label.package.split("/")[0] != "tests":
        return []
    return ["--config-file=tests/.clang-tidy"]

def _clang_tidy_aspect_impl(target, ctx):
    outputs = []
    if CcInfo in target and ctx.label.package.split("/")[0] in _OURS:
        for source in _sources(ctx):
            output = ctx.actions.declare_file(
                "%s.%s.clang_tidy" % (ctx.label.name, source.basename),
            )
            arguments = ctx.actions.args()
            arguments.add(output)
            arguments.add_all(_configuration(ctx))
            arguments.add(source)
            arguments.add("--")
            arguments.add_all(_flags(target, ctx))
            ctx.actions.run_shell(
                inputs = depset(
                    [source] + ctx.files._config,
                    transitive = [target[CcInfo].compilation_context.headers],
                ),
                outputs = [output],
                arguments = [arguments],
                # Prints only what it found, and fails for it.
                command = "output=$1; shift; " +
                          "clang-tidy-19 --quiet \"$@\" >$output 2>&1 || " +
                          "{ cat $output >&2; exit 1; }",
                mnemonic = "ClangTidy",
                progress_message = "Running clang-tidy on %s" % source.path,
                use_default_shell_env = True,
            )
            outputs.append(output)
    return [OutputGroupInfo(clang_tidy = depset(outputs))]

clang_tidy_aspect = aspect(
    implementation = _clang_tidy_aspect_impl,
    attrs = {
        "_config": attr.label_list(
            default = [
                "//:.clang-tidy",
                "//tests:.clang-tidy",
            ],
            allow_files = True,
        ),
    },
)

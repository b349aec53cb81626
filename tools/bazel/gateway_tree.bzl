"""A folder made by a script, with the tools that `make deps` installed.

For languages whose tools Bazel does not know: their stubs, and the programs
that are built from them. Nothing is downloaded; what is missing is named.
"""

def _gateway_tree_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.attr.name)
    arguments = ctx.actions.args()
    arguments.add(ctx.file._environment)
    arguments.add(ctx.file.script)
    arguments.add(folder.path)
    for file in ctx.files.srcs:
        arguments.add(file.path)
    ctx.actions.run_shell(
        inputs = ctx.files.srcs + ctx.files.data + [
            ctx.file._environment,
            ctx.file._pins,
            ctx.file.script,
        ],
        outputs = [folder],
        arguments = [arguments],
        command = "set -euo pipefail\n" +
                  "source \"$1\"\n" +
                  "source \"$2\" \"${@:3}\"",
        mnemonic = "GatewayTree",
        progress_message = "Making %s" % ctx.label,
        use_default_shell_env = True,
    )
    return [DefaultInfo(
        files = depset([folder]),
        runfiles = ctx.runfiles(files = [folder]),
    )]

gateway_tree = rule(
    implementation = _gateway_tree_impl,
    doc = "Runs `script FOLDER SRC...`, which fills the folder `name`.",
    attrs = {
        "data": attr.label_list(
            doc = "Other files that the script reads, by their path.",
            allow_files = True,
        ),
        "script": attr.label(
            doc = "Sourced by bash; `need TOOL` is there for it to use.",
            allow_single_file = [".sh"],
            mandatory = True,
        ),
        "srcs": attr.label_list(
            doc = "What the script is given, in this order.",
            allow_files = True,
        ),
        "_environment": attr.label(
            default = "@local_tools//:environment.sh",
            allow_single_file = True,
        ),
        # Another version of a tool makes another folder.
        "_pins": attr.label(
            default = "//third_party:registry_pins.env",
            allow_single_file = True,
        ),
    },
)

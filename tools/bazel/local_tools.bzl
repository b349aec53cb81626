"""Where this machine keeps what `make deps` installed.

Actions see a bare environment, so that they mean the same on each machine. The
few that need Go, Node, Java or a pinned tool of their registries source the
one file of this repository, which knows the user's PATH and the tools' folder.
It only names the folder, so it is right before and after an installation.
"""

_ENVIRONMENT = """\
export PATH='{path}'
export GATEWAY_TOOLS='{tools}'

#   need COMMAND_OR_FILE
need() {{
  if [[ "$1" == */* ]]; then [[ -e "$1" ]]; else command -v "$1"; fi \\
    >/dev/null || {{
    echo "$1 is missing; to install it, run: make deps" >&2
    exit 1
  }}
}}
"""

def _tools_folder(environ):
    if "GATEWAY_TOOLS_DIR" in environ:
        return environ["GATEWAY_TOOLS_DIR"]
    cache = environ.get("XDG_CACHE_HOME") or environ.get("HOME", "") + "/.cache"
    return cache + "/llm-gateway/tools"

def _local_tools_impl(repository_ctx):
    environ = repository_ctx.os.environ
    tools = _tools_folder(environ)

    # Make has the tools in its PATH and people have not; both mean the same.
    folders = [
        folder
        for folder in environ.get("PATH", "/usr/bin:/bin").split(":")
        if folder and folder != tools + "/bin"
    ]
    repository_ctx.file("environment.sh", _ENVIRONMENT.format(
        path = ":".join(folders),
        tools = tools,
    ))
    repository_ctx.file("BUILD.bazel", 'exports_files(["environment.sh"])\n')

local_tools = repository_rule(
    implementation = _local_tools_impl,
    doc = "Names the tools of this machine.",
    environ = ["GATEWAY_TOOLS_DIR", "HOME", "PATH", "XDG_CACHE_HOME"],
    local = True,
)

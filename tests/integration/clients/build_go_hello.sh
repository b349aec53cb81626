# Builds a program as its README says, with the package from a proxy:
# build_go_hello.sh FOLDER SOURCE PACKAGE GO
#
# GO runs the toolchain without network.

need go
libraries="${GATEWAY_TOOLS}/go-libraries/modules/cache/download"
need "${libraries}"
output="${PWD}/$1/run"
run_go="${PWD}/$4"
export WITH_GO_PROXY="file://${PWD}/$3,file://${libraries}"

project="$(mktemp -d)"
trap 'rm -rf "${project}"' EXIT
cp "$2" "${project}/main.go"
cd "${project}"
"${run_go}" mod init hello
"${run_go}" get llmgateway.dev/client@v0.1.0
"${run_go}" build -trimpath -o "${output}" .
cd "${OLDPWD}"

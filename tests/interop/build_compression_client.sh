# Builds the Go client: build_compression_client.sh FOLDER SOURCE GO
#
# GO runs the toolchain without network.

need go
need "${GATEWAY_TOOLS}/go-libraries/vendor"
output="${PWD}/$1/run"
run_go="${PWD}/$3"

module="$(mktemp -d)"
trap 'rm -rf "${module}"' EXIT
cp "${GATEWAY_TOOLS}"/go-libraries/go.{mod,sum} "${module}"
ln -s "${GATEWAY_TOOLS}/go-libraries/vendor" "${module}/vendor"
cp "$2" "${module}/main.go"
cd "${module}"
"${run_go}" build -mod=vendor -trimpath -o "${output}" .
cd "${OLDPWD}"

# Generates a Go module from .proto files: make_stubs.sh FOLDER PROTO...
#
# google.rpc is not among them: Go has one package for it, which programs that
# use other services share (google.golang.org/genproto/googleapis/rpc).

folder="$1"
shift

need "${GATEWAY_TOOLS}/bin/protoc-gen-go"
need "${GATEWAY_TOOLS}/bin/protoc-gen-go-grpc"
need "${GATEWAY_TOOLS}/go-libraries/go.mod"
module="$(awk '$1 == "module" { print $2 }' \
  "${GATEWAY_TOOLS}/go-libraries/go.mod")"
protoc --proto_path=proto \
  --plugin="${GATEWAY_TOOLS}/bin/protoc-gen-go" \
  --go_out="${folder}" --go_opt="module=${module}" \
  --plugin="${GATEWAY_TOOLS}/bin/protoc-gen-go-grpc" \
  --go-grpc_out="${folder}" --go-grpc_opt="module=${module}" \
  "$@"
cp "${GATEWAY_TOOLS}"/go-libraries/go.{mod,sum} "${folder}"

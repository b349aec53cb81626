# Generates Python code from .proto files: make_stubs.sh FOLDER PROTO...
#
# `google.rpc` is as in the package googleapis-common-protos, by the same module
# names, so whichever of both is found first serves all.

folder="$1"
shift

need grpc_python_plugin
protoc --proto_path=proto \
  --python_out="${folder}" \
  --pyi_out="${folder}" \
  --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)" \
  --grpc_python_out="${folder}" \
  "$@"

# Only services need the gRPC half.
grep -L 'add_.*_to_server' -r --include='*_pb2_grpc.py' "${folder}" | xargs rm

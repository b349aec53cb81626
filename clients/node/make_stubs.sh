# Generates a Node package from .proto files: make_stubs.sh FOLDER PROTO...
#
# 64-bit integers are bigint, since money and ids must not be rounded; a oneof
# is a union told apart by `$case`.

folder="$1"
shift

modules="${GATEWAY_TOOLS}/node-libraries/node_modules"
need node
need "${modules}/.bin/protoc-gen-ts_proto"
need "${modules}/.bin/tsc"

options="esModuleInterop=true,env=node,outputServices=grpc-js"
options+=",forceLong=bigint,oneof=unions-value,useDate=true"

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT
mkdir "${scratch}/src"
protoc --proto_path=proto \
  --plugin="${modules}/.bin/protoc-gen-ts_proto" \
  --ts_proto_out="${scratch}/src" --ts_proto_opt="${options}" \
  "$@"

# What a compiler makes up for these is known to no other version of it.
find "${scratch}/src" -name '*.ts' -exec sed -i -E \
  's/(Serialize: \(value: [A-Za-z0-9_]+\)) =>/\1: Buffer =>/' {} +

# The compiler looks for what is imported beside its sources and above them.
ln -s "${modules}" "${scratch}/node_modules"
cp clients/node/tsconfig.json "${scratch}"
"${modules}/.bin/tsc" --project "${scratch}/tsconfig.json" \
  --outDir "${folder}"

version_of() { node -p "require('${modules}/$1/package.json').version"; }
cat >"${folder}/package.json" <<EOF
{
  "name": "@llmgateway/stubs",
  "version": "0.0.0",
  "license": "Apache-2.0",
  "engines": {"node": ">=18"},
  "dependencies": {
    "@bufbuild/protobuf": "$(version_of @bufbuild/protobuf)",
    "@grpc/grpc-js": "$(version_of @grpc/grpc-js)"
  }
}
EOF

# Generates Java code from .proto files: make_stubs.sh FOLDER PROTO...

folder="$1"
shift

need grpc_java_plugin
need javac
while read -r jar; do need "${jar}"; done <third_party/java_class_path.txt
class_path="$(paste -sd : third_party/java_class_path.txt)"

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT
mkdir "${scratch}"/{classes,sources}
cp -rL --parents "$@" "${scratch}"

cd "${scratch}"
protoc --proto_path=proto \
  --java_out=sources \
  --plugin=protoc-gen-grpc_java="$(command -v grpc_java_plugin)" \
  --grpc_java_out=sources \
  "$@"

find sources -name '*.java' >list
javac -nowarn -proc:none --release 11 -cp "${class_path}" -d classes @list
cd "${OLDPWD}"
jar cf "${folder}/llmgateway-stubs.jar" -C "${scratch}/classes" .
jar cf "${folder}/llmgateway-stubs-sources.jar" -C "${scratch}/sources" .

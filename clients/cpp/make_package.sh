# Packs the client's sources for CMake: make_package.sh FOLDER FILE...
#
# Those in C++ are not named: they are all of their folder, and go below
# llmgateway/client. .proto files keep their path, of which it has those that
# GatewayService needs; everything else stands beside them.

folder="$1"
shift

need python3
version="$(cat VERSION)"

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT
mkdir -p "${scratch}/llmgateway/client"
for file in clients/cpp/*.cc clients/cpp/*.h "$@"; do
  case "${file}" in
    proto/google/* | proto/llmgateway/type/* | */v1/content.proto | \
      */v1/errors.proto | */v1/gateway.proto | */v1/usage.proto)
      mkdir -p "${scratch}/$(dirname "${file}")"
      cp -L "${file}" "${scratch}/${file}"
      ;;
    *.proto) ;;
    *.cc | *.h)
      sed -e 's#"clients/cpp/#"llmgateway/client/#' \
        -e 's#CLIENTS_CPP_#LLMGATEWAY_CLIENT_#' "${file}" \
        >"${scratch}/llmgateway/client/${file##*/}"
      ;;
    *) cp -L "${file}" "${scratch}" ;;
  esac
done
python3 -m tools.packaging.pack \
  "${folder}/llmgateway-client-cpp-${version}.tgz" "${scratch}" \
  --prefix="llmgateway-client-cpp-${version}/"

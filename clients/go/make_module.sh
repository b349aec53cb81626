# Packs the client and its stubs as a Go module, in the layout of a module
# proxy: make_module.sh FOLDER STUBS SOURCE...
#
# `GOPROXY=file://FOLDER` has it for `go get llmgateway.dev/client`; a proxy
# serves these very files.

folder="$1"
stubs="$2"
shift 2

need python3
version="v$(sed -n 's/^const Version = "\(.*\)"$/\1/p' \
  clients/go/llmgateway.go)"
module="$(awk '$1 == "module" { print $2 }' "${stubs}/go.mod")"

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT
cp -rL "${stubs}/." "${scratch}"
chmod -R u+w "${scratch}"
cp -L "$@" "${scratch}"

mkdir -p "${folder}/${module}/@v"
python3 -m tools.packaging.pack "${folder}/${module}/@v/${version}.zip" \
  "${scratch}" --prefix="${module}@${version}/"
cp -L "${stubs}/go.mod" "${folder}/${module}/@v/${version}.mod"
chmod u+w "${folder}/${module}/@v/${version}.mod"
echo "${version}" >"${folder}/${module}/@v/list"
printf '{"Version":"%s","Time":"1980-01-01T00:00:00Z"}\n' "${version}" \
  >"${folder}/${module}/@v/${version}.info"

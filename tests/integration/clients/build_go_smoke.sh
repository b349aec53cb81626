# Builds go_smoke.go with the stubs: build_go_smoke.sh FOLDER SOURCE STUBS GO
#
# GO runs the toolchain without network.

need go
need "${GATEWAY_TOOLS}/go-libraries/vendor"
output="${PWD}/$1/run"
run_go="${PWD}/$4"

module="$(mktemp -d)"
trap 'rm -rf "${module}"' EXIT
cp -rL "$3/." "${module}"
chmod -R u+w "${module}"
ln -s "${GATEWAY_TOOLS}/go-libraries/vendor" "${module}/vendor"
mkdir "${module}/smoke"
cp "$2" "${module}/smoke/main.go"
cd "${module}"
"${run_go}" build -mod=vendor -trimpath -o "${output}" ./smoke
cd "${OLDPWD}"

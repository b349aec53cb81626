# Builds a program with the package of the client, vetted:
# build_go_driver.sh FOLDER SOURCE PACKAGE GO
#
# GO runs the toolchain without network.

need go
need "${GATEWAY_TOOLS}/go-libraries/vendor"
output="${PWD}/$1/run"
run_go="${PWD}/$4"

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT
unzip -q "$3"/llmgateway.dev/client/@v/*.zip -d "${scratch}"
for module in "${scratch}"/llmgateway.dev/client@v*; do
  ln -s "${GATEWAY_TOOLS}/go-libraries/vendor" "${module}/vendor"
  mkdir "${module}/driver"
  cp "$2" "${module}/driver/main.go"
  cd "${module}"
  "${run_go}" vet -mod=vendor . ./driver
  "${run_go}" build -mod=vendor -trimpath -o "${output}" ./driver
  cd "${OLDPWD}"
done

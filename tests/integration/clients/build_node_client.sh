# Makes a program ready to run with the package of the client:
# build_node_client.sh FOLDER SOURCE PACKAGE
#
# One in TypeScript is checked and compiled; one in JavaScript is run as it is.

folder="$1"

libraries="${GATEWAY_TOOLS}/node-libraries/node_modules"
need node
need "${libraries}/.bin/tsc"

# As npm installs it: the compiler and what belongs to it is none of its
# dependencies.
mkdir -p "${folder}/node_modules/@llmgateway/client"
for library in "${libraries}"/*; do
  case "${library##*/}" in
    @types | case-anything | dprint-node | ts-* | typescript) ;;
    *) cp -rL "${library}" "${folder}/node_modules" ;;
  esac
done
tar -xzf "$3"/llmgateway-client-*.tgz --strip-components=1 \
  -C "${folder}/node_modules/@llmgateway/client"

program="${2##*/}"
if [[ "${program}" == *.ts ]]; then
  project="$(mktemp -d)"
  trap 'rm -rf "${project}"' EXIT
  cp -r "${folder}/node_modules" "${project}"
  cp -rL "${libraries}/@types" "${libraries}/undici-types" \
    "${project}/node_modules"
  cp -L "$2" "${project}"
  (
    cd "${project}"
    "${libraries}/.bin/tsc" --strict --noUncheckedIndexedAccess \
      --noUnusedLocals --esModuleInterop --target es2022 --module node16 \
      --moduleResolution node16 --types node --outDir build "${program}"
  )
  program="${program%.ts}.js"
  cp "${project}/build/${program}" "${folder}"
else
  cp -L "$2" "${folder}"
fi

cat >"${folder}/run" <<EOF
#!/bin/bash
exec node "\$(dirname "\${BASH_SOURCE[0]}")/${program}" "\$@"
EOF
chmod +x "${folder}/run"

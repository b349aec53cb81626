# Makes a program ready to run: build_node_smoke.sh FOLDER SOURCE STUBS
#
# One in TypeScript, by the name node_smoke.ts, is checked and compiled.
# The folder gets `run`, the program and, as a package, the stubs.

folder="$1"

modules="${GATEWAY_TOOLS}/node-libraries/node_modules"
need node
need "${modules}/.bin/tsc"

mkdir -p "${folder}/node_modules/@llmgateway"
cp -rL "$3" "${folder}/node_modules/@llmgateway/stubs"

if [[ "$2" == *.js ]]; then
  cp "$2" "${folder}/node_smoke.js"
else
  # The compiler finds all of a user's packages in one place.
  project="$(mktemp -d)"
  trap 'rm -rf "${project}"' EXIT
  mkdir "${project}/node_modules"
  ln -s "${modules}"/* "${PWD}/${folder}/node_modules/@llmgateway" \
    "${project}/node_modules"
  cp "$2" "${project}"
  (
    cd "${project}"
    "${modules}/.bin/tsc" --strict --esModuleInterop --target es2022 \
      --module node16 --moduleResolution node16 --types node \
      --preserveSymlinks --outDir build node_smoke.ts
  )
  cp "${project}/build/node_smoke.js" "${folder}"
fi

cat >"${folder}/run" <<EOF
#!/bin/bash
here="\$(dirname "\${BASH_SOURCE[0]}")"
export NODE_PATH="\${here}/node_modules:${modules}"
exec node "\${here}/node_smoke.js" "\$@"
EOF
chmod +x "${folder}/run"

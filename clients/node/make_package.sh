# Packs the client and its stubs as npm has them:
# make_package.sh FOLDER STUBS SOURCE...
#
# Sources that end in .ts are compiled; the others are packed as they are.

folder="$1"
stubs="$2"
shift 2

modules="${GATEWAY_TOOLS}/node-libraries/node_modules"
need node
need python3
need "${modules}/.bin/tsc"
version="$(sed -n 's/^export const VERSION = "\(.*\)";$/\1/p' \
  clients/node/options.ts)"

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT
package="${scratch}/package"
# The compiler looks for what is imported beside its sources and above them.
ln -s "${modules}" "${scratch}/node_modules"
cp -rL "${stubs}" "${package}"
chmod -R u+w "${package}"
cp -L "$@" "${package}"
(
  cd "${package}"
  "${modules}/.bin/tsc" --declaration --stripInternal --strict --noImplicitOverride \
    --noUnusedLocals --esModuleInterop --target es2022 --module node16 \
    --moduleResolution node16 --types node ./*.ts
  find . -maxdepth 1 -name '*.ts' ! -name '*.d.ts' -delete
  node -e '
    const fs = require("node:fs");
    const stubs = JSON.parse(fs.readFileSync("package.json", "utf8"));
    fs.writeFileSync("package.json", JSON.stringify({
      ...stubs,
      name: "@llmgateway/client",
      version: process.argv[1],
      description: "Calls an llm-gateway",
      keywords: ["gateway", "grpc", "llm"],
      main: "index.js",
      types: "index.d.ts",
    }, null, 2) + "\n");' "${version}"
)
python3 -m tools.packaging.pack "${folder}/llmgateway-client-${version}.tgz" \
  "${package}" --prefix=package/

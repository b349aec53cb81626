# Builds the wheel and the sdist: make_distributions.sh FOLDER STUBS SOURCE...
#
# From a copy, since the stubs that both have are not in the repository.

folder="${PWD}/$1"
stubs="$2"
shift 2

python="${GATEWAY_TOOLS}/python-wheels/venv/bin/python"
need "${python}"

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT
cp --dereference --parents "$@" "${scratch}"
cp --dereference --recursive "${stubs}/llmgateway" \
  "${scratch}/clients/python/src"
chmod -R u+w "${scratch}"
# They are typed, which those who check their programs want to know.
touch "${scratch}/clients/python/src/llmgateway/py.typed"

# The same sources make the same bytes.
export SOURCE_DATE_EPOCH=1577836800
# The wheel is built from the sdist, so that this has all that is needed.
"${python}" -m build --no-isolation --outdir "${folder}" \
  "${scratch}/clients/python" >"${scratch}/log" 2>&1 || {
  cat "${scratch}/log" >&2
  exit 1
}

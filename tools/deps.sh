#!/bin/bash
# Installs what the project needs and this machine lacks.
#
#   tools/deps.sh SECTION...    sections of third_party/debian_packages.txt
#   tools/deps.sh --bin         prints where the pinned tools live
#
# Debian packages come by apt-get, through sudo when not root. Pinned tools of
# the language registries (third_party/registry_pins.env) go to a cache outside
# the checkout. When nothing is missing it does nothing, and quickly.

set -euo pipefail

readonly ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly PACKAGES="${ROOT}/third_party/debian_packages.txt"
readonly CACHE="${XDG_CACHE_HOME:-${HOME}/.cache}/llm-gateway"
readonly TOOLS="${GATEWAY_TOOLS_DIR:-${CACHE}/tools}"
# shellcheck source=third_party/registry_pins.env
source "${ROOT}/third_party/registry_pins.env"

say() { echo "deps: $*" >&2; }
die() {
  say "$*"
  exit 1
}

has_command() {
  case "$1" in
    # Debian splits venv from Python itself, so the command alone says little.
    python-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

is_installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

is_known() { apt-cache show "$1" >/dev/null 2>&1; }

# The lines of one section, without comments.
section() {
  awk -v want="[$1]" '
    /^#/ || /^$/ { next }
    /^\[/ { here = ($0 == want); known = known || here; next }
    here { print }
    END { exit known ? 0 : 3 }' "${PACKAGES}"
}

# Prints the packages that one line of the list still wants.
wanted_by() {
  local line="$1" name
  if [[ "${line}" =~ ^([A-Za-z0-9.+-]+):\ (.*)$ ]]; then
    has_command "${BASH_REMATCH[1]}" || echo "${BASH_REMATCH[2]}"
    return
  fi
  local -a choices
  IFS='|' read -r -a choices <<<"${line// /}"
  for name in "${choices[@]}"; do
    if is_installed "${name}"; then return; fi
  done
  for name in "${choices[@]}"; do
    if is_known "${name}"; then
      echo "${name}"
      return
    fi
  done
  echo "${choices[0]}"
}

missing_packages() {
  local name lines line
  for name in "$@"; do
    lines="$(section "${name}")" || die "no section [${name}] in ${PACKAGES}"
    while read -r line; do wanted_by "${line}"; done <<<"${lines}"
  done | tr ' ' '\n' | sort -u
}

#   read_missing ARRAY SECTION...
read_missing() {
  local -n array="$1"
  local names
  names="$(missing_packages "${@:2}")"
  read -r -d '' -a array <<<"${names}" || true
}

as_root() {
  if [[ "$(id -u)" == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    return 127
  fi
}

install_packages() {
  local -a missing
  read_missing missing "$@"
  if ((${#missing[@]} == 0)); then return; fi
  command -v apt-get >/dev/null ||
    die "this machine has no apt-get; please install: ${missing[*]}"
  say "installing ${missing[*]}"
  as_root apt-get update -qq ||
    die "cannot become root; please run: apt-get install ${missing[*]}"
  # A list that was empty before may name a better choice now.
  read_missing missing "$@"
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
    die "apt-get could not install: ${missing[*]}"
}

# Runs a command that fills a directory, once for each version.
#   once NAME VERSION COMMAND...   COMMAND gets the directory as last argument
# and tells by its exit code alone whether it worked.
once() {
  local name="$1" version="$2"
  shift 2
  local dir="${TOOLS}/${name}-${version}"
  if [[ ! -e "${dir}/.complete" ]]; then
    say "installing ${name} ${version}"
    rm -rf "${dir}"
    mkdir -p "${dir}/bin"
    "$@" "${dir}" >"${dir}/install.log" 2>&1 || {
      cat "${dir}/install.log" >&2
      die "could not install ${name} ${version}"
    }
    touch "${dir}/.complete"
  fi
  # What is built with a tool's folder finds it without its version.
  ln -sfn "${dir##*/}" "${TOOLS}/${name}"
  mkdir -p "${TOOLS}/bin"
  local file
  for file in "${dir}"/bin/*; do
    if [[ -x "${file}" ]]; then ln -sf "${file}" "${TOOLS}/bin/"; fi
  done
}

#   go_tool MODULE@VERSION DIR
go_tool() { GOBIN="$2/bin" GOFLAGS=-mod=mod GOTOOLCHAIN=local go install "$1"; }

# Its own name, `client`, says too little beside other tools.
#   interop_client VERSION DIR
interop_client() {
  go_tool "google.golang.org/grpc/interop/client@$1" "$2" &&
    mv "$2/bin/client" "$2/bin/grpc-interop-client"
}

#   h2spec_tool DIR
h2spec_tool() (
  export GOBIN="$1/bin" GOFLAGS=-mod=mod GOTOOLCHAIN=local GOWORK=off
  # shellcheck disable=SC2086
  cd "$1" && printf 'module llmgateway.dev/h2spec\n\ngo 1.19\n' >go.mod &&
    go get ${H2SPEC_MODULES} &&
    go install github.com/summerwind/h2spec/cmd/h2spec
)

#   otel_collector DIR
otel_collector() (
  export GOFLAGS=-mod=mod GOWORK=off
  # shellcheck disable=SC2086
  cd "$1" && cp "${ROOT}/tests/interop/otel_collector.go" main.go &&
    printf 'module llmgateway.dev/collector\n\ngo 1.25\n' >go.mod &&
    go get ${OTEL_COLLECTOR_MODULES} && go mod tidy &&
    go build -p 2 -o bin/otel-collector .
)

# Prints a Go that is VERSION, as 1.24.1, or newer: the machine's own, or the
# toolchain that Go publishes as a module, whose files come without the right
# to run.
#   newer_go VERSION DIR
newer_go() {
  local own module="golang.org/toolchain@v0.0.1-go$1.linux-$(go env GOARCH)"
  own="$(go env GOVERSION)"
  if [[ "$(printf '%s\n' "$1" "${own#go}" | sort -V | head -n 1)" == "$1" ]]
  then
    command -v go
    return
  fi
  (cd "$2" && GOFLAGS=-mod=mod GOWORK=off go mod download "${module}") >&2 &&
    cp -r "$(go env GOMODCACHE)/${module}" "$2/go" && chmod -R u+wx "$2/go" &&
    echo "$2/go/bin/go"
}

# The API server and kubectl, from the module that is Kubernetes. It names the
# modules beside it by folders that the module lacks, and they are published
# with its version but for the first number, 0. Their schemas, too.
#   kubernetes_tools VERSION DIR
kubernetes_tools() (
  export GOFLAGS="-mod=mod ${GOFLAGS:-}" GOTOOLCHAIN=local GOWORK=off
  cd "$2" && go="$(newer_go "${KUBE_GO_VERSION}" "$2")" || exit
  printf 'module llmgateway.dev/kubernetes\n\ngo %s\n' \
    "${KUBE_GO_VERSION}" >go.mod
  "${go}" mod download -json "k8s.io/kubernetes@v$1" >module.json &&
    source="$("${go}" env GOMODCACHE)/k8s.io/kubernetes@v$1" || exit
  sed -n "s#^\t\(k8s.io/[a-z-]*\) => ./staging/.*#replace \1 => \1 v0.${1#1.}#p" \
    "${source}/go.mod" >>go.mod
  "${go}" mod edit -require="k8s.io/kubernetes@v$1" &&
    "${go}" build -p 1 -ldflags "-s -w -X ${VERSION_VARIABLE}=v$1" \
      -o bin/ k8s.io/kubernetes/cmd/kube-apiserver \
      k8s.io/kubernetes/cmd/kubectl &&
    mkdir -p openapi && cp -r "${source}/api/openapi-spec/." openapi &&
    chmod -R u+w openapi && rm -rf go
)
readonly VERSION_VARIABLE=k8s.io/component-base/version.gitVersion

# Descriptions of others' kinds of objects, out of the modules that define them.
#   kube_crds DIR
kube_crds() (
  export GOFLAGS="-mod=mod ${GOFLAGS:-}" GOTOOLCHAIN=local GOWORK=off
  cd "$1" && printf 'module llmgateway.dev/crds\n\ngo 1.19\n' >go.mod &&
    modules="$(go env GOMODCACHE)" || exit
  # shellcheck disable=SC2086
  go mod download ${KUBE_CRD_MODULES} || exit
  local file
  for file in ${KUBE_CRD_FILES}; do
    cp "${modules}/${file}" . && chmod u+w "${file##*/}" || exit
  done
)

# A tool of the language that wants a newer Go than Debian's.
#   newer_go_tool MODULE@VERSION DIR
newer_go_tool() {
  local go
  go="$(newer_go "${KUBE_GO_VERSION}" "$2")" &&
    GOBIN="$2/bin" GOFLAGS="-mod=mod ${GOFLAGS:-}" GOTOOLCHAIN=local \
      "${go}" install -p 1 "$1" && rm -rf "$2/go"
}

#   npm_tool COMMAND PACKAGE@VERSION DIR
npm_tool() {
  npm install --prefix "$3" --no-audit --no-fund --no-save "$2" &&
    ln -s "$3/node_modules/.bin/$1" "$3/bin/$1"
}

# One word for a list of pins, to serve as the version of them all.
pins_version() { cksum <<<"$*" | cut -d ' ' -f 1; }

# What Go programs import, as a `vendor` folder beside its go.mod and go.sum;
# and, for projects that are made in tests, as a proxy: `modules/cache/download`.
#   go_libraries DIR
go_libraries() (
  export GOFLAGS="-mod=mod -modcacherw" GOTOOLCHAIN=local GOWORK=off
  export GOMODCACHE="$1/modules"
  # shellcheck disable=SC2086
  cd "$1" && cp "${ROOT}/clients/go/dependencies.go" . &&
    printf 'module llmgateway.dev/client\n\ngo 1.19\n' >go.mod &&
    go get ${GO_LIBRARIES} && go mod tidy && go mod vendor &&
    rm -rf modules/*.*
)

# What Java programs import, as a folder `jars`.
#   java_libraries DIR
java_libraries() {
  mvn --batch-mode --quiet --file "${ROOT}/clients/java/pom.xml" \
    dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$1/jars"
}

# What Node programs import; nothing of it may run code to install itself.
#   node_libraries PACKAGES DIR
node_libraries() {
  # shellcheck disable=SC2086
  npm install --prefix "$2" --no-audit --no-fund --no-save --ignore-scripts $1
}

# What Python programs import, as a folder `packages`. Debian's own pip would
# not install anything, so that of a virtual environment does.
#   python_libraries PACKAGES DIR
python_libraries() {
  # shellcheck disable=SC2086
  python3 -m venv "$2/venv" &&
    "$2/venv/bin/pip" install --quiet --disable-pip-version-check \
      --only-binary :all: --target "$2/packages" $1 &&
    rm -r "$2/venv"
}

# What builds our Python package, as a `venv`, and what it and its tests are
# installed with, as a folder `wheels`: clean environments need no network.
#   python_wheels PACKAGES DIR
python_wheels() {
  # shellcheck disable=SC2086
  python3 -m venv "$2/venv" &&
    "$2/venv/bin/pip" download --quiet --disable-pip-version-check \
      --only-binary :all: --dest "$2/wheels" $1 &&
    "$2/venv/bin/pip" install --quiet --disable-pip-version-check \
      --no-index --find-links "$2/wheels" build hatchling
}

# The ready line prints grpcurl commands to be pasted into any shell, so the
# tool must be on the PATH: in the first own directory there that takes it.
offer_on_path() {
  local tool="$1" dir
  if command -v "${tool}" >/dev/null; then return; fi
  for dir in "${HOME}/.local/bin" "${HOME}/bin" /usr/local/bin; do
    if [[ ":${PATH}:" == *":${dir}:"* && -d "${dir}" && -w "${dir}" ]]; then
      ln -s "${TOOLS}/bin/${tool}" "${dir}/${tool}"
      say "linked ${dir}/${tool}"
      return
    fi
  done
  say "${tool} is at ${TOOLS}/bin/${tool}; put that directory on your PATH"
}

install_tools() {
  case "$1" in
    grpcurl)
      once grpcurl "${GRPCURL_VERSION}" \
        go_tool "github.com/fullstorydev/grpcurl/cmd/grpcurl@${GRPCURL_VERSION}"
      offer_on_path grpcurl
      ;;
    interop)
      once grpc-interop-client "${GRPC_INTEROP_VERSION}" \
        interop_client "${GRPC_INTEROP_VERSION}"
      once h2spec "$(pins_version "${H2SPEC_MODULES}")" h2spec_tool
      ;;
    collector)
      once otel-collector "$(pins_version "${OTEL_COLLECTOR_MODULES}" \
        "$(<"${ROOT}/tests/interop/otel_collector.go")")" otel_collector
      ;;
    stubs)
      once protoc-gen-go "${PROTOC_GEN_GO_VERSION}" go_tool \
        "google.golang.org/protobuf/cmd/protoc-gen-go@${PROTOC_GEN_GO_VERSION}"
      once protoc-gen-go-grpc "${PROTOC_GEN_GO_GRPC_VERSION}" go_tool \
        "google.golang.org/grpc/cmd/protoc-gen-go-grpc@${PROTOC_GEN_GO_GRPC_VERSION}"
      once go-libraries "$(pins_version "${GO_LIBRARIES}" \
        "$(<"${ROOT}/clients/go/dependencies.go")")" go_libraries
      once java-libraries "$(pins_version \
        "$(<"${ROOT}/clients/java/pom.xml")")" java_libraries
      once node-libraries "$(pins_version "${NODE_LIBRARIES}")" \
        node_libraries "${NODE_LIBRARIES}"
      ;;
    sdks)
      # Packages with native code are of one version of Python.
      once sdk-python "$(pins_version "${SDK_PYTHON_LIBRARIES}" \
        "$(python3 -V | cut -d . -f 1,2)")" \
        python_libraries "${SDK_PYTHON_LIBRARIES}"
      once python-client "$(pins_version "${PYTHON_CLIENT_LIBRARIES}" \
        "$(python3 -V | cut -d . -f 1,2)")" \
        python_libraries "${PYTHON_CLIENT_LIBRARIES}"
      once sdk-node "$(pins_version "${SDK_NODE_LIBRARIES}")" \
        node_libraries "${SDK_NODE_LIBRARIES}"
      ;;
    python)
      once python-wheels "$(pins_version "${PYTHON_LIBRARIES}" \
        "$(python3 -V | cut -d . -f 1,2)")" \
        python_wheels "${PYTHON_LIBRARIES}"
      ;;
    kube)
      once kubernetes "${KUBERNETES_VERSION}" \
        kubernetes_tools "${KUBERNETES_VERSION}"
      once helm "${HELM_VERSION}" \
        newer_go_tool "helm.sh/helm/v3/cmd/helm@${HELM_VERSION}"
      once kubeconform "${KUBECONFORM_VERSION}" newer_go_tool \
        "github.com/yannh/kubeconform/cmd/kubeconform@${KUBECONFORM_VERSION}"
      once kube-crds "$(pins_version "${KUBE_CRD_MODULES}${KUBE_CRD_FILES}")" \
        kube_crds
      ;;
    contract)
      once buf "${BUF_VERSION}" npm_tool buf "@bufbuild/buf@${BUF_VERSION}"
      ;;
  esac
}

main() {
  if [[ "${1:-}" == --bin ]]; then
    echo "${TOOLS}/bin"
    return
  fi
  (($# > 0)) || die "name a section of ${PACKAGES#"${ROOT}"/}"
  install_packages "$@"
  local name
  for name in "$@"; do install_tools "${name}"; done
}

main "$@"

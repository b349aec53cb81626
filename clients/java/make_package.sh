# Builds the client and its stubs as an artifact of Maven, in the layout of a
# repository: make_package.sh FOLDER STUBS POM README LICENSE SOURCE...

folder="$1"
stubs="$2"
pom="$3"
readme="$4"
license="$5"
shift 5

need java
need javac
need jar
need javadoc
need python3
jars="${GATEWAY_TOOLS}/java-libraries/jars"
need "${jars}"
class_path="$(printf '%s:' "${jars}"/*.jar)"
version="$(sed -n 's/^  <version>\(.*\)<\/version>$/\1/p' "${pom}")"
artifact="${PWD}/${folder}/dev/llmgateway/llmgateway-client/${version}"
artifact+="/llmgateway-client-${version}"
mkdir -p "${artifact%/*}"

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT
mkdir -p "${scratch}"/{classes,sources,javadoc}
unzip -q "${stubs}/llmgateway-stubs.jar" -d "${scratch}/classes"
unzip -q "${stubs}/llmgateway-stubs-sources.jar" -d "${scratch}/sources"
# Java has one artifact for google.rpc, which programs that use other services
# share; gRPC's brings it along.
rm -rf "${scratch}"/{classes,sources}/{META-INF,com/google/rpc}
cp -L "$@" "${scratch}/sources/dev/llmgateway"

javac -Xlint:all,-path,-classfile,-processing -Werror --release 11 \
  -proc:none -cp "${scratch}/classes:${class_path}" \
  -d "${scratch}/classes" "${scratch}"/sources/dev/llmgateway/*.java
javadoc -quiet -notimestamp -Xdoclint:all,-missing --release 11 \
  -cp "${scratch}/classes:${class_path}" -d "${scratch}/javadoc" \
  "${scratch}"/sources/dev/llmgateway/*.java

#   pack SUFFIX KIND
pack() {
  local tree="${scratch}/$2"
  mkdir -p "${tree}/META-INF"
  cp -L "${license}" "${readme}" "${tree}/META-INF"
  printf 'Manifest-Version: 1.0\n' >"${tree}/META-INF/MANIFEST.MF"
  if [[ "$2" == classes ]]; then
    printf 'Automatic-Module-Name: dev.llmgateway.client\n' \
      >>"${tree}/META-INF/MANIFEST.MF"
  fi
  python3 -m tools.packaging.pack "${artifact}$1.jar" "${tree}" \
    --first=META-INF/MANIFEST.MF
}
pack "" classes
pack -sources sources
pack -javadoc javadoc
cp -L "${pom}" "${artifact}.pom"
chmod u+w "${artifact}.pom"

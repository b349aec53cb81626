# Compiles a program with the artifact of the client:
# build_java_client.sh FOLDER SOURCE PACKAGE

folder="$1"

need java
need javac
jars="${GATEWAY_TOOLS}/java-libraries/jars"
need "${jars}"
class_path="$(printf '%s:' "${jars}"/*.jar)"
for jar in "$3"/dev/llmgateway/llmgateway-client/*/llmgateway-client-*.jar; do
  case "${jar}" in
    *-sources.jar | *-javadoc.jar) ;;
    *) cp "${jar}" "${folder}/llmgateway-client.jar" ;;
  esac
done
javac -Xlint:all,-path,-classfile,-processing -Werror -proc:none \
  -cp "${folder}/llmgateway-client.jar:${class_path}" -d "${folder}" "$2"

cat >"${folder}/run" <<EOF
#!/bin/bash
here="\$(dirname "\${BASH_SOURCE[0]}")"
exec java -XX:TieredStopAtLevel=1 \\
  -cp "\${here}:\${here}/llmgateway-client.jar:${class_path}" \\
  $(basename "$2" .java) "\$@"
EOF
chmod +x "${folder}/run"

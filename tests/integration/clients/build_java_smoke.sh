# Compiles a program of one class: build_java_smoke.sh FOLDER SOURCE STUBS
#
# The folder gets `run`, the program and the stubs.

folder="$1"

need java
need javac
while read -r jar; do need "${jar}"; done <third_party/java_class_path.txt
class_path="$(paste -sd : third_party/java_class_path.txt)"
cp "$3/llmgateway-stubs.jar" "${folder}"
javac -Xlint:all,-path,-classfile,-processing -Werror \
  -cp "${folder}/llmgateway-stubs.jar:${class_path}" -d "${folder}" "$2"

cat >"${folder}/run" <<EOF
#!/bin/bash
here="\$(dirname "\${BASH_SOURCE[0]}")"
exec java -cp "\${here}:\${here}/llmgateway-stubs.jar:${class_path}" \\
  $(basename "$2" .java) "\$@"
EOF
chmod +x "${folder}/run"

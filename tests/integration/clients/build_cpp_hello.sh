# Installs the source package, and builds a program as its README says, and by
# CMake: build_cpp_hello.sh FOLDER SOURCE PACKAGE

folder="$1"

need cmake
need pkg-config
need protoc
need grpc_cpp_plugin

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT
tar -xzf "$3"/llmgateway-client-cpp-*.tgz --strip-components=1 -C "${scratch}"
cmake -S "${scratch}" -B "${scratch}/build" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_CXX_FLAGS_RELEASE=-O0
cmake --build "${scratch}/build" --parallel 2
# Elsewhere than where it was configured for.
cmake --install "${scratch}/build" --prefix "${scratch}/installed"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH="$(dirname "$(find "${scratch}/installed" -name '*.pc')")"
# shellcheck disable=SC2046
g++ -std=c++17 "$2" $(pkg-config --cflags --libs llmgateway-client) \
  -o "${folder}/by_pkg_config"

mkdir "${scratch}/hello"
cp -L "$2" "${scratch}/hello/hello.cc"
cat >"${scratch}/hello/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.18)
project(hello LANGUAGES CXX)
find_package(llmgateway-client 0.1 REQUIRED)
add_executable(hello hello.cc)
target_link_libraries(hello llmgateway::client)
EOF
cmake -S "${scratch}/hello" -B "${scratch}/hello/build" \
  -DCMAKE_PREFIX_PATH="${scratch}/installed"
cmake --build "${scratch}/hello/build"
cp "${scratch}/hello/build/hello" "${folder}/by_cmake"

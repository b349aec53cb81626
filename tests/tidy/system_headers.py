"""Which //third_party target a system header belongs to."""

import re

# First match wins, so longer paths stand before their prefixes.
_THIRD_PARTY = [
    ("CLI/", "cli11"),
    ("absl/algorithm/container.h", "absl_algorithm_container"),
    ("absl/base/", "absl_base"),
    ("absl/cleanup/", "absl_cleanup"),
    ("absl/container/flat_hash_map.h", "absl_flat_hash_map"),
    ("absl/container/flat_hash_set.h", "absl_flat_hash_set"),
    ("absl/container/inlined_vector.h", "absl_inlined_vector"),
    ("absl/container/node_hash_map.h", "absl_node_hash_map"),
    ("absl/container/node_hash_set.h", "absl_node_hash_set"),
    ("absl/flags/parse.h", "absl_flags_parse"),
    ("absl/flags/usage", "absl_flags_usage"),
    ("absl/flags/", "absl_flags"),
    ("absl/functional/any_invocable.h", "absl_any_invocable"),
    ("absl/functional/function_ref.h", "absl_function_ref"),
    ("absl/hash/", "absl_hash"),
    ("absl/numeric/", "absl_numeric"),
    ("absl/random/", "absl_random"),
    ("absl/status/statusor.h", "absl_statusor"),
    ("absl/status/status.h", "absl_status"),
    ("absl/strings/cord.h", "absl_cord"),
    ("absl/strings/str_format.h", "absl_str_format"),
    ("absl/strings/", "absl_strings"),
    ("absl/synchronization/", "absl_synchronization"),
    ("absl/time/", "absl_time"),
    ("absl/types/optional.h", "absl_optional"),
    ("absl/types/span.h", "absl_span"),
    ("absl/types/variant.h", "absl_variant"),
    ("fmt/", "spdlog"),
    ("gmock/", "gmock"),
    ("google/protobuf/", "protobuf"),
    ("gperftools/", "tcmalloc"),
    ("grpcpp/ext/channelz", "grpc_channelz"),
    ("grpc/", "grpcpp"),
    ("grpcpp/", "grpcpp"),
    ("gtest/", "gtest"),
    ("hiredis/", "hiredis"),
    ("nghttp2/", "nghttp2"),
    ("nlohmann/", "nlohmann_json"),
    ("openssl/", "openssl"),
    ("postgresql/", "libpq"),
    ("prometheus/", "prometheus_cpp"),
    ("re2/", "re2"),
    ("simdjson.h", "simdjson"),
    ("simdjson/", "simdjson"),
    ("spdlog/", "spdlog"),
    ("sqlite3.h", "sqlite"),
    ("yaml-cpp/", "yaml_cpp"),
    ("zlib.h", "zlib"),
]

# What every test has, because gateway_cc_test gives it.
OF_EVERY_TEST = frozenset(
    "//third_party:" + name for name in ("gmock", "gtest", "gtest_main"))

_CXX = frozenset("""
    algorithm any array atomic barrier bit bitset cassert cctype cerrno
    cfenv cfloat charconv chrono cinttypes climits clocale cmath codecvt
    compare complex concepts condition_variable coroutine csetjmp csignal
    cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype
    deque exception execution filesystem forward_list fstream functional
    future initializer_list iomanip ios iosfwd iostream istream iterator latch
    limits list locale map memory memory_resource mutex new numbers numeric
    optional ostream queue random ranges ratio regex scoped_allocator
    semaphore set shared_mutex source_location span sstream stack stdexcept
    stop_token streambuf string string_view syncstream system_error thread
    tuple type_traits typeindex typeinfo unordered_map unordered_set utility
    valarray variant vector version cxxabi.h""".split())

_C_LIBRARY = re.compile(
    r"(sys|net|netinet|arpa|linux|sanitizer|ext|bits)/[\w./]+"
    r"|(aio|dirent|dlfcn|emmintrin|endian|errno|execinfo|fcntl|features|fnmatch"
    r"|glob|grp|ifaddrs|immintrin|inttypes|limits|malloc|math|netdb|poll|pthread"
    r"|pwd|resolv|sched|semaphore|setjmp|signal|spawn|stdarg|stddef|stdint"
    r"|stdio|stdlib|string|strings|syslog|termios|time|ucontext|unistd|utime"
    r"|wait|x86intrin)\.h")


def target_of(header):
    """The label of a third-party header's target, or None."""
    for prefix, name in _THIRD_PARTY:
        if header.startswith(prefix):
            return "//third_party:" + name
    return None


def needs_no_target(header):
    """Whether the header comes with the compiler or the C library."""
    return header in _CXX or _C_LIBRARY.fullmatch(header) is not None

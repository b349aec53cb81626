#include "service/config/cache_validator.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

using ::google::protobuf::RepeatedPtrField;
using ::llmgateway::config::v1::CacheConfig;
using ::llmgateway::config::v1::GatewayConfig;

constexpr size_t kIgnoredFieldsMax = 64;
constexpr size_t kCachedModelsMax = 1000;
constexpr size_t kIgnoredNameBytesMax = 256;

void CheckTexts(const std::string& path,
                const RepeatedPtrField<std::string>& names, size_t most,
                const FieldPlaces& places, ConfigProblems* problems) {
  if (!CheckCount(path, static_cast<size_t>(names.size()), most, places,
                  problems)) {
    return;
  }
  for (int i = 0; i < names.size(); ++i) {
    if (!names[i].empty() && names[i].size() <= kIgnoredNameBytesMax) continue;
    const std::string element = ElementPath(path, static_cast<size_t>(i));
    problems->Add(places.Find(element), element,
                  "must have 1 to 256 characters");
  }
}

// Fields without which different questions look the same, at any of the APIs.
constexpr std::string_view kFieldsThatAsk[] = {
    "contents",
    "functions",
    "generationConfig",
    "input",
    "instructions",
    "messages",
    "model",
    "output_config",
    "prompt",
    "response_format",
    "system",
    "systemInstruction",
    "text",
    "tools",
};

// Callers would get answers to what others have asked.
void CheckIgnored(const RepeatedPtrField<std::string>& names,
                  const FieldPlaces& places, ConfigProblems* problems) {
  for (int i = 0; i < names.size(); ++i) {
    if (std::find(std::begin(kFieldsThatAsk), std::end(kFieldsThatAsk),
                  names[i]) == std::end(kFieldsThatAsk)) {
      continue;
    }
    const std::string element =
        ElementPath("cache.ignored_fields", static_cast<size_t>(i));
    problems->Add(places.Find(element), element,
                  absl::StrCat("is '", names[i],
                               "', which is what a request asks: different "
                               "questions would get one answer; leave it out"));
  }
}

// What replicas share is in Redis.
void CheckShared(const std::string& path, bool shared, bool has_redis,
                 const FieldPlaces& places, ConfigProblems* problems) {
  if (!shared || has_redis) return;
  problems->Add(places.Find(path), path,
                "is true, and no 'redis' says where that is; give "
                "redis.addresses");
}

// What a caller comes back to, and finds at one of several replicas only.
void WarnOfReplicas(const GatewayConfig& config, const FieldPlaces& places,
                    ConfigProblems* problems) {
  const int replicas = config.runtime().replicas();
  if (replicas <= 1) return;
  const std::string there_are =
      absl::StrCat("runtime.replicas says that there are ", replicas);
  if (config.has_idempotency() && !config.idempotency().shared()) {
    problems->Warn(
        places.Find("idempotency"), "idempotency",
        absl::StrCat("is not shared, and ", there_are,
                     ": a key is known only to the replica that it "
                     "was sent to, and another makes the call again; "
                     "set idempotency.shared"));
  }
  if (config.has_resumable_streams()) {
    problems->Warn(
        places.Find("resumable_streams"), "resumable_streams",
        absl::StrCat("lets a stream be gone on with only at the replica where "
                     "it began, and ",
                     there_are,
                     "; see to it that a caller comes back to the same one, by "
                     "its address or a cookie"));
  }
}

}  // namespace

void CheckCache(const GatewayConfig& config, const FieldPlaces& places,
                ConfigProblems* problems) {
  CheckShared("cache.shared", config.cache().shared(), config.has_redis(),
              places, problems);
  CheckShared("idempotency.shared", config.idempotency().shared(),
              config.has_redis(), places, problems);
  WarnOfReplicas(config, places, problems);
  if (!config.has_cache()) return;
  const CacheConfig& cache = config.cache();
  CheckTexts("cache.ignored_fields", cache.ignored_fields(), kIgnoredFieldsMax,
             places, problems);
  CheckIgnored(cache.ignored_fields(), places, problems);
  CheckTexts("cache.models", cache.models(), kCachedModelsMax, places,
             problems);
  if (cache.answer_bytes_limit() > cache.size_bytes_limit()) {
    const std::string path = "cache.answer_bytes_limit";
    problems->Add(places.Find(path), path,
                  "must be at most cache.size_bytes_limit, where all answers "
                  "have to fit");
  }
}

}  // namespace gateway

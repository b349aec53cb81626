#include "service/config/overload_validator.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/base_url.h"
#include "base/string_view.h"
#include "service/config/nearest_name.h"
#include "service/config/store_validator.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::CmsConfig;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::StoreConfig;

constexpr size_t kPathBytesMax = 1024;
constexpr size_t kAwareProvidersMax = 256;

std::string InMebibytes(int64_t bytes) {
  constexpr int64_t kMiB = int64_t{1} << 20;
  return bytes < kMiB ? absl::StrCat(bytes, " bytes")
                      : absl::StrCat(bytes / kMiB, " MiB");
}

void AddTo(ConfigProblems* problems, const FieldPlaces& places,
           const std::string& path, std::string_view message) {
  problems->Add(places.Find(path), path, message);
}

// Bounds of what is kept in memory for callers who come again.
class KeptBounds {
 public:
  explicit KeptBounds(const GatewayConfig& config) {
    if (config.has_cache()) Add("cache", config.cache().size_bytes_limit());
    if (config.has_idempotency() && !config.idempotency().shared()) {
      Add("idempotency", config.idempotency().size_bytes_limit());
    }
    // Elsewhere they are kept in the store, but for what is too large for it.
    if (!KeepsResponses(config) &&
        config.response_store().entries_limit() > 0) {
      Add("response_store", config.response_store().size_bytes_limit());
    }
    if (config.has_sessions() &&
        RecordStoreEngine(config) == StoreConfig::ENGINE_MEMORY) {
      Add("sessions", config.sessions().size_bytes_limit());
    }
    if (config.has_resumable_streams()) {
      Add("resumable_streams", config.resumable_streams().size_bytes_limit());
    }
  }

  int64_t bytes() const { return bytes_; }
  // Each with its field.
  const std::string& names() const { return names_; }

 private:
  void Add(std::string_view section, int64_t bytes) {
    bytes_ += bytes;
    absl::StrAppend(&names_, names_.empty() ? "" : ", ", ToAbsl(section),
                    ".size_bytes_limit ", InMebibytes(bytes));
  }

  int64_t bytes_ = 0;
  std::string names_;
};

// What is kept goes when its time is over, and not before, but for the cache:
// so it may fill the memory, and then no call begins.
void WarnOfKept(const GatewayConfig& config, const FieldPlaces& places,
                ConfigProblems* problems) {
  const int64_t limit = config.overload().memory().size_bytes_limit();
  if (limit <= 0) return;
  const KeptBounds kept(config);
  if (kept.bytes() <= limit / 2) return;
  const std::string path = "overload.memory.size_bytes_limit";
  problems->Warn(places.Find(path), path,
                 absl::StrCat("is ", InMebibytes(limit),
                              ", and what is kept in memory may "
                              "take ",
                              InMebibytes(kept.bytes()),
                              ", which is more than "
                              "half of it, and leaves little for calls: ",
                              kept.names(), "; lower those, or raise this"));
}

}  // namespace

void CheckOverload(const GatewayConfig& config, const FieldPlaces& places,
                   ConfigProblems* problems) {
  const auto& overload = config.overload();
  if (overload.has_concurrency() && overload.concurrency().calls_limit() == 0) {
    AddTo(problems, places, "overload.concurrency.calls_limit",
          "is required: how many calls may run at once, 1 to 1000000");
  }
  if (!overload.has_memory()) return;
  WarnOfKept(config, places, problems);
  const std::string& root = overload.memory().cgroup_root();
  if (root.empty() || root[0] != '/' || root.size() > kPathBytesMax ||
      std::any_of(root.begin(), root.end(), absl::ascii_iscntrl)) {
    AddTo(problems, places, "overload.memory.cgroup_root",
          absl::StrCat("must be an absolute path of at most ", kPathBytesMax,
                       " bytes, without control characters"));
  }
}

void CheckCms(const GatewayConfig& config, const FieldPlaces& places,
              ConfigProblems* problems) {
  if (!config.has_cms()) return;
  const CmsConfig& cms = config.cms();
  if (cms.url().empty()) {
    AddTo(problems, places, "cms.url",
          "is required: where the service is, such as http://cms:8086");
  } else if (const absl::Status status = ParseBaseUrl(cms.url()).status();
             !status.ok()) {
    AddTo(problems, places, "cms.url", ToStd(status.message()));
  }
  const std::string list = "cms.aware_providers";
  if (!CheckCount(list, static_cast<size_t>(cms.aware_providers_size()),
                  kAwareProvidersMax, places, problems)) {
    return;
  }
  std::vector<std::string> known;
  for (const auto& provider : config.providers()) {
    known.push_back(provider.name());
  }
  for (int i = 0; i < cms.aware_providers_size(); ++i) {
    const std::string& name = cms.aware_providers(i);
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    AddTo(problems, places, ElementPath(list, static_cast<size_t>(i)),
          absl::StrCat("is no configured provider", Suggestion(name, known)));
  }
}

}  // namespace gateway

#include "service/config/overload_validator.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/base_url.h"
#include "base/string_view.h"
#include "service/config/nearest_name.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::CmsConfig;
using ::llmgateway::config::v1::GatewayConfig;

constexpr size_t kPathBytesMax = 1024;
constexpr size_t kAwareProvidersMax = 256;

void AddTo(ConfigProblems* problems, const FieldPlaces& places,
           const std::string& path, std::string_view message) {
  problems->Add(places.Find(path), path, message);
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

#include "service/config/limits_validator.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "proto/proto_time.h"
#include "service/config/config_names.h"
#include "service/config/nearest_name.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::LimitMatch;
using ::llmgateway::config::v1::RateLimit;
using Texts = google::protobuf::RepeatedPtrField<std::string>;

// service/limits/key_limit_rules.h, for errors, metrics and operators.
constexpr std::string_view kNameOfKeyLimits = "key";
constexpr size_t kRateLimitsMax = 1000;
constexpr size_t kKeyLimitsMax = 16;
constexpr size_t kDimensionsMax = 6;
constexpr size_t kNamesMax = 1000;
constexpr size_t kMatchedProvidersMax = 256;
constexpr size_t kApisMax = 16;
constexpr size_t kLabelsMax = 16;
constexpr size_t kPatternLengthMax = 256;

const std::vector<std::string>& Apis() {
  static const auto& apis = *new std::vector<std::string>{
      "grpc", "openai", "anthropic", "gemini", "chat"};
  return apis;
}

// Adds problems of fields below one path.
class Problems {
 public:
  Problems(std::string path, const FieldPlaces& places,
           ConfigProblems* problems)
      : path_(std::move(path)), places_(places), problems_(problems) {}

  void Add(std::string_view field, std::string_view problem) const {
    const std::string path = JoinPath(path_, field);
    problems_->Add(places_.Find(path), path, problem);
  }
  bool CheckCount(std::string_view field, int count, size_t most) const {
    return gateway::CheckCount(JoinPath(path_, field),
                               static_cast<size_t>(count), most, places_,
                               problems_);
  }

 private:
  const std::string path_;
  const FieldPlaces& places_;
  ConfigProblems* const problems_;
};

// What RateLimit and KeyLimit have in common: how much of what, in which time.
template <typename Limit>
void CheckAmount(const Limit& limit, const Problems& problems) {
  const bool is_cost = limit.unit() == configv1::LIMIT_UNIT_COST;
  const bool is_calls = limit.unit() == configv1::LIMIT_UNIT_CONCURRENT_CALLS;
  if (limit.unit() == configv1::LIMIT_UNIT_UNSPECIFIED) {
    problems.Add("unit", "is required");
    return;
  }
  if (is_cost) {
    const auto dollars = Money::Parse(limit.limit_usd());
    if (limit.limit_usd().empty()) {
      problems.Add("limit_usd",
                   "is required where 'unit' is cost; give dollars "
                   "such as \"2.50\"");
    } else if (!dollars.ok()) {
      problems.Add("limit_usd", ToStd(dollars.status().message()));
    } else if (*dollars == Money()) {
      problems.Add("limit_usd", "must be more than 0");
    }
    if (limit.limit() != 0) {
      problems.Add("limit", "is not for cost; give 'limit_usd'");
    }
  } else {
    // 0 counts as none.
    if (limit.limit() == 0) {
      problems.Add("limit", "is required: 1 to 1000000000000");
    }
    if (!limit.limit_usd().empty()) {
      problems.Add("limit_usd", "is for cost only; give 'limit'");
    }
  }
  if ((is_cost || is_calls) && limit.has_burst()) {
    problems.Add("burst", is_cost ? "is not for cost; leave it out"
                                  : "is not for calls at once; leave it out");
  }
  if (is_calls && limit.has_window()) {
    problems.Add("window", "is not for calls at once; leave it out");
  }
}

void CheckPatterns(std::string_view field, const Texts& patterns, size_t most,
                   const Problems& problems) {
  const std::string path = absl::StrCat("match.", ToAbsl(field));
  if (!problems.CheckCount(path, patterns.size(), most)) return;
  for (int i = 0; i < patterns.size(); ++i) {
    if (!patterns[i].empty() && patterns[i].size() <= kPatternLengthMax) {
      continue;
    }
    problems.Add(
        ElementPath(path, static_cast<size_t>(i)),
        absl::StrCat("must be 1 to ", kPatternLengthMax, " characters"));
  }
}

// Names that are known when the configuration is read must be right.
void CheckKnown(std::string_view field, const Texts& patterns,
                const std::vector<std::string>& names, std::string_view what,
                const Problems& problems) {
  const std::set<std::string_view> known(names.begin(), names.end());
  for (int i = 0; i < patterns.size(); ++i) {
    const std::string& name = patterns[i];
    if (name.empty() || name.find('*') != std::string::npos ||
        known.contains(name)) {
      continue;
    }
    problems.Add(ElementPath(absl::StrCat("match.", ToAbsl(field)),
                             static_cast<size_t>(i)),
                 absl::StrCat("is no ", ToAbsl(what), Suggestion(name, names)));
  }
}

void CheckMatch(const GatewayConfig& config, const LimitMatch& match,
                const Problems& problems) {
  CheckPatterns("callers", match.callers(), kNamesMax, problems);
  CheckPatterns("owners", match.owners(), kNamesMax, problems);
  CheckPatterns("models", match.models(), kNamesMax, problems);
  CheckPatterns("providers", match.providers(), kMatchedProvidersMax, problems);
  CheckPatterns("apis", match.apis(), kApisMax, problems);
  problems.CheckCount("match.labels", static_cast<int>(match.labels().size()),
                      kLabelsMax);
  std::vector<std::string> providers;
  for (const auto& provider : config.providers()) {
    providers.push_back(provider.name());
  }
  CheckKnown("providers", match.providers(), providers,
             "provider of this configuration", problems);
  CheckKnown("apis", match.apis(), Apis(), "API", problems);
}

void CheckDimensions(const RateLimit& limit, const Problems& problems) {
  if (!problems.CheckCount("per", limit.per_size(), kDimensionsMax)) return;
  std::set<int> seen;
  for (int i = 0; i < limit.per_size(); ++i) {
    const std::string path = ElementPath("per", static_cast<size_t>(i));
    if (limit.per(i) == configv1::LIMIT_DIMENSION_UNSPECIFIED) {
      problems.Add(path, "must be a dimension");
    } else if (!seen.insert(limit.per(i)).second) {
      problems.Add(path, "is there already; keep one");
    }
  }
}

}  // namespace

void CheckRateLimits(const GatewayConfig& config, const FieldPlaces& places,
                     ConfigProblems* problems) {
  const std::string list = "rate_limits";
  const auto& limits = config.rate_limits();
  if (!CheckCount(list, static_cast<size_t>(limits.size()), kRateLimitsMax,
                  places, problems)) {
    return;
  }
  std::set<std::string_view> names;
  for (int i = 0; i < limits.size(); ++i) {
    const RateLimit& limit = limits[i];
    const Problems of_limit(ElementPath(list, static_cast<size_t>(i)), places,
                            problems);
    if (!IsConfigName(limit.name(), "-_.", /*upper_case=*/true)) {
      of_limit.Add("name", "must be 1 to 64 of letters, digits and '-_.'");
    } else if (limit.name() == kNameOfKeyLimits) {
      of_limit.Add(
          "name", "is what limits of keys are called together; choose another");
    } else if (!names.insert(limit.name()).second) {
      of_limit.Add("name", "is another limit's name too; choose another");
    }
    CheckAmount(limit, of_limit);
    CheckDimensions(limit, of_limit);
    CheckMatch(config, limit.match(), of_limit);
  }
}

void CheckLimitMatch(const GatewayConfig& config, const std::string& path,
                     const LimitMatch& match, const FieldPlaces& places,
                     ConfigProblems* problems) {
  CheckMatch(config, match, Problems(path, places, problems));
}

void CheckKeyLimits(
    const std::string& path,
    const google::protobuf::RepeatedPtrField<configv1::KeyLimit>& limits,
    const FieldPlaces& places, ConfigProblems* problems) {
  if (!CheckCount(path, static_cast<size_t>(limits.size()), kKeyLimitsMax,
                  places, problems)) {
    return;
  }
  std::set<std::pair<int, absl::Duration>> seen;
  for (int i = 0; i < limits.size(); ++i) {
    if (!seen.insert({limits[i].unit(), ToAbsl(limits[i].window())}).second) {
      const std::string each = ElementPath(path, static_cast<size_t>(i));
      problems->Add(places.Find(each), each,
                    "has the unit and the window of another; keep one");
    }
    CheckAmount(limits[i], Problems(ElementPath(path, static_cast<size_t>(i)),
                                    places, problems));
  }
}

}  // namespace gateway

#include "service/config/cost_limits_check.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/config/configured_targets.h"
#include "service/identity/star_glob.h"
#include "service/money/configured_price.h"
#include "service/money/price_table.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::LimitMatch;
using ::llmgateway::config::v1::ModelRule;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::type::v1::Target;
using Texts = google::protobuf::RepeatedPtrField<std::string>;
// The provider, and what it calls the model.
using ModelAt = std::pair<std::string, std::string>;

// A warning names so many; of the others it says how many there are.
constexpr size_t kNamedMax = 5;

// As PriceTable knows the vendor of a provider.
std::string VendorOf(const ProviderKinds& kinds,
                     const ProviderConfig& provider) {
  const ProviderKind* const kind = kinds.Find(provider);
  if (kind == nullptr) return "";
  const std::string_view vendor =
      kind->vendor == nullptr ? "" : kind->vendor(provider);
  return std::string(vendor.empty() ? kind->name : vendor);
}

// The models that the configuration names, by the providers' own names.
std::set<ModelAt> NamedModels(const GatewayConfig& config) {
  std::map<std::string_view, const ProviderConfig*> providers;
  for (const ProviderConfig& provider : config.providers()) {
    providers[provider.name()] = &provider;
  }
  std::set<ModelAt> models;
  const auto add = [&](std::string_view name, const std::string& model) {
    const auto provider = providers.find(name);
    if (provider == providers.end() || model.empty()) return;
    const auto& aliases = provider->second->model_aliases();
    const auto alias = aliases.find(model);
    models.emplace(name, alias == aliases.end() ? model : alias->second);
  };
  for (const ProviderConfig& provider : config.providers()) {
    for (const std::string& model : provider.models()) {
      add(provider.name(), model);
    }
    for (const auto& [name, model] : provider.model_aliases()) {
      add(provider.name(), name);
    }
  }
  ForEachTarget(config, [&](const Target& target) {
    add(target.provider(), target.model());
  });
  for (const ModelRule& rule : config.routing().model_rules()) {
    const std::string& name = rule.has_alias() ? rule.alias() : rule.exact();
    ForEachTarget(rule, [&](const Target& target) {
      if (target.model().empty()) add(target.provider(), name);
    });
  }
  return models;
}

std::vector<ModelAt> UnpricedModels(const ProviderKinds& kinds,
                                    const GatewayConfig& config) {
  const PriceTable prices = PricesOf(config.prices());
  std::map<std::string_view, std::string> vendors;
  for (const ProviderConfig& provider : config.providers()) {
    vendors[provider.name()] = VendorOf(kinds, provider);
  }
  std::vector<ModelAt> unpriced;
  for (const ModelAt& each : NamedModels(config)) {
    // A price that begins later is known.
    if (prices.Find(vendors[each.first], each.second, absl::InfiniteFuture()) ==
        nullptr) {
      unpriced.push_back(each);
    }
  }
  return unpriced;
}

bool MatchesAny(const Texts& patterns, std::string_view text) {
  if (patterns.empty()) return true;
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) {
                       return MatchesStarGlob(pattern, text);
                     });
}

// `a/m, b/n and 3 more`.
std::string NamesOf(const std::vector<ModelAt>& models) {
  std::string names;
  const size_t named = std::min(models.size(), kNamedMax);
  for (size_t i = 0; i < named; ++i) {
    absl::StrAppend(&names, i == 0 ? "" : ", ", models[i].first, "/",
                    models[i].second);
  }
  if (named == models.size()) return names;
  return absl::StrCat(names, " and ", models.size() - named, " more");
}

// Warns of limits that apply to some of the models.
class CostLimits {
 public:
  CostLimits(std::vector<ModelAt> unpriced, const FieldPlaces& places,
             ConfigProblems* problems)
      : unpriced_(std::move(unpriced)), places_(places), problems_(problems) {}

  void Check(const std::string& path, const LimitMatch& match) const {
    std::vector<ModelAt> passed;
    for (const ModelAt& each : unpriced_) {
      if (MatchesAny(match.providers(), each.first) &&
          MatchesAny(match.models(), each.second)) {
        passed.push_back(each);
      }
    }
    if (passed.empty()) return;
    problems_->Warn(
        places_.Find(path), path,
        absl::StrCat("counts nothing for calls to ", NamesOf(passed),
                     ", whose price is not known, and so never refuses them; "
                     "give a price in prices.models"));
  }

  template <typename Limits>
  void CheckOfCallers(const std::string& path, const Limits& limits) const {
    for (int i = 0; i < limits.size(); ++i) {
      if (limits[i].unit() != configv1::LIMIT_UNIT_COST) continue;
      Check(ElementPath(JoinPath(path, "limits"), static_cast<size_t>(i)), {});
    }
  }

 private:
  const std::vector<ModelAt> unpriced_;
  const FieldPlaces& places_;
  ConfigProblems* const problems_;
};

bool HasCostLimits(const GatewayConfig& config) {
  const auto has = [](const auto& limits) {
    return std::any_of(limits.begin(), limits.end(), [](const auto& limit) {
      return limit.unit() == configv1::LIMIT_UNIT_COST;
    });
  };
  const auto& callers = config.auth().callers();
  return has(config.rate_limits()) ||
         has(callers.client_certificates().grants().limits()) ||
         std::any_of(callers.api_keys().begin(), callers.api_keys().end(),
                     [&](const auto& key) { return has(key.limits()); }) ||
         std::any_of(
             callers.jwt_issuers().begin(), callers.jwt_issuers().end(),
             [&](const auto& issuer) { return has(issuer.grants().limits()); });
}

}  // namespace

void CheckCostLimits(const ProviderKinds& kinds, const GatewayConfig& config,
                     const FieldPlaces& places, ConfigProblems* problems) {
  // To read all prices takes a while.
  if (!HasCostLimits(config)) return;
  const CostLimits limits(UnpricedModels(kinds, config), places, problems);
  for (int i = 0; i < config.rate_limits_size(); ++i) {
    const auto& limit = config.rate_limits(i);
    if (limit.unit() != configv1::LIMIT_UNIT_COST) continue;
    limits.Check(ElementPath("rate_limits", static_cast<size_t>(i)),
                 limit.match());
  }
  const std::string root = "auth.callers";
  const auto& callers = config.auth().callers();
  for (int i = 0; i < callers.api_keys_size(); ++i) {
    limits.CheckOfCallers(
        ElementPath(JoinPath(root, "api_keys"), static_cast<size_t>(i)),
        callers.api_keys(i).limits());
  }
  for (int i = 0; i < callers.jwt_issuers_size(); ++i) {
    limits.CheckOfCallers(JoinPath(ElementPath(JoinPath(root, "jwt_issuers"),
                                               static_cast<size_t>(i)),
                                   "grants"),
                          callers.jwt_issuers(i).grants().limits());
  }
  limits.CheckOfCallers(JoinPath(root, "client_certificates.grants"),
                        callers.client_certificates().grants().limits());
}

}  // namespace gateway

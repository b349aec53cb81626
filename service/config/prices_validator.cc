#include "service/config/prices_validator.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "service/config/nearest_name.h"
#include "service/money/configured_price.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::ModelPriceConfig;

constexpr size_t kPricesMax = 10'000;
constexpr size_t kPricedNameLengthMax = 256;

}  // namespace

bool NamesPricedModels(std::string_view text) {
  if (text.empty() || text.size() > kPricedNameLengthMax) return false;
  if (text.find('*') < text.size() - 1) return false;
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isgraph(c); });
}

std::vector<std::string> PricedVendors(const ProviderKinds& kinds,
                                       const GatewayConfig& config) {
  std::vector<std::string> names;
  for (const ProviderKind* kind : kinds) names.emplace_back(kind->name);
  for (const auto& provider : config.providers()) {
    const ProviderKind* const kind = kinds.Find(provider);
    if (kind == nullptr || kind->vendor == nullptr) continue;
    const std::string_view vendor = kind->vendor(provider);
    if (!vendor.empty()) names.emplace_back(vendor);
  }
  return names;
}

void CheckPrices(const ProviderKinds& kinds, const GatewayConfig& config,
                 const FieldPlaces& places, ConfigProblems* problems) {
  const std::string list = "prices.models";
  const auto& models = config.prices().models();
  if (!CheckCount(list, static_cast<size_t>(models.size()), kPricesMax, places,
                  problems)) {
    return;
  }
  const std::vector<std::string> vendors = PricedVendors(kinds, config);
  // By kind, model and time.
  std::map<std::tuple<std::string_view, std::string_view, absl::Time>, int>
      seen;
  for (int i = 0; i < models.size(); ++i) {
    const ModelPriceConfig& model = models[i];
    const std::string path = ElementPath(list, static_cast<size_t>(i));
    const auto add = [&](std::string_view field, std::string_view problem) {
      const std::string field_path = JoinPath(path, field);
      problems->Add(places.Find(field_path), field_path, problem);
    };
    const PriceEntry entry = ReadConfiguredPrice(model, add);
    if (!NamesPricedModels(model.model())) {
      add("model", kPricedModelForm);
    } else if (const auto [first, is_new] = seen.try_emplace(
                   {model.kind(), model.model(), entry.effective_time}, i);
               !is_new) {
      add(model.has_effective_time() ? "effective_time" : "model",
          absl::StrCat("has its price in ", list, "[", first->second,
                       "] already; keep one, or give them an effective_time "
                       "each"));
    }
    if (!model.kind().empty() &&
        std::find(vendors.begin(), vendors.end(), model.kind()) ==
            vendors.end()) {
      add("kind", absl::StrCat("is no kind of provider, nor the preset of one "
                               "that is configured",
                               Suggestion(model.kind(), vendors)));
    }
  }
}

}  // namespace gateway

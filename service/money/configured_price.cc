#include "service/money/configured_price.h"

#include <cassert>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/money/shipped_prices.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ModelPriceConfig;
using ::llmgateway::config::v1::PricesConfig;

constexpr char kForm[] =
    "must be dollars for a million tokens, as in 3.75: at most 9 decimals, at "
    "most a dollar a token";

// The field of each kind of token; only the first two are required.
constexpr struct {
  TokenKind kind;
  std::string_view field;
  const std::string& (ModelPriceConfig::*text)() const;
} kFields[] = {
    {TokenKind::kInput, "input", &ModelPriceConfig::input},
    {TokenKind::kOutput, "output", &ModelPriceConfig::output},
    {TokenKind::kCacheRead, "cached_input", &ModelPriceConfig::cached_input},
    {TokenKind::kCacheWrite, "cache_write", &ModelPriceConfig::cache_write},
    {TokenKind::kCacheWrite1h, "cache_write_1h",
     &ModelPriceConfig::cache_write_1h},
    {TokenKind::kReasoning, "reasoning", &ModelPriceConfig::reasoning},
    {TokenKind::kAudioInput, "audio_input", &ModelPriceConfig::audio_input},
    {TokenKind::kAudioOutput, "audio_output", &ModelPriceConfig::audio_output},
};

bool IsRequired(TokenKind kind) {
  return kind == TokenKind::kInput || kind == TokenKind::kOutput;
}

}  // namespace

PriceEntry ReadConfiguredPrice(
    const ModelPriceConfig& config,
    absl::FunctionRef<void(std::string_view, std::string_view)> report) {
  ListedRates listed;
  for (const auto& [kind, field, text_of] : kFields) {
    const std::string& text = (config.*text_of)();
    if (text.empty()) {
      if (IsRequired(kind)) {
        report(field, "is required; free is 0");
      }
      continue;
    }
    const absl::StatusOr<TokenPrice> price = TokenPrice::Parse(text);
    if (price.ok()) {
      listed[kind] = *price;
    } else {
      report(field, kForm);
    }
  }
  return {.vendor = config.kind(),
          .model = config.model(),
          .price = ModelRates(CompleteRates(listed))};
}

PriceTable PricesOf(const PricesConfig& config) {
  std::vector<PriceEntry> entries;
  entries.reserve(static_cast<size_t>(config.models_size()));
  for (const ModelPriceConfig& model : config.models()) {
    bool well = true;
    PriceEntry entry = ReadConfiguredPrice(
        model, [&well](std::string_view, std::string_view) { well = false; });
    if (well) entries.push_back(std::move(entry));
  }
  absl::StatusOr<PriceTable> table =
      PriceTable::Make(ShippedPrices(), std::move(entries));
  if (!table.ok()) table = PriceTable::Make(ShippedPrices(), {});
  assert(table.ok());  // A test reads the shipped ones.
  return *std::move(table);
}

}  // namespace gateway

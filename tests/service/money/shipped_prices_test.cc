#include "service/money/shipped_prices.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/money/cost.h"
#include "service/money/price_table.h"

namespace gateway {
namespace {

class ShippedPricesTest : public testing::Test {
 protected:
  // As a line of the list, without what goes without saying.
  std::string Prices(std::string_view vendor, std::string_view model,
                     int64_t input_tokens = 1,
                     ServiceTier tier = ServiceTier::kStandard) {
    const ModelRates* const price =
        table_->Find(vendor, model, absl::UnixEpoch());
    if (price == nullptr) return "none";
    const TokenRates& rates = price->RatesFor(input_tokens, tier);
    ListedRates listed;
    listed[TokenKind::kInput] = rates[TokenKind::kInput];
    listed[TokenKind::kOutput] = rates[TokenKind::kOutput];
    std::string text;
    for (const NamedTokenKind& each : kTokenKinds) {
      if (rates[each.kind] == CompleteRates(listed)[each.kind] &&
          !listed[each.kind].has_value()) {
        continue;
      }
      listed[each.kind] = rates[each.kind];
      absl::StrAppend(&text, text.empty() ? "" : " ", ToAbsl(each.name), " ",
                      rates[each.kind].Text());
    }
    return text;
  }

  const absl::StatusOr<PriceTable> table_ =
      PriceTable::Make(ShippedPrices(), {});
};

TEST_F(ShippedPricesTest, EachLineIsRead) {
  ASSERT_TRUE(table_.ok()) << table_.status();
  const absl::StatusOr<std::vector<PriceEntry>> entries =
      ReadPriceLines(ShippedPrices());
  ASSERT_TRUE(entries.ok()) << entries.status();
  size_t lines = 0;
  std::string_view rest = ShippedPrices();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    if (!line.empty() && line.front() != '#') ++lines;
  }
  size_t steps = 0;
  std::set<std::string> vendors;
  for (const PriceEntry& entry : *entries) {
    steps += entry.price.steps().size();
    vendors.insert(entry.vendor);
  }
  EXPECT_EQ(steps, lines);
  EXPECT_GT(entries->size(), 300u);
  EXPECT_EQ(vendors,
            (std::set<std::string>{"anthropic", "azure_openai", "deepseek",
                                   "gemini", "groq", "local_cli", "mistral",
                                   "ollama", "openai", "openrouter"}));
}

TEST_F(ShippedPricesTest, SaysWhereItIsFromAndOfWhen) {
  EXPECT_TRUE(ShippedPrices().starts_with("# What models cost"));
  EXPECT_NE(ShippedPrices().find(" as of 20"), std::string_view::npos);
  EXPECT_NE(ShippedPrices().find("LiteLLM"), std::string_view::npos);
}

// Compared by hand with the list that they come from.
TEST_F(ShippedPricesTest, KnowsTheModelsThatMatter) {
  EXPECT_EQ(Prices("openai", "gpt-4o"), "in 2.5 out 10 cached 1.25");
  EXPECT_EQ(Prices("openai", "gpt-4o-mini"), "in 0.15 out 0.6 cached 0.075");
  EXPECT_EQ(Prices("openai", "gpt-5.4"), "in 2.5 out 15 cached 0.25");
  EXPECT_EQ(Prices("openai", "o1-pro"), "in 150 out 600");
  EXPECT_EQ(Prices("openai", "gpt-audio"),
            "in 2.5 out 10 audio_in 32 audio_out 64");
  EXPECT_EQ(Prices("openai", "text-embedding-3-small"), "in 0.02 out 0");
  EXPECT_EQ(Prices("azure_openai", "gpt-4.1"), "in 2 out 8 cached 0.5");
  EXPECT_EQ(Prices("anthropic", "claude-sonnet-4-5"),
            "in 3 out 15 cached 0.3 write 3.75 write_1h 6");
  EXPECT_EQ(Prices("anthropic", "claude-opus-4-1"),
            "in 15 out 75 cached 1.5 write 18.75 write_1h 30");
  EXPECT_EQ(Prices("anthropic", "claude-haiku-4-5"),
            "in 1 out 5 cached 0.1 write 1.25 write_1h 2");
  EXPECT_EQ(Prices("gemini", "gemini-2.5-flash"),
            "in 0.3 out 2.5 cached 0.03 audio_in 1");
  EXPECT_EQ(Prices("gemini", "gemini-embedding-001"), "in 0.15 out 0");
  EXPECT_EQ(Prices("gemini", "gemini-2.5-flash-image"),
            "in 0.3 out 2.5 cached 0.03 audio_in 1 image_out 30");
  EXPECT_EQ(Prices("gemini", "gemini-3-pro-image-preview"),
            "in 2 out 12 image_out 120");
  EXPECT_EQ(Prices("gemini", "gemini-3.1-flash-image-preview"),
            "in 0.5 out 3 image_out 60");
  EXPECT_EQ(Prices("openai", "gpt-image-2"),
            "in 5 out 10 cached 1.25 image_in 8 image_out 30");
  EXPECT_EQ(Prices("deepseek", "deepseek-v4-pro"),
            "in 0.435 out 0.87 cached 0.003625");
  EXPECT_EQ(Prices("openrouter", "anthropic/claude-sonnet-4.5"),
            "in 3 out 15 cached 0.3 write 3.75 write_1h 6");
}

TEST_F(ShippedPricesTest, LongPromptsAndTiersCostOtherwise) {
  const std::string_view pro = "gemini-2.5-pro";
  EXPECT_EQ(Prices("gemini", pro, 200'000), "in 1.25 out 10 cached 0.125");
  EXPECT_EQ(Prices("gemini", pro, 200'001), "in 2.5 out 15 cached 0.25");
  EXPECT_EQ(Prices("openai", "gpt-5.4", 272'001), "in 5 out 22.5 cached 0.5");
  EXPECT_EQ(Prices("openai", "gpt-4o", 1, ServiceTier::kPriority),
            "in 4.25 out 17 cached 2.125");
  EXPECT_EQ(Prices("openai", "gpt-5.4", 1, ServiceTier::kFlex),
            "in 1.25 out 7.5 cached 0.13");
  EXPECT_EQ(Prices("openai", "gpt-4o-mini", 1, ServiceTier::kBatch),
            "in 0.075 out 0.3 cached 0.0375");
  EXPECT_EQ(Prices("gemini", "gemini-3-pro-image", 1, ServiceTier::kBatch),
            "in 1 out 6 image_out 60");
}

// Compared by hand with Anthropic's pages on prices, fast mode and data
// residency.
TEST_F(ShippedPricesTest, AnthropicsMultipliersAreTiers) {
  const std::string_view opus = "claude-opus-4-8-20270101";
  EXPECT_EQ(Prices("anthropic", opus, 1, ServiceTier::kFastMode),
            "in 10 out 50 cached 1 write 12.5 write_1h 20");
  EXPECT_EQ(Prices("anthropic", opus, 1, ServiceTier::kUsInference),
            "in 5.5 out 27.5 cached 0.55 write 6.875 write_1h 11");
  EXPECT_EQ(Prices("anthropic", opus, 1, ServiceTier::kFastModeUsInference),
            "in 11 out 55 cached 1.1 write 13.75 write_1h 22");
  EXPECT_EQ(Prices("anthropic", "claude-opus-4-6", 1, ServiceTier::kFastMode),
            "in 30 out 150 cached 3 write 37.5 write_1h 60");
  EXPECT_EQ(Prices("anthropic", "claude-sonnet-4-6", 1'000'000,
                   ServiceTier::kUsInference),
            "in 3.3 out 16.5 cached 0.33 write 4.125 write_1h 6.6");
}

TEST_F(ShippedPricesTest, AModelHasTheMultipliersThatItsVendorSells) {
  const auto has = [this](std::string_view vendor, std::string_view model,
                          ServiceTier tier) {
    return table_->Find(vendor, model, absl::UnixEpoch())->HasTier(tier);
  };
  for (const std::string_view model :
       {"claude-fable-5", "claude-opus-4-6", "claude-opus-4-7",
        "claude-opus-4-8", "claude-opus-5", "claude-sonnet-4-6",
        "claude-sonnet-5"}) {
    EXPECT_TRUE(has("anthropic", model, ServiceTier::kUsInference)) << model;
    const bool is_opus = model.starts_with("claude-opus-");
    EXPECT_EQ(has("anthropic", model, ServiceTier::kFastMode), is_opus);
    EXPECT_EQ(has("anthropic", model, ServiceTier::kFastModeUsInference),
              is_opus);
  }
  for (const char* model :
       {"claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"}) {
    EXPECT_FALSE(has("anthropic", model, ServiceTier::kUsInference)) << model;
    EXPECT_FALSE(has("anthropic", model, ServiceTier::kFastMode)) << model;
  }
  EXPECT_FALSE(has("openrouter", "anthropic/claude-opus-4.7",
                   ServiceTier::kUsInference));
}

TEST_F(ShippedPricesTest, ADatedNameCostsInATierWhatItsModelDoes) {
  for (const char* dated :
       {"gpt-4.1-2025-04-14", "gpt-4.1-mini-2025-04-14",
        "gpt-4.1-nano-2025-04-14", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20",
        "gpt-4o-mini-2024-07-18", "o3-2025-04-16", "o4-mini-2025-04-16"}) {
    const std::string_view base = WithoutDate(dated);
    for (const ServiceTier tier :
         {ServiceTier::kStandard, ServiceTier::kBatch, ServiceTier::kFlex,
          ServiceTier::kPriority}) {
      EXPECT_EQ(Prices("openai", dated, 1, tier),
                Prices("openai", base, 1, tier))
          << dated;
    }
  }
  // One with prices of its own has its own tiers.
  EXPECT_EQ(Prices("openai", "gpt-4o-2024-05-13", 1, ServiceTier::kPriority),
            "in 8.75 out 26.25");
}

// No dated name of the list costs in the standard tier what its model does and
// lacks another tier of it.
TEST_F(ShippedPricesTest, NoDatedNameLacksATierOfItsModel) {
  for (const PriceEntry& entry : table_->shipped().entries()) {
    const ModelRates* const base =
        table_->Find(entry.vendor, WithoutDate(entry.model), absl::UnixEpoch());
    if (base == nullptr ||
        base->RatesFor(1, ServiceTier::kStandard) !=
            entry.price.RatesFor(1, ServiceTier::kStandard)) {
      continue;
    }
    for (const ModelRates::Step& step : base->steps()) {
      EXPECT_TRUE(entry.price.HasTier(step.tier)) << entry.model;
    }
  }
}

TEST_F(ShippedPricesTest, NamesAreFoundWithADateOrAPrefix) {
  EXPECT_EQ(Prices("openai", "gpt-4o-2024-08-06"), Prices("openai", "gpt-4o"));
  EXPECT_EQ(Prices("openai", "gpt-4o-2024-05-13"), "in 5 out 15");
  EXPECT_EQ(Prices("openai", "gpt-5.4-2027-01-01"),
            Prices("openai", "gpt-5.4"));
  EXPECT_EQ(Prices("anthropic", "claude-sonnet-4-5-20250929"),
            Prices("anthropic", "claude-sonnet-4-5"));
  EXPECT_EQ(Prices("anthropic", "claude-opus-4-20250514"),
            "in 15 out 75 cached 1.5 write 18.75 write_1h 30");
  EXPECT_EQ(Prices("gemini", "models/gemini-2.5-flash"),
            Prices("gemini", "gemini-2.5-flash"));
  EXPECT_EQ(Prices("openai", "ft:gpt-4o-2024-08-06:acme:support:8XyZ"),
            "in 3.75 out 15 cached 1.875");
  EXPECT_EQ(Prices("openrouter", "openai/gpt-4o-2024-11-20"),
            Prices("openrouter", "openai/gpt-4o"));
}

TEST_F(ShippedPricesTest, WhatRunsHereIsFreeAndKnownToBe) {
  for (const char* vendor : {"local_cli", "ollama"}) {
    const ModelRates* const price =
        table_->Find(vendor, "whatever:7b", absl::UnixEpoch());
    llmgateway::v1::Usage usage;
    usage.set_input_tokens(1'000'000);
    usage.set_output_tokens(1'000'000);
    SetCost(price, ServiceTier::kStandard, &usage);
    EXPECT_TRUE(usage.cost_known());
    EXPECT_EQ(usage.cost_usd_nanos(), 0);
  }
}

TEST_F(ShippedPricesTest, WhatVariesOrIsNotListedIsNotKnown) {
  EXPECT_EQ(Prices("openrouter", "openrouter/auto"), "none");
  EXPECT_EQ(Prices("openai", "gpt-4o-with-wings"), "none");
  EXPECT_EQ(Prices("openai_compatible", "gpt-4o"), "none");
  EXPECT_EQ(Prices("mock", "mock"), "none");
}

}  // namespace
}  // namespace gateway

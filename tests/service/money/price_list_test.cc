#include "service/money/price_list.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

const absl::Time kLater = absl::FromUnixSeconds(1'800'000'000);

absl::StatusOr<PriceList> Made(std::string_view lines) {
  return PriceList::Make(*ReadPriceLines(lines));
}

// The price of input, by which tests tell entries apart; empty if none.
std::string Found(const PriceList& list, std::string_view vendor,
                  std::string_view model) {
  const ModelRates* const price = list.Find(vendor, model, kLater);
  if (price == nullptr) return "";
  return price->steps()[0].rates[TokenKind::kInput].Text();
}

TEST(WithoutDateTest, CutsADateAtTheEndOnly) {
  EXPECT_EQ(WithoutDate("gpt-4o-2024-08-06"), "gpt-4o");
  EXPECT_EQ(WithoutDate("claude-sonnet-4-5-20250929"), "claude-sonnet-4-5");
  EXPECT_EQ(WithoutDate("claude-sonnet-4-5@20250929"), "claude-sonnet-4-5");
  EXPECT_EQ(WithoutDate("claude-3-7-sonnet-latest"), "claude-3-7-sonnet");
  for (const char* name : {"", "gpt-4o", "gpt-4-0613", "-20250929", "-latest",
                           "a20250929", "a-1999-01-01", "a-2024-08-06-b",
                           "a-2024-8-6", "a-latest1", "a-3024-08-06"}) {
    EXPECT_EQ(WithoutDate(name), name);
  }
}

TEST(PriceListTest, ANameBeforeItsUndatedOneBeforeTheLongestBeginning) {
  const PriceList list = *Made(
      "v * in 1 out 0\n"
      "v gpt-* in 2 out 0\n"
      "v gpt-4* in 3 out 0\n"
      "v gpt-4o in 4 out 0\n"
      "v gpt-4o-2024-05-13 in 5 out 0\n");
  EXPECT_EQ(Found(list, "v", "gpt-4o"), "4");
  EXPECT_EQ(Found(list, "v", "gpt-4o-2024-05-13"), "5");
  EXPECT_EQ(Found(list, "v", "gpt-4o-2024-08-06"), "4");
  EXPECT_EQ(Found(list, "v", "gpt-4o-mini"), "3");
  EXPECT_EQ(Found(list, "v", "gpt-4"), "3");
  EXPECT_EQ(Found(list, "v", "gpt-"), "2");
  EXPECT_EQ(Found(list, "v", "gpt"), "1");
  EXPECT_EQ(Found(list, "v", ""), "1");
  EXPECT_EQ(Found(list, "w", "gpt-4o"), "");
  EXPECT_EQ(Found(list, "", "gpt-4o"), "");
}

TEST(PriceListTest, AVendorsOwnEntryComesBeforeThatForAny) {
  const PriceList list = *Made(
      "* m in 1 out 0\n"
      "v m in 2 out 0\n"
      "v n* in 3 out 0\n"
      "* n-1 in 4 out 0\n"
      "* n* in 5 out 0\n");
  EXPECT_EQ(Found(list, "v", "m"), "2");
  EXPECT_EQ(Found(list, "w", "m"), "1");
  EXPECT_EQ(Found(list, "", "m"), "1");
  // The whole name comes before a beginning, whosever it is.
  EXPECT_EQ(Found(list, "v", "n-1"), "4");
  EXPECT_EQ(Found(list, "v", "n-2"), "3");
  EXPECT_EQ(Found(list, "w", "n-2"), "5");
  EXPECT_EQ(Found(list, "w", "o"), "");
}

TEST(PriceListTest, CaseMatters) {
  const PriceList list = *Made("v m in 1 out 0\n");
  EXPECT_EQ(Found(list, "v", "M"), "");
  EXPECT_EQ(Found(list, "V", "m"), "");
}

TEST(PriceListTest, RefusesEntriesThatContradict) {
  const auto refused = [](std::string_view lines) {
    const absl::StatusOr<PriceList> list = Made(lines);
    return list.ok() ? "" : std::string(ToStd(list.status().message()));
  };
  EXPECT_EQ(refused("v m in 1 out 0\nv n in 1 out 0\nv m in 1 out 0"),
            "v m is in the list twice");
  EXPECT_EQ(refused("* m* in 1 out 0\n* n in 1 out 0\n* m* in 1 out 0"),
            "m* is in the list twice");
  EXPECT_EQ(refused("v m in 1 out 0\nv m* in 1 out 0\n* m in 1 out 0"), "");
  EXPECT_EQ(refused("v *m in 1 out 0"), "v *m has a * that is not at its end");
  EXPECT_EQ(refused("v m** in 1 out 0"),
            "v m** has a * that is not at its end");
  EXPECT_EQ(
      PriceList::Make(
          {{.vendor = "v", .model = "", .price = ModelRates(TokenRates())}})
          .status()
          .message(),
      "v an entry names no model");
}

TEST(PriceListTest, IsFoundInAfterItHasMoved) {
  PriceList first = *Made("v m in 1 out 0\nv n* in 2 out 0\n");
  const ModelRates* const price = first.Find("v", "m", kLater);
  const PriceList second = std::move(first);
  EXPECT_EQ(second.Find("v", "m", kLater), price);
  EXPECT_EQ(Found(second, "v", "nn"), "2");
  EXPECT_EQ(second.entries().size(), 2u);
}

// An entry whose input costs so much, from then on.
PriceEntry Dated(std::string_view vendor, std::string_view model,
                 std::string_view input, absl::Time time) {
  ListedRates listed;
  listed[TokenKind::kInput] = *TokenPrice::Parse(input);
  return {.vendor = std::string(vendor),
          .model = std::string(model),
          .price = ModelRates(CompleteRates(listed)),
          .effective_time = time};
}

std::string FoundAt(const PriceList& list, std::string_view model,
                    absl::Time at) {
  const ModelRates* const price = list.Find("v", model, at);
  if (price == nullptr) return "";
  return price->steps()[0].rates[TokenKind::kInput].Text();
}

TEST(PriceListTest, ThePriceThatHasBegunLastHolds) {
  const absl::Time first = kLater;
  const absl::Time second = kLater + absl::Hours(24);
  const PriceList list = *PriceList::Make(
      {Dated("v", "m", "3", second), Dated("v", "m", "2", first),
       Dated("v", "m", "1", absl::InfinitePast())});
  const absl::Duration instant = absl::Nanoseconds(1);
  EXPECT_EQ(FoundAt(list, "m", absl::InfinitePast()), "1");
  EXPECT_EQ(FoundAt(list, "m", first - instant), "1");
  EXPECT_EQ(FoundAt(list, "m", first), "2");
  EXPECT_EQ(FoundAt(list, "m", second - instant), "2");
  EXPECT_EQ(FoundAt(list, "m", second), "3");
  EXPECT_EQ(FoundAt(list, "m-2026-01-01", first), "2");
}

TEST(PriceListTest, BeforeTheFirstItIsAsIfThereWereNone) {
  const PriceList list = *PriceList::Make(
      {Dated("v", "m", "1", kLater), Dated("", "m", "2", kLater),
       Dated("v", "m*", "3", absl::InfinitePast()),
       Dated("v", "a", "4", absl::InfinitePast())});
  EXPECT_EQ(FoundAt(list, "m", kLater), "1");
  EXPECT_EQ(FoundAt(list, "m", kLater - absl::Seconds(1)), "3");
  const PriceList alone = *PriceList::Make({Dated("v", "m", "1", kLater)});
  EXPECT_EQ(FoundAt(alone, "m", kLater - absl::Seconds(1)), "");
}

TEST(PriceListTest, TwoOfOneTimeContradict) {
  EXPECT_EQ(PriceList::Make(
                {Dated("v", "m", "1", kLater), Dated("v", "m", "2", kLater)})
                .status()
                .message(),
            "v m is in the list twice");
  EXPECT_TRUE(PriceList::Make({Dated("v", "m", "1", kLater),
                               Dated("v", "m", "2", absl::InfinitePast())})
                  .ok());
}

TEST(PriceListTest, SaysWhichEntriesMayBeThePriceOfAModel) {
  const auto is_of = [](std::string_view entry, std::string_view model) {
    return IsPriceOf(Dated("v", entry, "1", kLater), model);
  };
  EXPECT_TRUE(is_of("m", "m"));
  EXPECT_TRUE(is_of("m", "models/m"));
  EXPECT_TRUE(is_of("m", "m-2026-01-01"));
  EXPECT_TRUE(is_of("m*", "m-large"));
  EXPECT_TRUE(is_of("*", "anything"));
  EXPECT_FALSE(is_of("m", "m-large"));
  EXPECT_FALSE(is_of("n*", "m"));
}

// Names of few letters, so that they often begin alike.
std::string ShortName(FakeRandom& random) {
  std::string name;
  for (uint64_t left = 1 + random.Below(5); left > 0; --left) {
    name += static_cast<char>('a' + random.Below(2));
  }
  return name;
}

TEST(PriceListTest, FindsWhatASearchOfAllEntriesFinds) {
  FakeRandom random{2};
  for (int round = 0; round < 200; ++round) {
    std::vector<PriceEntry> entries;
    for (uint64_t left = random.Below(20); left > 0; --left) {
      PriceEntry entry = {.vendor = random.Below(2) == 0 ? "" : "v",
                          .model = ShortName(random),
                          .price = ModelRates(TokenRates())};
      if (random.Below(2) == 0) entry.model += '*';
      bool listed = false;
      for (const PriceEntry& each : entries) {
        listed |= each.vendor == entry.vendor && each.model == entry.model;
      }
      if (!listed) entries.push_back(std::move(entry));
    }
    // Moved from into the list, whose entries stay where they are.
    const PriceEntry* const begin = entries.data();
    const size_t size = entries.size();
    const PriceList list = *PriceList::Make(std::move(entries));
    for (int i = 0; i < 50; ++i) {
      const std::string model = ShortName(random);
      const ModelRates* best = nullptr;
      size_t best_rank = 0;
      for (size_t e = 0; e < size; ++e) {
        const PriceEntry& entry = begin[e];
        const bool beginning = entry.model.ends_with('*');
        const std::string name =
            entry.model.substr(0, entry.model.size() - (beginning ? 1 : 0));
        if (beginning ? !model.starts_with(name) : model != name) continue;
        const size_t rank = (beginning ? name.size() : 100) * 2 +
                            (entry.vendor.empty() ? 0 : 1) + 1;
        if (rank > best_rank) {
          best_rank = rank;
          best = &entry.price;
        }
      }
      ASSERT_EQ(list.Find("v", model, kLater), best) << round << " " << model;
    }
  }
}

}  // namespace
}  // namespace gateway

#include "service/money/price_lines.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/money/token_kind.h"
#include "service/money/token_price.h"

namespace gateway {
namespace {

constexpr std::string_view kAny = "*";

// The words of a line, one after the other.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  // Returns the next word without taking it; empty at the end.
  std::string_view Peek() {
    rest_.remove_prefix(
        std::min(rest_.find_first_not_of(kBlank), rest_.size()));
    return rest_.substr(0, rest_.find_first_of(kBlank));
  }

  std::string_view Take() {
    const std::string_view word = Peek();
    rest_.remove_prefix(word.size());
    return word;
  }

 private:
  static constexpr std::string_view kBlank = " \t\r";

  std::string_view rest_;
};

std::optional<TokenKind> KindOf(std::string_view name) {
  for (const NamedTokenKind& each : kTokenKinds) {
    if (each.name == name) return each.kind;
  }
  return std::nullopt;
}

absl::StatusOr<TokenRates> ReadRates(Words& words) {
  ListedRates listed;
  while (!words.Peek().empty()) {
    const std::string_view name = words.Take();
    const std::optional<TokenKind> kind = KindOf(name);
    if (!kind.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", ToAbsl(name), "\" names no price"));
    }
    if (listed[*kind].has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("has two prices `", ToAbsl(name), "`"));
    }
    GATEWAY_ASSIGN_OR_RETURN(listed[*kind], TokenPrice::Parse(words.Take()));
  }
  for (const TokenKind kind : {TokenKind::kInput, TokenKind::kOutput}) {
    if (!listed[kind].has_value()) {
      return absl::InvalidArgumentError("needs the prices `in` and `out`");
    }
  }
  return CompleteRates(listed);
}

// What follows the names.
absl::StatusOr<ModelRates::Step> ReadStep(Words& words) {
  ModelRates::Step step;
  if (const auto tier = PricedTierOf(words.Peek());
      tier.has_value() && *tier != ServiceTier::kStandard) {
    step.tier = *tier;
    words.Take();
  }
  if (words.Peek().starts_with('>')) {
    const std::string_view mark = words.Take().substr(1);
    if (!absl::SimpleAtoi(ToAbsl(mark), &step.above_input_tokens) ||
        step.above_input_tokens <= 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", ToAbsl(mark), "\" is no number of tokens above 0"));
    }
  }
  GATEWAY_ASSIGN_OR_RETURN(step.rates, ReadRates(words));
  return step;
}

// The entries as they grow, line by line.
class Entries {
 public:
  absl::Status AddLine(std::string_view line) {
    Words words(line);
    std::string_view vendor = words.Take();
    if (vendor.empty() || vendor.front() == '#') return absl::OkStatus();
    const std::string_view model = words.Take();
    if (model.empty()) return absl::InvalidArgumentError("names no model");
    if (vendor == kAny) vendor = "";
    if (vendor != vendor_ || model != model_) {
      GATEWAY_RETURN_IF_ERROR(EndModel());
      vendor_ = vendor;
      model_ = model;
    }
    GATEWAY_ASSIGN_OR_RETURN(ModelRates::Step step, ReadStep(words));
    steps_.push_back(step);
    return absl::OkStatus();
  }

  // Makes an entry of the model whose lines were the last ones.
  absl::Status EndModel() {
    if (steps_.empty()) return absl::OkStatus();
    absl::StatusOr<ModelRates> price =
        ModelRates::Make(std::exchange(steps_, {}));
    if (!price.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          ToAbsl(model_), ", which is above it, ", price.status().message()));
    }
    entries_.push_back({.vendor = std::string(vendor_),
                        .model = std::string(model_),
                        .price = *std::move(price)});
    return absl::OkStatus();
  }

  std::vector<PriceEntry> Take() { return std::move(entries_); }

 private:
  std::string_view vendor_;
  std::string_view model_;
  std::vector<ModelRates::Step> steps_;
  std::vector<PriceEntry> entries_;
};

}  // namespace

absl::StatusOr<std::vector<PriceEntry>> ReadPriceLines(std::string_view text) {
  Entries entries;
  for (int number = 1;; ++number) {
    const size_t end = text.find('\n');
    const absl::Status read = end == std::string_view::npos && text.empty()
                                  ? entries.EndModel()
                                  : entries.AddLine(text.substr(0, end));
    if (!read.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": ", read.message()));
    }
    if (text.empty()) return entries.Take();
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace gateway

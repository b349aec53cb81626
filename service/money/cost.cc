#include "service/money/cost.h"

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "absl/numeric/int128.h"

namespace gateway {
namespace {

using ::llmgateway::v1::Usage;

// A count of tokens times a TokenPrice is in nano-dollars per million.
constexpr uint64_t kScale = 1'000'000;

// Some nano-dollars, and millionths of one beside them.
struct Amount {
  absl::uint128 nanos;
  uint64_t millionths;  // Less than kScale.
};

// The millionths that were cut off what the tokens of each kind cost.
using CutOff = PerTokenKind<uint64_t>;

Amount Split(absl::uint128 scaled) {
  // Nearly all fit into 64 bits, where a constant is divided by quickly.
  if (absl::Uint128High64(scaled) == 0) {
    const uint64_t low = absl::Uint128Low64(scaled);
    return {low / kScale, low % kScale};
  }
  return {scaled / kScale, absl::Uint128Low64(scaled % kScale)};
}

absl::uint128 Scaled(int64_t tokens, TokenPrice price) {
  return absl::uint128(static_cast<uint64_t>(tokens)) *
         static_cast<uint64_t>(price.nanos_per_million());
}

// Gives so many nano-dollars to the parts that lost most in rounding.
void Distribute(uint64_t missing, CutOff& cut_off, PerTokenKind<Money>* parts) {
  for (; missing > 0; --missing) {
    TokenKind most = kTokenKinds[0].kind;
    for (const NamedTokenKind& each : kTokenKinds) {
      if (cut_off[each.kind] > cut_off[most]) most = each.kind;
    }
    cut_off[most] = 0;
    (*parts)[most] += Money::FromNanos(1);
  }
}

// Fills the parts up to Max(), in order.
void Saturate(const TokenRates& rates, const PerTokenKind<int64_t>& tokens,
              CutOff& cut_off, CostBreakdown* cost) {
  uint64_t left = static_cast<uint64_t>(Money::Max().nanos());
  for (const NamedTokenKind& each : kTokenKinds) {
    const absl::uint128 nanos =
        Split(Scaled(tokens[each.kind], rates[each.kind])).nanos;
    const uint64_t taken = nanos < left ? absl::Uint128Low64(nanos) : left;
    cost->parts[each.kind] = Money::FromNanos(static_cast<int64_t>(taken));
    left -= taken;
  }
  Distribute(left, cut_off, &cost->parts);
  cost->total = Money::Max();
  cost->saturated = true;
}

}  // namespace

PerTokenKind<int64_t> BilledTokens(const Usage& usage) {
  PerTokenKind<int64_t> tokens;
  const auto take = [&tokens](int64_t asked, TokenKind kind, int64_t* left) {
    const int64_t taken = std::clamp<int64_t>(asked, 0, *left);
    tokens[kind] = taken;
    *left -= taken;
  };

  int64_t written = std::max<int64_t>(usage.cache_write_tokens(), 0);
  int64_t input = std::max<int64_t>(usage.input_tokens(), 0);
  written = std::min(written, input);
  input -= written;
  take(usage.cache_write_1h_tokens(), TokenKind::kCacheWrite1h, &written);
  tokens[TokenKind::kCacheWrite] = written;
  take(usage.cached_input_tokens(), TokenKind::kCacheRead, &input);
  take(usage.audio_input_tokens(), TokenKind::kAudioInput, &input);
  take(usage.image_input_tokens(), TokenKind::kImageInput, &input);
  tokens[TokenKind::kInput] = input;

  int64_t output = std::max<int64_t>(usage.output_tokens(), 0);
  take(usage.audio_output_tokens(), TokenKind::kAudioOutput, &output);
  take(usage.image_output_tokens(), TokenKind::kImageOutput, &output);
  take(usage.reasoning_tokens(), TokenKind::kReasoning, &output);
  tokens[TokenKind::kOutput] = output;
  return tokens;
}

CostBreakdown Cost(const TokenRates& rates,
                   const PerTokenKind<int64_t>& tokens) {
  CostBreakdown cost;
  CutOff cut_off;
  absl::uint128 nanos = 0;
  uint64_t millionths = 0;
  for (const NamedTokenKind& each : kTokenKinds) {
    assert(tokens[each.kind] >= 0);
    if (tokens[each.kind] == 0) continue;
    const Amount amount = Split(Scaled(tokens[each.kind], rates[each.kind]));
    cut_off[each.kind] = amount.millionths;
    // One that does not fit is set anew by Saturate.
    cost.parts[each.kind] = Money::FromNanos(
        static_cast<int64_t>(absl::Uint128Low64(amount.nanos)));
    nanos += amount.nanos;
    millionths += amount.millionths;
  }
  const uint64_t missing = (millionths + kScale / 2) / kScale;
  nanos += missing;
  if (nanos > static_cast<uint64_t>(Money::Max().nanos())) {
    Saturate(rates, tokens, cut_off, &cost);
    return cost;
  }
  Distribute(missing, cut_off, &cost.parts);
  cost.total =
      Money::FromNanos(static_cast<int64_t>(absl::Uint128Low64(nanos)));
  return cost;
}

CostBreakdown Cost(const ModelRates& price, const Usage& usage,
                   ServiceTier tier) {
  return Cost(price.RatesFor(usage.input_tokens(), tier), BilledTokens(usage));
}

void SetCost(const ModelRates* price, ServiceTier tier, Usage* usage) {
  usage->set_cost_known(price != nullptr && price->HasTier(tier));
  if (price == nullptr) {
    usage->set_cost_usd_nanos(0);
    usage->clear_cost_breakdown();
    return;
  }
  const CostBreakdown cost = Cost(*price, *usage, tier);
  usage->set_cost_usd_nanos(cost.total.nanos());
  FillBreakdown(cost, usage->mutable_cost_breakdown());
}

void FillBreakdown(const CostBreakdown& cost,
                   llmgateway::v1::CostBreakdown* to) {
  const auto nanos_of = [&cost](TokenKind kind) {
    return cost.parts[kind].nanos();
  };
  to->set_input_nanos(nanos_of(TokenKind::kInput));
  to->set_output_nanos(nanos_of(TokenKind::kOutput));
  to->set_cached_input_nanos(nanos_of(TokenKind::kCacheRead));
  to->set_cache_write_nanos(nanos_of(TokenKind::kCacheWrite));
  to->set_cache_write_1h_nanos(nanos_of(TokenKind::kCacheWrite1h));
  to->set_reasoning_nanos(nanos_of(TokenKind::kReasoning));
  to->set_audio_input_nanos(nanos_of(TokenKind::kAudioInput));
  to->set_audio_output_nanos(nanos_of(TokenKind::kAudioOutput));
  to->set_image_input_nanos(nanos_of(TokenKind::kImageInput));
  to->set_image_output_nanos(nanos_of(TokenKind::kImageOutput));
}

Money EstimateCost(const ModelRates& price, int64_t input_tokens,
                   int64_t output_tokens) {
  const TokenRates& rates =
      price.RatesFor(input_tokens, ServiceTier::kStandard);
  const absl::uint128 scaled =
      Scaled(std::max<int64_t>(input_tokens, 0), rates[TokenKind::kInput]) +
      Scaled(std::max<int64_t>(output_tokens, 0), rates[TokenKind::kOutput]);
  // As Cost rounds the sum, whose parts nobody asks for here.
  const absl::uint128 nanos = Split(scaled + kScale / 2).nanos;
  if (nanos > static_cast<uint64_t>(Money::Max().nanos())) return Money::Max();
  return Money::FromNanos(static_cast<int64_t>(absl::Uint128Low64(nanos)));
}

Money EstimateSelectionCost(const ModelRates& price, bool long_context,
                            bool reasoning) {
  int64_t input_tokens = 1000;
  if (long_context) input_tokens *= 2;
  if (reasoning) input_tokens += input_tokens / 2;
  return EstimateCost(price, input_tokens, input_tokens / 2);
}

}  // namespace gateway

// What a call cost, from its usage and its model's price.
//
//   const ModelRates* const price = prices.Find(vendor, model);
//   SetCost(price, ServiceTierOf(response.service_tier()), &usage);
//
// Usage counts some tokens twice, once in a whole and once as a part of it;
// here each is billed once, as BilledTokens says. The cost is computed exactly,
// in 128 bits, and rounded once, half up, to a nano-dollar. So it is the same
// whatever way an answer came, and costs of equal usages are equal.
//
// What a request charges besides tokens, such as searches, is not in it.
//
// Thread-safe: plain functions, which do not allocate. A cost takes 25 ns with
// two kinds of token and 50 with six.

#ifndef SERVICE_MONEY_COST_H_
#define SERVICE_MONEY_COST_H_

#include <cstdint>

#include "llmgateway/v1/usage.pb.h"
#include "service/money/model_price.h"
#include "service/money/money.h"
#include "service/money/token_kind.h"

namespace gateway {

// Returns the tokens of each kind, each token in one of them.
//
// Of the input those written to and read from the cache come first, then sound,
// then images, and the rest is plain input: cached sound and images, which
// Usage does not tell, are taken for cached text as far as the input leaves
// room for the sound and the images beside it. Of the output sound comes first,
// then images, then reasoning, then the rest, in which predicted tokens are,
// kept or thrown away. A part that is larger than its whole is cut, and a
// negative count is none.
PerTokenKind<int64_t> BilledTokens(const llmgateway::v1::Usage& usage);

struct CostBreakdown {
  Money total;
  // What the tokens of each kind cost; the sum is `total`. To make it so, each
  // part is rounded down, and what is missing then is given, a nano-dollar
  // each, to those that lost most, the earlier kind first among equals: no part
  // is off by a nano-dollar or more.
  PerTokenKind<Money> parts;
  // It is more than Money::Max(), which `total` is then; the parts are filled
  // up in order of their kinds.
  bool saturated = false;
};

// Returns what so many tokens cost. REQUIRES: no count is negative.
CostBreakdown Cost(const TokenRates& rates,
                   const PerTokenKind<int64_t>& tokens);

// Returns what a usage costs by the prices of its tier and length of prompt.
CostBreakdown Cost(const ModelRates& price, const llmgateway::v1::Usage& usage,
                   ServiceTier tier = ServiceTier::kStandard);

// Fills in `cost_usd_nanos`, `cost_known` and `cost_breakdown` of `usage`.
// `tier` is the one that served, as the answer says, not the one that was asked
// for. Without a price, which is null then, the cost is 0 and not known. Where
// the model has none in the tier, it is that of the standard tier, and not
// known either.
void SetCost(const ModelRates* price, ServiceTier tier,
             llmgateway::v1::Usage* usage);

// The same with the parts as messages tell them.
void FillBreakdown(const CostBreakdown& cost,
                   llmgateway::v1::CostBreakdown* to);

// Returns what so many tokens would cost in the standard tier, with nothing
// cached: for comparing models before a call, and for reserving. A negative
// count is none.
Money EstimateCost(const ModelRates& price, int64_t input_tokens,
                   int64_t output_tokens);

// Returns what a call of which nothing is known but what it needs is taken to
// cost when a model is selected: 1000 tokens of input, twice as many where a
// long context is needed, half as many again for reasoning, and half of that
// as output.
Money EstimateSelectionCost(const ModelRates& price, bool long_context,
                            bool reasoning);

}  // namespace gateway

#endif  // SERVICE_MONEY_COST_H_

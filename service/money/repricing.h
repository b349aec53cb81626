// Repricing computes anew what recorded calls have cost, by what they consumed
// and a table of prices, and says which of them differ: the proof that a
// ledger's sums are its prices times its tokens.
//
//   Repricing repricing(table);
//   const Repricing::Result result = repricing.Add(call);
//   if (result.differs()) ...
//   repricing.sums();  // By model.
//
// Thread-compatible.

#ifndef SERVICE_MONEY_REPRICING_H_
#define SERVICE_MONEY_REPRICING_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/money/money.h"
#include "service/money/price_list.h"
#include "service/money/price_table.h"

namespace gateway {

// What a record says of a call.
struct RecordedCost {
  std::string vendor;  // As lists of prices call it.
  std::string model;   // That the provider was asked for.
  std::string service_tier;
  absl::Time time;  // Whose prices hold.
  // Its cost is what was recorded.
  llmgateway::v1::Usage usage;
};

class Repricing {
 public:
  struct Result {
    bool was_known = false;
    bool is_known = false;
    Money recorded;
    Money repriced;

    bool differs() const {
      return was_known != is_known || recorded != repriced;
    }
  };

  // Of the calls of one model.
  struct Sum {
    int64_t calls = 0;
    int64_t estimated_calls = 0;  // Whose provider did not count.
    int64_t unpriced_calls = 0;   // Whose price is not known now.
    int64_t different_calls = 0;
    Money recorded;
    Money repriced;
  };
  // By vendor and model.
  using Sums = std::map<std::pair<std::string, std::string>, Sum>;

  // Borrows both; `said` as of PriceTable::Find.
  explicit Repricing(const PriceTable& prices, const PriceList* said = nullptr)
      : prices_(prices), said_(said) {}

  Result Add(const RecordedCost& call);

  const Sums& sums() const { return sums_; }
  // Of all.
  Sum total() const;

 private:
  const PriceTable& prices_;
  const PriceList* const said_;
  Sums sums_;
};

}  // namespace gateway

#endif  // SERVICE_MONEY_REPRICING_H_

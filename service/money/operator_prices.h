// OperatorPrices are what operators have said that models cost while the
// gateway runs: they come before those of the configuration and the shipped
// ones. A call takes the list of when it begins, and keeps it.
//
//   OperatorPrices prices;                          // One for the process.
//   GATEWAY_RETURN_IF_ERROR(prices.Set(entry));
//   ...
//   const std::shared_ptr<const PriceList> said = prices.Get();
//   table.Find(vendor, model, call.start_time, said.get());
//
// Thread-safe.

#ifndef SERVICE_MONEY_OPERATOR_PRICES_H_
#define SERVICE_MONEY_OPERATOR_PRICES_H_

#include <atomic>
#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/os/mutex.h"
#include "service/money/price_list.h"

namespace gateway {

// So many entries there can be at a time.
inline constexpr size_t kOperatorPricesMax = 1000;

class OperatorPrices {
 public:
  OperatorPrices() = default;
  OperatorPrices(const OperatorPrices&) = delete;
  OperatorPrices& operator=(const OperatorPrices&) = delete;

  // Returns what was said; null if nothing is, at the price of a load then.
  std::shared_ptr<const PriceList> Get() const LOCKS_EXCLUDED(mu_) {
    if (!has_any_.load(std::memory_order_acquire)) return nullptr;
    MutexLock lock(mu_);
    return list_;
  }

  // Returns the list that there would be with an entry in the place of the one
  // of its vendor, model and time. RESOURCE_EXHAUSTED beyond
  // kOperatorPricesMax; INVALID_ARGUMENT as PriceList::Make.
  absl::StatusOr<PriceList> With(const PriceEntry& entry) const
      LOCKS_EXCLUDED(mu_);

  // Returns the list that there would be without that entry. NOT_FOUND if there
  // is none.
  absl::StatusOr<PriceList> Without(const PriceEntry& entry) const
      LOCKS_EXCLUDED(mu_);

  // Puts the list into force that With or Without returns, or fails as they do.
  absl::Status Set(const PriceEntry& entry) LOCKS_EXCLUDED(mu_);
  absl::Status Remove(const PriceEntry& entry) LOCKS_EXCLUDED(mu_);

  // Puts a list in the place of all that was said.
  void Replace(PriceList list) LOCKS_EXCLUDED(mu_);

 private:
  // From when the next list is made until it is in force.
  Mutex changes_;
  mutable Mutex mu_;
  std::shared_ptr<const PriceList> list_ GUARDED_BY(mu_);
  std::atomic<bool> has_any_ = false;
};

// Whether both are of the same vendor, model and time.
bool IsOfTheSame(const PriceEntry& a, const PriceEntry& b);

}  // namespace gateway

#endif  // SERVICE_MONEY_OPERATOR_PRICES_H_

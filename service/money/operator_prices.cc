#include "service/money/operator_prices.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

// Copies all but the one that is as `entry`.
std::vector<PriceEntry> OthersThan(const PriceEntry& entry,
                                   const PriceList* list) {
  std::vector<PriceEntry> others;
  if (list == nullptr) return others;
  std::copy_if(list->entries().begin(), list->entries().end(),
               std::back_inserter(others), [&](const PriceEntry& each) {
                 return !IsOfTheSame(each, entry);
               });
  return others;
}

}  // namespace

bool IsOfTheSame(const PriceEntry& a, const PriceEntry& b) {
  return !IsBefore(a, b) && !IsBefore(b, a);
}

absl::StatusOr<PriceList> OperatorPrices::With(const PriceEntry& entry) const {
  std::vector<PriceEntry> entries = OthersThan(entry, Get().get());
  if (entries.size() >= kOperatorPricesMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("as many as ", kOperatorPricesMax,
                     " prices were set: remove one first"));
  }
  entries.push_back(entry);
  return PriceList::Make(std::move(entries));
}

absl::StatusOr<PriceList> OperatorPrices::Without(
    const PriceEntry& entry) const {
  const std::shared_ptr<const PriceList> list = Get();
  std::vector<PriceEntry> entries = OthersThan(entry, list.get());
  if (list == nullptr || entries.size() == list->entries().size()) {
    return absl::NotFoundError("no such price was set");
  }
  return PriceList::Make(std::move(entries));
}

absl::Status OperatorPrices::Set(const PriceEntry& entry) {
  MutexLock lock(changes_);
  GATEWAY_ASSIGN_OR_RETURN(PriceList next, With(entry));
  Replace(std::move(next));
  return absl::OkStatus();
}

absl::Status OperatorPrices::Remove(const PriceEntry& entry) {
  MutexLock lock(changes_);
  GATEWAY_ASSIGN_OR_RETURN(PriceList next, Without(entry));
  Replace(std::move(next));
  return absl::OkStatus();
}

void OperatorPrices::Replace(PriceList list) {
  auto next = std::make_shared<const PriceList>(std::move(list));
  MutexLock lock(mu_);
  has_any_.store(!next->entries().empty(), std::memory_order_release);
  list_ = std::move(next);
}

}  // namespace gateway

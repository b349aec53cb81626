#include "service/money/price_table.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

absl::Status In(absl::string_view where, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(where, ": ", status.message()));
}

}  // namespace

absl::StatusOr<PriceTable> PriceTable::Make(std::string_view list,
                                            std::vector<PriceEntry> overrides) {
  absl::StatusOr<std::vector<PriceEntry>> entries = ReadPriceLines(list);
  if (!entries.ok()) return In("prices", entries.status());
  absl::StatusOr<PriceList> shipped = PriceList::Make(*std::move(entries));
  if (!shipped.ok()) return In("prices", shipped.status());
  absl::StatusOr<PriceList> said = PriceList::Make(std::move(overrides));
  if (!said.ok()) return In("price overrides", said.status());
  return PriceTable(*std::move(shipped), *std::move(said));
}

const ModelRates* PriceTable::Find(std::string_view vendor,
                                   std::string_view model, absl::Time at,
                                   const PriceList* said) const {
  model = PricedName(model);
  for (const PriceList* const list : {said, &overrides_}) {
    if (list == nullptr) continue;
    if (const ModelRates* const price = list->Find(vendor, model, at)) {
      return price;
    }
  }
  return shipped_.Find(vendor, model, at);
}

}  // namespace gateway

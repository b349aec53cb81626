// PriceList finds the price of a model in one list of entries.
//
//   GATEWAY_ASSIGN_OR_RETURN(const PriceList list,
//                            PriceList::Make(std::move(entries)));
//   const ModelRates* const price =
//       list.Find("openai", "gpt-4o-2024-08-06", call.start_time);
//
// Of several entries of one vendor and model the latest that has begun is
// meant; before the first it is as if there were none.
//
// A name is looked for as it is, then without its date, then by the longest
// beginning that is in the list. Each time the vendor's own entry comes before
// that for any vendor. A date is `-2024-08-06`, `-20240806`, `@20240806` or
// `-latest`, at the end.
//
// Thread contract: immutable.

#ifndef SERVICE_MONEY_PRICE_LIST_H_
#define SERVICE_MONEY_PRICE_LIST_H_

#include <bitset>
#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/money/model_price.h"
#include "service/money/price_lines.h"

namespace gateway {

class PriceList {
 public:
  // Returns INVALID_ARGUMENT, naming the model, if two entries have the same
  // vendor, model and time, if a model is empty, or has a `*` elsewhere than at
  // its end.
  static absl::StatusOr<PriceList> Make(std::vector<PriceEntry> entries);

  PriceList(PriceList&&) = default;
  PriceList& operator=(PriceList&&) = default;

  // Returns the price of a model at a time; null if the list has none. Valid
  // while the list is, wherever it is moved to. Does not allocate. Takes a few
  // hash look-ups however long the list is; by beginnings, one for each length
  // of those that begin with the same character.
  const ModelRates* Find(std::string_view vendor, std::string_view model,
                         absl::Time at) const {
    const PriceEntry* const entry = FindEntry(vendor, model, at);
    return entry == nullptr ? nullptr : &entry->price;
  }
  // Returns the entry that has it.
  const PriceEntry* FindEntry(std::string_view vendor, std::string_view model,
                              absl::Time at) const;

  // Sorted by vendor, model and time.
  const std::vector<PriceEntry>& entries() const { return entries_; }

 private:
  // By a model's name or beginning, which is in the entry, the last entry of
  // each vendor that has one.
  using OfVendors = absl::InlinedVector<const PriceEntry*, 1>;
  using Index = absl::flat_hash_map<absl::string_view, OfVendors>;
  // The beginnings of one length, and which characters they begin with: most
  // names are settled by that.
  struct Length {
    size_t length = 0;
    std::bitset<256> first_characters;
    bool MayFit(std::string_view model) const {
      if (length == 0) return true;
      return length <= model.size() &&
             first_characters.test(static_cast<unsigned char>(model[0]));
    }
  };

  PriceList() = default;

  void AddBeginning(std::string_view name);
  const PriceEntry* FindIn(const Index& index, std::string_view vendor,
                           std::string_view model, absl::Time at) const;
  const PriceEntry* FindAt(const OfVendors& entries, std::string_view vendor,
                           absl::Time at) const;

  // Not changed once the indices point into it.
  std::vector<PriceEntry> entries_;
  Index names_;
  Index beginnings_;
  std::vector<Length> beginning_lengths_;  // The longest first.
};

// Whether `a` is before `b` in lists: by vendor, model and time.
bool IsBefore(const PriceEntry& a, const PriceEntry& b);

// Whether a model may have its price by this entry.
bool IsPriceOf(const PriceEntry& entry, std::string_view model);

// Returns `model` without `models/` before it, as Gemini writes.
std::string_view PricedName(std::string_view model);

// Returns `model` without the date at its end; all of it if it has none.
std::string_view WithoutDate(std::string_view model);

}  // namespace gateway

#endif  // SERVICE_MONEY_PRICE_LIST_H_

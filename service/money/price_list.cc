#include "service/money/price_list.h"

#include <algorithm>
#include <tuple>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// Whether `text` ends in what `shape` says, in which 0 is any digit.
bool EndsLike(std::string_view text, std::string_view shape) {
  if (text.size() < shape.size()) return false;
  text.remove_prefix(text.size() - shape.size());
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool alike =
        shape[i] == '0' ? absl::ascii_isdigit(text[i]) : text[i] == shape[i];
    if (!alike) return false;
  }
  return true;
}

absl::Status RefusedEntry(const PriceEntry& entry, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat(entry.vendor, entry.vendor.empty() ? "" : " ", entry.model,
                   entry.model.empty() ? "" : " ", ToAbsl(why)));
}

}  // namespace

std::string_view WithoutDate(std::string_view model) {
  // Each shape ends so, and most names do not.
  if (model.empty() ||
      (!absl::ascii_isdigit(model.back()) && model.back() != 't')) {
    return model;
  }
  for (const std::string_view shape :
       {"-2000-00-00", "-20000000", "@20000000", "-latest"}) {
    if (model.size() > shape.size() && EndsLike(model, shape)) {
      return model.substr(0, model.size() - shape.size());
    }
  }
  return model;
}

bool IsBefore(const PriceEntry& a, const PriceEntry& b) {
  return std::tie(a.vendor, a.model, a.effective_time) <
         std::tie(b.vendor, b.model, b.effective_time);
}

bool IsPriceOf(const PriceEntry& entry, std::string_view model) {
  model = PricedName(model);
  const std::string_view name = entry.model;
  return name == model || name == WithoutDate(model) ||
         (name.ends_with('*') &&
          model.starts_with(name.substr(0, name.size() - 1)));
}

std::string_view PricedName(std::string_view model) {
  constexpr std::string_view kGeminiPrefix = "models/";
  if (model.starts_with(kGeminiPrefix)) {
    model.remove_prefix(kGeminiPrefix.size());
  }
  return model;
}

absl::StatusOr<PriceList> PriceList::Make(std::vector<PriceEntry> entries) {
  PriceList list;
  list.entries_ = std::move(entries);
  std::sort(list.entries_.begin(), list.entries_.end(), IsBefore);
  list.names_.reserve(list.entries_.size());
  const PriceEntry* last = nullptr;
  for (const PriceEntry& entry : list.entries_) {
    if (entry.model.empty()) {
      return RefusedEntry(entry, "an entry names no model");
    }
    std::string_view name = entry.model;
    const bool beginning = name.ends_with('*');
    if (beginning) name.remove_suffix(1);
    if (name.find('*') != std::string_view::npos) {
      return RefusedEntry(entry, "has a * that is not at its end");
    }
    if (last != nullptr && !IsBefore(*last, entry)) {
      return RefusedEntry(entry, "is in the list twice");
    }
    OfVendors& last_ones =
        (beginning ? list.beginnings_ : list.names_)[ToAbsl(name)];
    // Those of one vendor and model come one after the other.
    if (last != nullptr && last->vendor == entry.vendor &&
        last->model == entry.model) {
      last_ones.back() = &entry;
    } else {
      last_ones.push_back(&entry);
    }
    last = &entry;
    if (beginning) list.AddBeginning(name);
  }
  std::sort(
      list.beginning_lengths_.begin(), list.beginning_lengths_.end(),
      [](const Length& a, const Length& b) { return a.length > b.length; });
  return list;
}

void PriceList::AddBeginning(std::string_view name) {
  Length* found = nullptr;
  for (Length& each : beginning_lengths_) {
    if (each.length == name.size()) found = &each;
  }
  if (found == nullptr) {
    found = &beginning_lengths_.emplace_back();
    found->length = name.size();
  }
  if (!name.empty()) {
    found->first_characters.set(static_cast<unsigned char>(name[0]));
  }
}

const PriceEntry* PriceList::FindEntry(std::string_view vendor,
                                       std::string_view model,
                                       absl::Time at) const {
  if (entries_.empty()) return nullptr;
  if (const PriceEntry* const entry = FindIn(names_, vendor, model, at)) {
    return entry;
  }
  const std::string_view undated = WithoutDate(model);
  if (undated.size() < model.size()) {
    if (const PriceEntry* const entry = FindIn(names_, vendor, undated, at)) {
      return entry;
    }
  }
  for (const Length& each : beginning_lengths_) {
    if (!each.MayFit(model)) continue;
    if (const PriceEntry* const entry =
            FindIn(beginnings_, vendor, model.substr(0, each.length), at)) {
      return entry;
    }
  }
  return nullptr;
}

const PriceEntry* PriceList::FindIn(const Index& index, std::string_view vendor,
                                    std::string_view model,
                                    absl::Time at) const {
  if (index.empty()) return nullptr;
  const auto found = index.find(ToAbsl(model));
  if (found == index.end()) return nullptr;
  const PriceEntry* const entry = FindAt(found->second, vendor, at);
  return entry != nullptr || vendor.empty() ? entry
                                            : FindAt(found->second, "", at);
}

const PriceEntry* PriceList::FindAt(const OfVendors& entries,
                                    std::string_view vendor,
                                    absl::Time at) const {
  const auto last =
      std::find_if(entries.begin(), entries.end(),
                   [&](const auto* each) { return each->vendor == vendor; });
  if (last == entries.end()) return nullptr;
  const PriceEntry* entry = *last;
  // Those of one name stand side by side.
  while (entry->effective_time > at) {
    if (entry == entries_.data()) return nullptr;
    const PriceEntry* const earlier = entry - 1;
    if (earlier->vendor != entry->vendor || earlier->model != entry->model) {
      return nullptr;
    }
    entry = earlier;
  }
  return entry;
}

}  // namespace gateway

#include "service/money/price_list.h"

#include <algorithm>

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

absl::StatusOr<PriceList> PriceList::Make(std::vector<PriceEntry> entries) {
  PriceList list;
  list.entries_ = std::move(entries);
  list.names_.reserve(list.entries_.size());
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
    Index& index = beginning ? list.beginnings_ : list.names_;
    const Key key(entry.vendor, ToAbsl(name));
    if (!index.emplace(key, &entry.price).second) {
      return RefusedEntry(entry, "is in the list twice");
    }
    if (beginning) list.AddBeginning(name);
    if (entry.vendor.empty()) list.has_any_vendor_ = true;
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

const ModelRates* PriceList::Find(std::string_view vendor,
                                  std::string_view model) const {
  if (entries_.empty()) return nullptr;
  if (const ModelRates* const price = FindIn(names_, vendor, model)) {
    return price;
  }
  const std::string_view undated = WithoutDate(model);
  if (undated.size() < model.size()) {
    if (const ModelRates* const price = FindIn(names_, vendor, undated)) {
      return price;
    }
  }
  for (const Length& each : beginning_lengths_) {
    if (!each.MayFit(model)) continue;
    if (const ModelRates* const price =
            FindIn(beginnings_, vendor, model.substr(0, each.length))) {
      return price;
    }
  }
  return nullptr;
}

const ModelRates* PriceList::FindIn(const Index& index, std::string_view vendor,
                                    std::string_view model) const {
  auto found = index.find(Key(ToAbsl(vendor), ToAbsl(model)));
  if (found == index.end() && has_any_vendor_) {
    found = index.find(Key(absl::string_view(), ToAbsl(model)));
  }
  return found == index.end() ? nullptr : found->second;
}

}  // namespace gateway

#include "service/ledger/ledger_chains.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "service/ledger/entry_reader.h"

namespace gateway {
namespace {

// What one page has of texts, as LedgerIndex::Query has it for one chain.
constexpr size_t kPageBytes = 2 << 20;

// What a chain has found, and how much of it was taken.
struct FoundInChain {
  std::string name;
  LedgerIndex::Page page;
  std::vector<absl::Time> times;
  size_t taken = 0;

  bool is_empty() const { return taken == page.entries.size(); }
  // There may be more behind what it has, before what others have.
  bool is_unknown() const { return is_empty() && page.next != 0; }
  absl::Time next_time() const { return times[taken]; }
  // Where it goes on; 0 if it has no more.
  int64_t next() const {
    return is_empty() ? page.next : page.entries[taken].number;
  }
};

std::vector<absl::Time> EntryTimesOf(
    const std::vector<NumberedEntry>& entries) {
  std::vector<absl::Time> times;
  times.reserve(entries.size());
  EntryFacts facts;
  for (const NumberedEntry& entry : entries) {
    ReadEntryFacts(entry.text, &facts).IgnoreError();
    times.push_back(facts.time);
  }
  return times;
}

// The chain whose entry is the next; null if that is not known, or there is
// none.
FoundInChain* NextOf(std::vector<FoundInChain>& all, bool newest_first) {
  FoundInChain* next = nullptr;
  for (FoundInChain& each : all) {
    if (each.is_unknown()) return nullptr;
    if (each.is_empty()) continue;
    const bool is_before =
        next == nullptr ||
        (newest_first ? each.next_time() > next->next_time()
                      : each.next_time() < next->next_time());
    if (is_before) next = &each;
  }
  return next;
}

LedgerChains::Page Merge(std::vector<FoundInChain> all, bool newest_first,
                         int64_t limit) {
  LedgerChains::Page page;
  size_t bytes = 0;
  while (static_cast<int64_t>(page.entries.size()) < limit) {
    FoundInChain* const next = NextOf(all, newest_first);
    if (next == nullptr) break;
    NumberedEntry& entry = next->page.entries[next->taken];
    bytes += entry.text.size();
    if (bytes > kPageBytes && !page.entries.empty()) break;
    page.entries.push_back({next->name, entry.number, std::move(entry.text)});
    ++next->taken;
  }
  for (const FoundInChain& each : all) {
    page.indexed_entries += each.page.indexed_entries;
    if (each.next() != 0) page.next.push_back({each.name, each.next()});
  }
  return page;
}

}  // namespace

void LedgerChains::Add(const std::string& name, const CommitSource& commits,
                       LedgerIndex& index) {
  MutexLock lock(mu_);
  chains_.push_back({.name = name, .commits = &commits, .index = &index});
}

absl::Status LedgerChains::Refresh() const {
  return refresh_ ? refresh_() : absl::OkStatus();
}

std::vector<LedgerChains::Chain> LedgerChains::All() const {
  MutexLock lock(mu_);
  return chains_;
}

std::vector<LedgerChains::Chain> LedgerChains::Named(
    const std::string& name) const {
  std::vector<Chain> chains = All();
  if (name.empty()) return chains;
  chains.erase(
      std::remove_if(chains.begin(), chains.end(),
                     [&](const Chain& each) { return each.name != name; }),
      chains.end());
  return chains;
}

absl::StatusOr<LedgerChains::Page> LedgerChains::Find(
    const Query& query) const {
  std::vector<Position> from = query.from;
  if (from.empty()) {
    for (const Chain& chain : Named(query.chain)) from.push_back({chain.name});
  }
  std::vector<FoundInChain> all;
  for (const Position& position : from) {
    const std::vector<Chain> chains = All();
    const auto chain = std::find_if(
        chains.begin(), chains.end(),
        [&](const Chain& each) { return each.name == position.chain; });
    if (chain == chains.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no chain ", position.chain));
    }
    GATEWAY_ASSIGN_OR_RETURN(
        LedgerIndex::Page found,
        chain->index->Find({.filter = query.filter,
                            .newest_first = query.newest_first,
                            .from = position.next,
                            .limit = query.limit}));
    std::vector<absl::Time> times = EntryTimesOf(found.entries);
    all.push_back({chain->name, std::move(found), std::move(times)});
  }
  return Merge(std::move(all), query.newest_first, query.limit);
}

}  // namespace gateway

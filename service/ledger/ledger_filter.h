// LedgerFilter says which entries of a ledger are looked for.
//
//   const LedgerFilter filter{.session_id = "SES-1", .decision = "ERROR"};
//   if (Matches(filter, facts)) Show(facts);
//
// Thread-safe: plain functions.

#ifndef SERVICE_LEDGER_LEDGER_FILTER_H_
#define SERVICE_LEDGER_LEDGER_FILTER_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "service/ledger/entry_reader.h"

namespace gateway {

// An entry must be what each of these says that is not empty.
struct LedgerFilter {
  std::string id;
  std::vector<std::string> event_types;  // One of them.
  std::string submission_id;
  std::string session_id;
  std::string agent_id;
  std::string decision;
  std::string request_id;
  std::string caller;
  std::string provider;
  std::string model;
  // From the first on, and before the second. An entry without a time is
  // before all.
  absl::Time start_time = absl::InfinitePast();
  absl::Time end_time = absl::InfiniteFuture();

  bool operator==(const LedgerFilter&) const = default;
};

bool Matches(const LedgerFilter& filter, const EntryFacts& facts);

// Whether every entry matches.
bool MatchesAll(const LedgerFilter& filter);

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_FILTER_H_

// ReadEntryFacts reads what an entry of a ledger says, whoever wrote it: the
// gateway (entry.h), or an earlier system whose lines were taken over.
//
//   EntryFacts facts;  // Used again for the next one.
//   GATEWAY_RETURN_IF_ERROR(ReadEntryFacts(text, &facts));
//   if (facts.event_type == "EXCHANGE") Count(facts.provider, facts.model);
//
// Thread-safe: plain functions.

#ifndef SERVICE_LEDGER_ENTRY_READER_H_
#define SERVICE_LEDGER_ENTRY_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace gateway {

// What of an entry is looked for. A text that it does not have is empty.
struct EntryFacts {
  std::string id;
  std::string event_type;
  std::string submission_id;
  std::string decision;
  std::string reason;
  std::string previous_hash;
  std::string entry_hash;
  absl::Time time = absl::InfinitePast();  // If it has none.

  // Of `metadata`.
  std::string session_id;
  std::string agent_id;
  std::string dispatch_entry_id;

  // Of the member `gateway` of `metadata`, which other writers do not have. The
  // model is also that of `metadata.model_id`, and both of it and the provider
  // that of a dispatch's reason.
  std::string caller;
  std::string provider;
  std::string model;
  std::string request_id;
  std::string note_hash;
  std::optional<int64_t> cost_usd_nanos;

  // Empty again, with the memory that it has.
  void Clear();
};

// Reads an entry. INVALID_ARGUMENT for what is no JSON object, and `facts` has
// what came before that place; a member of another type than it should have is
// as one that is not there.
absl::Status ReadEntryFacts(std::string_view entry, EntryFacts* facts);

// Reads a time as entries have it: ISO 8601, in UTC unless it says otherwise.
// InfinitePast if it is none.
absl::Time ReadLedgerTime(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_LEDGER_ENTRY_READER_H_

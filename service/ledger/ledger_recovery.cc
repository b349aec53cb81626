#include "service/ledger/ledger_recovery.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/ledger/metadata_writer.h"

namespace gateway {
namespace {

constexpr std::string_view kUnknown =
    "UNKNOWN: the gateway ended before it was known how this went";
constexpr std::string_view kNotSent =
    "the dispatch could not be written down, so nothing was sent";

std::string MetadataOfNothing(std::string_view dispatch_id) {
  std::string metadata;
  MetadataWriter writer(&metadata);
  writer.AddText("dispatch_entry_id", dispatch_id);
  writer.AddText("error_code", "LEDGER_UNAVAILABLE");
  writer.AddText("error_message", kNotSent);
  writer.AddInt("input_tokens", 0);
  writer.AddText("outcome", "error");
  writer.AddInt("output_tokens", 0);
  return metadata;
}

UnchainedEntry ExchangeOf(std::string_view dispatch_id,
                          const OpenDispatches::Left& left, Random& random,
                          absl::Time now) {
  LedgerEntry entry;
  entry.event_type = "EXCHANGE";
  entry.submission_id = left.submission_id;
  entry.id = left.exchange_id.empty() ? NewEntryId(random) : left.exchange_id;
  entry.time = now;
  if (left.withdrawn) {
    entry.decision = "ERROR";
    entry.reason = absl::StrCat("LEDGER_UNAVAILABLE: ", ToAbsl(kNotSent));
    entry.metadata = MetadataOfNothing(dispatch_id);
  } else {
    entry.decision = "UNKNOWN";
    entry.reason = kUnknown;
    entry.metadata = left.exchange_metadata;
  }
  return UnchainedEntry(entry, ClosingNote(dispatch_id));
}

}  // namespace

absl::StatusOr<int64_t> CloseOpenDispatches(LedgerLog& log,
                                            ChargeUnknown charge,
                                            Random& random, Clock& clock) {
  const absl::Time now = clock.WallTime();
  int64_t closed = 0;
  std::vector<UnchainedEntry> entries;
  for (const auto& [id, left] : log.open_dispatches().all()) {
    entries.push_back(ExchangeOf(id, left, random, now));
    ++closed;
    if (left.withdrawn || left.reservation.empty()) continue;
    GATEWAY_ASSIGN_OR_RETURN(UnchainedEntry charged,
                             charge(left, NewEntryId(random), now));
    entries.push_back(std::move(charged));
  }
  if (entries.empty()) return 0;
  std::vector<const UnchainedEntry*> all;
  all.reserve(entries.size());
  for (const UnchainedEntry& each : entries) all.push_back(&each);
  GATEWAY_RETURN_IF_ERROR(log.Append(all, now));
  return closed;
}

}  // namespace gateway

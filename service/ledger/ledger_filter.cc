#include "service/ledger/ledger_filter.h"

#include <algorithm>
#include <string>

namespace gateway {
namespace {

bool Is(const std::string& asked, const std::string& said) {
  return asked.empty() || asked == said;
}

}  // namespace

bool Matches(const LedgerFilter& filter, const EntryFacts& facts) {
  const bool is_of_type =
      filter.event_types.empty() ||
      std::find(filter.event_types.begin(), filter.event_types.end(),
                facts.event_type) != filter.event_types.end();
  return is_of_type && Is(filter.id, facts.id) &&
         Is(filter.submission_id, facts.submission_id) &&
         Is(filter.session_id, facts.session_id) &&
         Is(filter.agent_id, facts.agent_id) &&
         Is(filter.decision, facts.decision) &&
         Is(filter.request_id, facts.request_id) &&
         Is(filter.caller, facts.caller) &&
         Is(filter.provider, facts.provider) && Is(filter.model, facts.model) &&
         facts.time >= filter.start_time && facts.time < filter.end_time;
}

bool MatchesAll(const LedgerFilter& filter) { return filter == LedgerFilter(); }

}  // namespace gateway

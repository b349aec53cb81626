#include "service/api/ledger_view.h"

#include <cstddef>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/key_view.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/hash_text.h"

namespace gateway {
namespace {

constexpr int kEventTypesMax = 16;
constexpr int kLedgerPageSizeDefault = 100;
constexpr int kLedgerPageSizeMax = 1000;
constexpr size_t kQueryMarkBytes = 16;
constexpr size_t kPageTokenBytesMax = 64 << 10;

// Tells queries apart: one's tokens are of no use for another.
std::string QueryMark(const v1::QueryLedgerRequest& request) {
  v1::QueryLedgerRequest query;
  *query.mutable_filter() = request.filter();
  query.set_newest_first(request.newest_first());
  return HashText(query.SerializeAsString()).substr(0, kQueryMarkBytes);
}

// One of `5`, in a ledger that is a file, and `2:5`, in the chain 2.
bool ReadPosition(absl::string_view text, LedgerChains::Position* position) {
  const size_t colon = text.find(':');
  if (colon != absl::string_view::npos) {
    position->chain = std::string(text.substr(0, colon));
    text.remove_prefix(colon + 1);
  }
  return absl::SimpleAtoi(text, &position->next) && position->next > 0;
}

absl::StatusOr<std::vector<LedgerChains::Position>> PositionsInToken(
    const v1::QueryLedgerRequest& request) {
  std::vector<LedgerChains::Position> positions;
  if (request.page_token().empty()) return positions;
  const std::vector<std::string> parts =
      absl::StrSplit(request.page_token(), '/');
  bool is_one = parts.size() == 2 && parts[1].size() == kQueryMarkBytes &&
                request.page_token().size() <= kPageTokenBytesMax;
  if (is_one) {
    for (const absl::string_view each : absl::StrSplit(parts[0], ',')) {
      is_one = is_one && ReadPosition(each, &positions.emplace_back());
    }
  }
  if (!is_one) {
    return InvalidField("page_token", "is not one that QueryLedger returned");
  }
  if (parts[1] != QueryMark(request)) {
    return InvalidField("page_token",
                        "is of another query; begin again without one");
  }
  return positions;
}

}  // namespace

absl::StatusOr<LedgerFilter> LedgerFilterOf(const v1::LedgerFilter& filter) {
  if (filter.event_types_size() > kEventTypesMax) {
    return InvalidField("filter.event_types", "has more than 16");
  }
  LedgerFilter out{
      .event_types = {filter.event_types().begin(), filter.event_types().end()},
      .submission_id = filter.submission_id(),
      .session_id = filter.session_id(),
      .agent_id = filter.agent_id(),
      .decision = filter.decision(),
      .request_id = filter.request_id(),
      .caller = filter.caller(),
      .provider = filter.provider(),
      .model = filter.model()};
  if (filter.has_start_time()) {
    GATEWAY_RETURN_IF_ERROR(
        CheckTime(filter.start_time(), "filter.start_time"));
    out.start_time = ToAbsl(filter.start_time());
  }
  if (filter.has_end_time()) {
    GATEWAY_RETURN_IF_ERROR(CheckTime(filter.end_time(), "filter.end_time"));
    out.end_time = ToAbsl(filter.end_time());
  }
  if (out.end_time < out.start_time) {
    return InvalidField("filter.end_time", "is before start_time");
  }
  return out;
}

absl::StatusOr<LedgerChains::Query> LedgerQueryOf(
    const v1::QueryLedgerRequest& request) {
  if (request.page_size() < 0 || request.page_size() > kLedgerPageSizeMax) {
    return InvalidField("page_size", "must be from 0 to 1000");
  }
  LedgerChains::Query query{.chain = request.filter().chain(),
                            .newest_first = request.newest_first(),
                            .limit = request.page_size() == 0
                                         ? kLedgerPageSizeDefault
                                         : request.page_size()};
  GATEWAY_ASSIGN_OR_RETURN(query.filter, LedgerFilterOf(request.filter()));
  GATEWAY_ASSIGN_OR_RETURN(query.from, PositionsInToken(request));
  return query;
}

std::string LedgerPageToken(const v1::QueryLedgerRequest& request,
                            const std::vector<LedgerChains::Position>& next) {
  std::string token;
  for (const LedgerChains::Position& position : next) {
    absl::StrAppend(&token, token.empty() ? "" : ",", position.chain,
                    position.chain.empty() ? "" : ":", position.next);
  }
  if (!token.empty()) absl::StrAppend(&token, "/", QueryMark(request));
  return token;
}

void FillLedgerEntry(const LedgerChains::Entry& entry, v1::LedgerEntry* out) {
  EntryFacts facts;
  ReadEntryFacts(entry.text, &facts).IgnoreError();
  out->set_id(facts.id);
  out->set_event_type(facts.event_type);
  out->set_submission_id(facts.submission_id);
  out->set_decision(facts.decision);
  out->set_reason(facts.reason);
  if (facts.time != absl::InfinitePast()) {
    SetProto(facts.time, out->mutable_time());
  }
  out->set_number(entry.number);
  out->set_chain(entry.chain);
  out->set_previous_hash(facts.previous_hash);
  out->set_entry_hash(facts.entry_hash);
  out->set_json(entry.text);
}

}  // namespace gateway

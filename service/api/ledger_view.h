// What the ledger's rpcs say and are told, between the contract's messages and
// the ledger (service/ledger).
//
//   GATEWAY_CO_ASSIGN_OR_RETURN(const LedgerFilter filter,
//                               LedgerFilterOf(request.filter()));
//   FillLedgerEntry(found, response->add_entries());
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_LEDGER_VIEW_H_
#define SERVICE_API_LEDGER_VIEW_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "llmgateway/v1/ledger.pb.h"
#include "service/ledger/ledger_chains.h"
#include "service/ledger/ledger_filter.h"

namespace gateway {

// INVALID_REQUEST naming the field, as `filter.event_types`.
absl::StatusOr<LedgerFilter> LedgerFilterOf(
    const llmgateway::v1::LedgerFilter& filter);

// The search that a request asks for. INVALID_REQUEST naming the field; for a
// page_token of another query, or of none.
absl::StatusOr<LedgerChains::Query> LedgerQueryOf(
    const llmgateway::v1::QueryLedgerRequest& request);

// The token of the page that goes on there; empty for no position.
std::string LedgerPageToken(const llmgateway::v1::QueryLedgerRequest& request,
                            const std::vector<LedgerChains::Position>& next);

// Of what is no entry, there are number and text.
void FillLedgerEntry(const LedgerChains::Entry& entry,
                     llmgateway::v1::LedgerEntry* out);

}  // namespace gateway

#endif  // SERVICE_API_LEDGER_VIEW_H_

// Ledgers of replicas, read in their PostgreSQL without a gateway: `--postgres
// CONNINFO`, in libpq's words, and `--schema NAME`. A password is where libpq
// looks for it: PGPASSWORD, or a password file.
//
//   GATEWAY_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresLedger> ledger,
//                            PostgresLedgerOf(words));
//   if (ledger != nullptr) return VerifyPostgres(*ledger, words);
//
// Thread-safe; blocks on the database, of whose errors each may be returned.

#ifndef CLIENTS_CLI_LEDGER_POSTGRES_H_
#define CLIENTS_CLI_LEDGER_POSTGRES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/progress.h"
#include "llmgateway/v1/ledger.pb.h"
#include "service/ledger/ledger_filter.h"
#include "service/ledger/ledger_walk.h"
#include "service/ledger/postgres_ledger.h"

namespace gateway {

// Null if the words name none. NOT_FOUND if there is no ledger.
absl::StatusOr<std::unique_ptr<PostgresLedger>> PostgresLedgerOf(
    const OperatorWords& words);

// Visits the entries of a chain, or of one chain after the other if it is
// empty; those that are in archives are passed over.
absl::Status VisitPostgresLedger(
    const PostgresLedger& ledger, const std::string& chain,
    absl::FunctionRef<void(const std::string& chain, int64_t number,
                           std::string_view entry)>
        visit);

// As FindInFiles; entries of several chains are in the order of their times.
absl::StatusOr<std::vector<llmgateway::v1::LedgerEntry>> FindInPostgres(
    const PostgresLedger& ledger, const std::string& chain,
    const LedgerFilter& filter, int64_t limit, bool newest_first);

// Verifies all chains and what joins them, or one chain. `noted_hash` as of
// LedgerWalk; `progress` may be null.
absl::StatusOr<llmgateway::v1::VerifyLedgerResponse> VerifyPostgres(
    const PostgresLedger& ledger, const std::string& chain, int64_t after_entry,
    const std::string& noted_hash = "", Progress* progress = nullptr);

}  // namespace gateway

#endif  // CLIENTS_CLI_LEDGER_POSTGRES_H_

// Archives of a ledger in PostgreSQL, as `gatewayctl ledger archive` makes them
// and verify, get and prove read them: `--archive DIR`.
//
//   // gatewayctl ledger archive --postgres C --before 2026-09 --out DIR
//   GATEWAY_ASSIGN_OR_RETURN(const std::string text, ArchiveLedger(words));
//
// Thread-safe; blocks on the database and the disk, for as long as it takes.

#ifndef CLIENTS_CLI_LEDGER_ARCHIVE_H_
#define CLIENTS_CLI_LEDGER_ARCHIVE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/progress.h"
#include "llmgateway/v1/ledger.pb.h"
#include "service/ledger/postgres_ledger.h"

namespace gateway {

// Takes the months before `--before` into the folder `--out`. Returns what
// there is to say, or that as JSON. `progress` may be null.
absl::StatusOr<std::string> ArchiveLedger(const OperatorWords& words,
                                          Progress* progress = nullptr);

// Whether an entry of a folder's files, of those that the database has recorded
// of all chains or that one, says to have this hash. VerifyArchive says whether
// the files are what they were.
absl::StatusOr<bool> IsHashInArchive(const PostgresLedger& ledger,
                                     const std::string& chain,
                                     const std::string& folder,
                                     const std::string& hash);

// Verifies the files of a folder by what the database has recorded, of all
// chains or that one. What is wrong goes into `found`, which says that all else
// is well. Returns how many files there were.
absl::StatusOr<int64_t> VerifyArchive(
    const PostgresLedger& ledger, const std::string& chain,
    const std::string& folder, llmgateway::v1::VerifyLedgerResponse* found);

// Finds an entry in a folder's files. NOT_FOUND if there is none.
absl::StatusOr<llmgateway::v1::LedgerEntry> FindInArchive(
    const std::string& folder, const std::string& id);

}  // namespace gateway

#endif  // CLIENTS_CLI_LEDGER_ARCHIVE_H_

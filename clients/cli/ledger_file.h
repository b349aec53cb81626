// Ledgers on this machine, read without a gateway: a gateway's file, beside
// which one may go on writing, or lines of JSON, such as an export or what
// earlier systems have written.
//
//   GATEWAY_RETURN_IF_ERROR(VisitLedgerFile("ledger.db", [&](
//       int64_t number, std::string_view entry) { ... }));
//
// Lines may come through a pipe as well; `-` is standard input.
//
// Thread-safe; blocks on the disk. For files that cannot be read the errors are
// what the system says; DATA_LOSS for a gateway's file with a commit missing.

#ifndef CLIENTS_CLI_LEDGER_FILE_H_
#define CLIENTS_CLI_LEDGER_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "llmgateway/v1/ledger.pb.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/ledger_filter.h"

namespace gateway {

// Visits the entries of a file in their order, with their places in it, from 1
// on. Empty lines are passed over. Of a gateway's file `on_commit` is called
// with each commit once its entries were visited.
absl::Status VisitLedgerFile(
    const std::string& file,
    absl::FunctionRef<void(int64_t number, std::string_view entry)> visit);
absl::Status VisitLedgerFile(
    const std::string& file,
    absl::FunctionRef<void(int64_t number, std::string_view entry)> visit,
    absl::FunctionRef<void(const LedgerCommit& commit)> on_commit);

// Whether it is a gateway's, rather than lines.
absl::StatusOr<bool> IsLedgerDatabase(const std::string& file);

// Finds entries in files, whose places go on from one to the next. The first
// ones, or the last ones, as many as `limit`; then the last one is the first.
// INVALID_ARGUMENT for a type or decision that there is not.
absl::StatusOr<std::vector<llmgateway::v1::LedgerEntry>> FindInFiles(
    absl::Span<const std::string> files, const LedgerFilter& filter,
    int64_t limit, bool newest_first);

// An entry's text as a message.
llmgateway::v1::LedgerEntry LedgerEntryMessage(int64_t number,
                                               const std::string& text);

}  // namespace gateway

#endif  // CLIENTS_CLI_LEDGER_FILE_H_

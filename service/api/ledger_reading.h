// LedgerVerification and LedgerExport read all of a ledger in pieces, for rpcs
// that tell how far they have come.
//
//   LedgerVerification verification(log, /*after_entry=*/0);
//   GATEWAY_RETURN_IF_ERROR(verification.Begin());
//   while (!verification.is_done()) {
//     GATEWAY_RETURN_IF_ERROR(verification.Step());
//     Show(verification.progress());
//   }
//
// What is written meanwhile is left out. Errors are those of LedgerLog::Read.
//
// Thread-compatible; blocks on the disk, for tens of milliseconds at each step.

#ifndef SERVICE_API_LEDGER_READING_H_
#define SERVICE_API_LEDGER_READING_H_

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "llmgateway/v1/ledger.pb.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/ledger_check.h"
#include "service/ledger/ledger_filter.h"
#include "service/ledger/ledger_index.h"
#include "service/ledger/ledger_log.h"

namespace gateway {

class LedgerVerification {
 public:
  // Borrows the log.
  LedgerVerification(const LedgerLog& log, int64_t after_entry)
      : log_(log), after_entry_(after_entry) {}

  // OUT_OF_RANGE if there is no entry of the number after_entry.
  absl::Status Begin();
  absl::Status Step();

  bool is_done() const { return is_done_; }
  llmgateway::v1::VerifyLedgerResponse progress() const;

 private:
  const LedgerLog& log_;
  const int64_t after_entry_;
  CommitPlace end_;
  int64_t next_commit_ = 1;
  LedgerCheck check_;
  bool is_done_ = false;
};

class LedgerExport {
 public:
  // Borrows both.
  LedgerExport(const LedgerLog& log, LedgerIndex& index, LedgerFilter filter)
      : log_(log), index_(index), filter_(std::move(filter)) {}

  absl::Status Begin();
  // Returns what it found, if anything.
  absl::StatusOr<std::vector<llmgateway::v1::ExportLedgerResponse>> Step();

  bool is_done() const { return is_done_; }

 private:
  using Pieces = std::vector<llmgateway::v1::ExportLedgerResponse>;

  absl::StatusOr<Pieces> StepByIndex();
  absl::StatusOr<Pieces> StepByLog();
  static void Append(std::string_view entry, Pieces* pieces);

  const LedgerLog& log_;
  LedgerIndex& index_;
  const LedgerFilter filter_;
  CommitPlace end_;
  // Whether the index has all that there is to find.
  bool by_index_ = false;
  int64_t next_commit_ = 1;
  int64_t next_entry_ = 1;
  EntryFacts facts_;
  bool is_done_ = false;
};

}  // namespace gateway

#endif  // SERVICE_API_LEDGER_READING_H_

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
// What is written meanwhile is left out. Errors are those of
// CommitSource::Read.
//
// Thread-compatible; blocks on the disk, for tens of milliseconds at each step.

#ifndef SERVICE_API_LEDGER_READING_H_
#define SERVICE_API_LEDGER_READING_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "llmgateway/v1/ledger.pb.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/ledger_chains.h"
#include "service/ledger/ledger_check.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/ledger_filter.h"
#include "service/ledger/ledger_index.h"
#include "service/ledger/ledger_walk.h"

namespace gateway {

class LedgerVerification {
 public:
  explicit LedgerVerification(LedgerWalk::Options options)
      : walk_(std::move(options)) {}
  // Of one chain by itself, which is borrowed.
  LedgerVerification(const CommitSource& log, int64_t after_entry)
      : LedgerVerification(LedgerWalk::Options{.chains = {{.commits = &log}},
                                               .after_entry = after_entry}) {}

  // OUT_OF_RANGE if there is no entry of the number after_entry.
  absl::Status Begin() { return walk_.Begin(); }
  absl::Status Step() { return walk_.Step(); }

  bool is_done() const { return walk_.is_done(); }
  llmgateway::v1::VerifyLedgerResponse progress() const {
    return ProgressOf(walk_);
  }

 private:
  static llmgateway::v1::VerifyLedgerResponse ProgressOf(
      const LedgerWalk& walk);

  LedgerWalk walk_;
};

// Several chains go out one behind the other, without what is in archives.
class LedgerExport {
 public:
  // Borrows what the chains name.
  LedgerExport(std::vector<LedgerChains::Chain> chains, LedgerFilter filter)
      : chains_(std::move(chains)), filter_(std::move(filter)) {}
  LedgerExport(const CommitSource& log, LedgerIndex& index, LedgerFilter filter)
      : LedgerExport({{.commits = &log, .index = &index}}, std::move(filter)) {}

  absl::Status Begin();
  // Returns what it found, if anything.
  absl::StatusOr<std::vector<llmgateway::v1::ExportLedgerResponse>> Step();

  bool is_done() const { return current_ == chains_.size(); }

 private:
  using Pieces = std::vector<llmgateway::v1::ExportLedgerResponse>;

  absl::StatusOr<Pieces> StepByIndex();
  absl::StatusOr<Pieces> StepByLog();
  static void Append(std::string_view entry, Pieces* pieces);

  const std::vector<LedgerChains::Chain> chains_;
  const LedgerFilter filter_;
  size_t current_ = 0;
  // Of the current chain.
  CommitPlace end_;
  // Whether the index has all that there is to find.
  bool by_index_ = false;
  int64_t next_commit_ = 1;
  int64_t next_entry_ = 1;
  EntryFacts facts_;
  bool is_chain_done_ = false;
};

}  // namespace gateway

#endif  // SERVICE_API_LEDGER_READING_H_

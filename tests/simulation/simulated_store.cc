#include "tests/simulation/simulated_store.h"

#include <utility>

#include "base/status_macros.h"

namespace gateway {
namespace {



absl::Status IsAway() { return absl::UnavailableError("the disk is away"); }

}  // namespace

absl::Status SimulatedStore::Append(const NewCommit& commit) {
  const LedgerConduct conduct = phase_now_().conduct;
  if (conduct == LedgerConduct::kRefuses) {
    return absl::ResourceExhaustedError("the disk is full");
  }
  if (conduct == LedgerConduct::kAway) return IsAway();
  const LedgerCommit& said = commit.commit;
  const std::string last_hash =
      disk_->rows.empty() ? "" : disk_->rows.back().hash;
  if (said.number != static_cast<int64_t>(disk_->rows.size()) + 1 ||
      commit.previous_hash != last_hash) {
    return absl::AbortedError("somebody else appends to the chain");
  }
  disk_->rows.push_back({.number = said.number,
                         .first_entry = said.first_entry,
                         .entries = said.entries,
                         .time = said.time,
                         .texts = std::string(said.texts),
                         .notes = std::string(said.notes),
                         .hash = std::string(commit.last_hash)});
  if (written_ != nullptr) written_(disk_->rows.back());
  return conduct == LedgerConduct::kWell
             ? absl::OkStatus()
             : absl::UnavailableError("nobody knows whether it is there");
}

bool SimulatedStore::MayBeRead() const {
  const LedgerConduct conduct = phase_now_().conduct;
  return conduct != LedgerConduct::kAway &&
         conduct != LedgerConduct::kWritesAndGoes;
}

absl::StatusOr<LastCommit> SimulatedStore::Last() {
  if (!MayBeRead()) return IsAway();
  LastCommit last;
  if (disk_->rows.empty()) return last;
  const SimulatedDisk::Row& row = disk_->rows.back();
  last.number = row.number;
  last.first_entry = row.first_entry;
  last.entries = row.entries;
  last.hash = row.hash;
  last.texts = row.texts;
  return last;
}

absl::StatusOr<LedgerCheckpoint> SimulatedStore::LoadCheckpoint() {
  if (!MayBeRead()) return IsAway();
  return disk_->checkpoint;
}

absl::Status SimulatedStore::KeepCheckpoint(LedgerCheckpoint checkpoint) {
  if (phase_now_().conduct != LedgerConduct::kWell) return IsAway();
  disk_->checkpoint = std::move(checkpoint);
  return absl::OkStatus();
}

absl::Status SimulatedStore::Read(int64_t first_commit,
                                  VisitCommit visit) const {
  for (const SimulatedDisk::Row& row : disk_->rows) {
    if (row.number < first_commit) continue;
    GATEWAY_RETURN_IF_ERROR(visit({.number = row.number,
                                   .first_entry = row.first_entry,
                                   .entries = row.entries,
                                   .time = row.time,
                                   .texts = row.texts,
                                   .notes = row.notes}));
  }
  return absl::OkStatus();
}

}  // namespace gateway

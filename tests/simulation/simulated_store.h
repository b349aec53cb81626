// SimulatedStore is a ledger's store in memory: what becomes of a commit, the
// scenario says for the moment at which it comes. What is on the disk outlasts
// it, so that a ledger can be opened anew.
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_SIMULATED_STORE_H_
#define TESTS_SIMULATION_SIMULATED_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/ledger/commit_store.h"
#include "tests/simulation/scenario_money.h"

namespace gateway {

// What has been written.
struct SimulatedDisk {
  struct Row {
    int64_t number = 0;
    int64_t first_entry = 0;
    int64_t entries = 0;
    absl::Time time;
    std::string texts;
    std::string notes;
    std::string hash;  // Of its last entry.
  };

  std::vector<Row> rows;
  LedgerCheckpoint checkpoint;
};

class SimulatedStore final : public CommitStore {
 public:
  // What it is at this moment.
  using PhaseNow = std::function<const LedgerPhase&()>;
  // Is told of what is written.
  using Written = std::function<void(const SimulatedDisk::Row& row)>;

  // `written` may be null.
  SimulatedStore(std::shared_ptr<SimulatedDisk> disk, PhaseNow phase_now,
                 Written written)
      : disk_(std::move(disk)),
        phase_now_(std::move(phase_now)),
        written_(std::move(written)) {}

  std::string name() const override { return "the simulated disk"; }
  std::string_view remedy() const override { return "look at the seed"; }

  absl::Status Append(const NewCommit& commit) override;
  absl::StatusOr<LastCommit> Last() override;
  absl::StatusOr<LedgerCheckpoint> LoadCheckpoint() override;
  absl::Status KeepCheckpoint(LedgerCheckpoint checkpoint) override;
  absl::Status Read(int64_t first_commit, VisitCommit visit) const override;

 private:
  bool MayBeRead() const;

  const std::shared_ptr<SimulatedDisk> disk_;
  const PhaseNow phase_now_;
  const Written written_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_SIMULATED_STORE_H_

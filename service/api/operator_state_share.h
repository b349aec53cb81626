// OperatorStateShare has what an operator says at one replica hold at all of
// them, by way of a RecordStore that they share.
//
//   OperatorStateShare share(record_store, current_runtime);
//   loop.Post([&] { Spawn(share.Run(loop)); });
//   ...
//   share.Stop(loop);
//
// Each second it looks what has been said here, which it puts into the store,
// and what others have said, which it puts into force: so that holds everywhere
// within kInterval twice, and the time that the store takes. Of two who speak
// of the same thing the later counts.
//
// A process that begins takes over what the store has, and gives up what it had
// kept itself and the store has not: others have taken that back meanwhile.
// Only if the store has nothing at all, since it is new or has lost it, it has
// what the first process has. While the store cannot be read, what is said here
// holds here, and is told later.
//
// Thread contract: Run on one event loop, once; Stop from another thread.

#ifndef SERVICE_API_OPERATOR_STATE_SHARE_H_
#define SERVICE_API_OPERATOR_STATE_SHARE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "service/api/operator_state.h"
#include "service/pipeline/current_runtime.h"
#include "service/store/record_store.h"

namespace gateway {

class OperatorStateShare {
 public:
  static constexpr std::string_view kCollection = "operator_state";
  static constexpr absl::Duration kInterval = absl::Seconds(1);

  // Borrows both. What is in force now was said before.
  OperatorStateShare(RecordStore& store, const CurrentRuntime& current)
      : store_(store), state_(current), told_(state_.Read()) {}

  OperatorStateShare(const OperatorStateShare&) = delete;
  OperatorStateShare& operator=(const OperatorStateShare&) = delete;

  // Shares until Stop.
  Task<void> Run(EventLoop& loop);
  // Returns once Run has. REQUIRES: Run was posted to `loop`, which is running.
  void Stop(EventLoop& loop);
  // On the loop.
  void StopOnLoop();

  // Does so once. Errors are RecordStore's.
  Task<absl::Status> Share(CancelSignal& cancel);

 private:
  using Names = std::set<std::string, std::less<>>;

  // What is in force here otherwise than the store has been told.
  Names SaidHere(const OperatorState::Items& here) const;
  // Takes over what others have said, but for what was said here since.
  Task<absl::Status> TakeAll(const OperatorState::Items& here, Names* said,
                             CancelSignal& cancel);
  Task<absl::Status> TakeChanges(const OperatorState::Items& here,
                                 const Names& said, CancelSignal& cancel);
  Task<absl::Status> Tell(const OperatorState::Items& here, const Names& said,
                          CancelSignal& cancel);
  void Take(const std::string& name, const std::optional<std::string>& item,
            const OperatorState::Items& here, const Names& said);
  void TellOnce(const absl::Status& shared);

  RecordStore& store_;
  const OperatorState state_;
  Latch ended_;

  // Of Run's loop.
  CancelSignal stop_;
  // What the store is known to have, as far as it concerns this configuration.
  OperatorState::Items told_;
  // How far its changes are known; nothing before all was read.
  std::optional<int64_t> sequence_;
  bool shares_ = true;  // Whether the store could be asked lately.
};

}  // namespace gateway

#endif  // SERVICE_API_OPERATOR_STATE_SHARE_H_

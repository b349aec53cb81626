// OperatorStateShare has what an operator says at one replica hold at all of
// them, by way of a RecordStore that they share.
//
//   OperatorStateShare share({.store = record_store, .current = runtime,
//                             .state = state_store, .worker = worker});
//   loop.Post([&] { Spawn(share.Run(loop)); });
//   ...
//   share.Stop(loop);
//
// Each second it looks what has been said here, which it puts into the store,
// and what others have said, which it puts into force: so that holds everywhere
// within kInterval twice, and the time that the store takes. Each statement has
// the time at which it was said (operator_statement.h), and of two who speak of
// the same thing the later counts: also where one of them could not be told for
// long, and where the store has lost all. What is said after another statement
// was heard here is later than that, whatever the clocks of the two say.
//
// What others have said is kept on disk as what is said here: in the documents
// that a process restores at its start, and with its time, and that of what was
// taken back, in kStatementDocument. So a process that begins while the store
// is away has what held when it ended; and whatever the store has when it is
// back is weighed against that. That a thing was taken back is remembered for
// kForgottenAfter.
//
// While the store cannot be read, what is said here holds here, and is told
// later.
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
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "service/api/operator_state.h"
#include "service/api/operator_statement.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"
#include "service/store/record_store.h"

namespace gateway {

class OperatorStateShare {
 public:
  static constexpr std::string_view kCollection = "operator_statements";
  static constexpr absl::Duration kInterval = absl::Seconds(1);
  static constexpr absl::Duration kForgottenAfter = absl::Hours(24 * 30);

  struct Sources {
    // All are borrowed.
    RecordStore& store;
    const CurrentRuntime& current;
    StateStore& state;
    // The one on which what operators say is kept and put into force.
    BlockingWorker& worker;
  };

  // Reads what was kept; what is in force now otherwise was said after that.
  // Blocks on the file system.
  explicit OperatorStateShare(const Sources& sources);

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
  // When something was said that is seen now: after `last`, what was known of
  // the same thing, if anything was.
  using TimeOf = std::function<absl::Time(const KnownStatement* last)>;

  // Hears what the others have said, and tells them what they do not know.
  Task<absl::Status> Exchange(CancelSignal& cancel);
  // Keeps on disk what is known, if that has changed.
  Task<void> Keep(CancelSignal& cancel);

  absl::Time Now() const;
  // What was said here is known, and is to be told, from now on.
  void HearHere();
  void HearHere(const TimeOf& time_of);
  void HearHere(const std::string& name, const OperatorState::Items& here,
                const TimeOf& time_of);
  Task<absl::Status> HearAll(CancelSignal& cancel);
  Task<absl::Status> HearChanges(CancelSignal& cancel);
  // What the store has of it, if anything.
  void Hear(const std::string& name, const Record* record);
  // Both within StateStore::PutIntoForce. Whether what is in force here is not
  // what it was when what is said here was heard last, nor has ended by itself.
  bool WasJustSaid(const std::string& name, const KnownStatement& known) const;
  void PutIntoForce(const std::string& name, KnownStatement& known);
  Task<absl::Status> Tell(CancelSignal& cancel);
  void Forget();
  void TellOnce(const absl::Status& shared);

  const Sources sources_;
  const OperatorState state_;
  Latch ended_;

  // Of Run's loop.
  CancelSignal stop_;
  KnownStatements known_;
  Names untold_;
  bool is_kept_ = true;  // Whether the disk has all that is known.
  bool keeps_ = true;    // Whether it could be kept lately.
  // How far the store's changes are known; nothing before all was read.
  std::optional<int64_t> sequence_;
  bool shares_ = true;  // Whether the store could be asked lately.
};

}  // namespace gateway

#endif  // SERVICE_API_OPERATOR_STATE_SHARE_H_

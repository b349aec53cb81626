// SessionStore keeps conversations for callers who go on with them, as records
// of a RecordStore (service/store), and so as long as that keeps them.
//
//   SessionStore sessions(records, clock, SecureRandom());
//   GATEWAY_CO_ASSIGN_OR_RETURN(
//       const v1::Session opened,
//       co_await sessions.Create(limits, caller.id, request, cancel));
//   ...
//   // A call goes on with it:
//   GATEWAY_CO_ASSIGN_OR_RETURN(
//       const std::unique_ptr<SessionTurn> turn,
//       co_await sessions.Begin(limits, caller.id, id, options, cancel));
//   GATEWAY_RETURN_IF_ERROR(turn->Say(request.messages()));
//   ... turn->messages() are what the model is asked with ...
//   GATEWAY_CO_RETURN_IF_ERROR(co_await turn->End(answer, cancel));
//
// To all but its owner, who has opened it, there is no such session. It expires
// `ttl` after it was opened, or a turn was last added to it; a turn that is
// under way outlasts that.
//
// A turn - what the caller has said and what was answered - is added whole, by
// one change of one record, or not at all. A session has one turn at a time:
// here a second one is refused as it begins, and of two at several gateways
// that share the store the one that ends last.
//
// Faults are those of session_fault.h. Thread-safe: from any event loop.

#ifndef SERVICE_SESSIONS_SESSION_STORE_H_
#define SERVICE_SESSIONS_SESSION_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/random.h"
#include "llmgateway/config/v1/cache.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/sessions/session_messages.h"
#include "service/sessions/session_record.pb.h"
#include "service/sessions/session_shares.h"
#include "service/store/record_store.h"

namespace gateway {

struct SessionLimits {
  static SessionLimits Of(const llmgateway::config::v1::SessionsConfig& config);

  absl::Duration ttl;  // Where who opens a session does not say.
  int64_t sessions = 0;
  int64_t messages = 0;
  int64_t session_bytes = 0;
  int64_t size_bytes = 0;  // Of all, but where several processes share them.
};

class SessionTurn;

class SessionStore {
 public:
  // In the record store.
  static constexpr std::string_view kCollection = "sessions";
  static constexpr absl::Duration kTtlMin = absl::Minutes(1);
  static constexpr absl::Duration kTtlMax = absl::Hours(720);

  // Since the start, but for `sessions`.
  struct Stats {
    // How many there are now, by what was counted last; 0 until somebody has
    // opened one here.
    int64_t sessions = 0;
    int64_t opened = 0;
    int64_t refused_by_limit = 0;
    int64_t refused_by_share = 0;  // Of the caller, who has a quarter.
    int64_t refused_by_bytes = 0;  // Turns too.
    int64_t turns_kept = 0;
    int64_t turns_not_kept = 0;  // Whose calls have failed for it.
  };

  // Borrows all of them; `random` makes ids that nobody may guess. `in_memory`
  // if the records are kept there, for this alone.
  SessionStore(RecordStore& records, Clock& clock, Random& random,
               bool in_memory = false)
      : records_(records),
        clock_(clock),
        random_(random),
        in_memory_(in_memory) {}

  SessionStore(const SessionStore&) = delete;
  SessionStore& operator=(const SessionStore&) = delete;

  // Has the shares of sessions from before known. To be called once, before all
  // else, where the records outlast the process and no other has them; where
  // several share them, the store knows. Errors are the store's.
  Task<absl::Status> Load(CancelSignal& cancel) LOCKS_EXCLUDED(mu_);

  // Opens a session. There are no more than `limits` say, of all gateways that
  // share the store. The last quarter of them, and of what they may take, is
  // for owners who have less than a quarter.
  // INVALID_REQUEST, SESSION_LIMITED, STORE_UNAVAILABLE.
  Task<absl::StatusOr<llmgateway::v1::Session>> Create(
      SessionLimits limits, std::string_view owner,
      const llmgateway::v1::CreateSessionRequest& request, CancelSignal& cancel)
      LOCKS_EXCLUDED(mu_);

  // Below, INVALID_REQUEST without an id, NOT_FOUND and STORE_UNAVAILABLE.

  Task<absl::StatusOr<llmgateway::v1::Session>> Get(std::string_view owner,
                                                    std::string_view id,
                                                    CancelSignal& cancel);
  Task<absl::Status> Delete(std::string_view owner, std::string_view id,
                            CancelSignal& cancel) LOCKS_EXCLUDED(mu_);

  struct TurnOptions {
    // When the call will have ended: so long at least the session stays.
    absl::Time until;
    // Nothing is to be added; then it is no turn, and others do not matter.
    bool only_reads = false;
  };
  // Goes on with a session: CONFLICT while another turn is under way. What it
  // returns must end before this, on the loop that it began on.
  Task<absl::StatusOr<std::unique_ptr<SessionTurn>>> Begin(
      SessionLimits limits, std::string_view owner, std::string_view id,
      TurnOptions options, CancelSignal& cancel) LOCKS_EXCLUDED(mu_);

  // Frees sessions in memory that have expired: else they go when somebody asks
  // for one. Elsewhere the store does so by itself. To be called now and then.
  Task<void> FreeExpired(CancelSignal& cancel);

  Stats stats() const LOCKS_EXCLUDED(mu_);

 private:
  friend class SessionTurn;

  struct Found {
    llmgateway::kept::SessionRecord kept;
    int64_t version = 0;
    absl::Time expire_time;
    size_t bytes = 0;
  };
  Task<absl::StatusOr<Found>> Read(std::string_view owner, std::string_view id,
                                   CancelSignal& cancel);
  // SESSION_LIMITED, too, if it would grow and all may take no more than
  // `size_bytes`; a quota's refusal as the store says it.
  Task<absl::StatusOr<int64_t>> Put(const llmgateway::kept::SessionRecord& kept,
                                    PutOptions options, std::string bytes,
                                    int64_t size_bytes, CancelSignal& cancel)
      LOCKS_EXCLUDED(mu_);
  // Has a change count that is about to be put, if it is this that counts;
  // returns what was there before. SESSION_LIMITED as Put.
  absl::StatusOr<std::optional<SessionExtent>> Reserve(
      const llmgateway::kept::SessionRecord& kept, const SessionExtent& asked,
      int64_t size_bytes) LOCKS_EXCLUDED(mu_);
  // Counts them anew, unless they just were.
  Task<absl::Status> CountAnew(int64_t limit, CancelSignal& cancel)
      LOCKS_EXCLUDED(mu_);
  // As OK if there is room for one more, which then counts until Made. Where
  // the store counts owners, it says so when the session is put.
  absl::Status MakeRoom(std::string_view owner, int64_t limit)
      LOCKS_EXCLUDED(mu_);
  absl::Status Refuse(QuotaRefusal refusal, int64_t limit)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status RefuseBytes(int64_t limit) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Made(bool kept) LOCKS_EXCLUDED(mu_);
  void CountTurn(bool kept) LOCKS_EXCLUDED(mu_);
  // SESSION_LIMITED if the owner's may not grow by so many bytes now.
  absl::Status CheckRoom(std::string_view owner, size_t bytes, int64_t limit)
      LOCKS_EXCLUDED(mu_);
  std::string NewId();

  // Whether no turn of that name was under way; it is now.
  bool TryEnter(const std::string& name) LOCKS_EXCLUDED(mu_);
  void Leave(const std::string& name) LOCKS_EXCLUDED(mu_);

  RecordStore& records_;
  Clock& clock_;
  Random& random_;
  const bool in_memory_;

  mutable Mutex mu_;
  // Whose turns are under way, as many as calls.
  absl::flat_hash_set<std::string> under_way_ GUARDED_BY(mu_);
  // How many sessions there are, as far as this gateway knows, and when they
  // were counted; steady. Decides where the store does not count owners.
  int64_t sessions_ GUARDED_BY(mu_) = 0;
  int64_t making_ GUARDED_BY(mu_) = 0;
  std::optional<absl::Duration> counted_ GUARDED_BY(mu_);
  SessionShares shares_ GUARDED_BY(mu_);  // Empty where it does.
  Stats counts_ GUARDED_BY(mu_);
};

// A session and what a call makes of it. Destroyed without End, nothing has
// changed. Not thread-safe.
class SessionTurn {
 public:
  ~SessionTurn();
  SessionTurn(const SessionTurn&) = delete;
  SessionTurn& operator=(const SessionTurn&) = delete;

  const std::string& id() const { return kept_.session().id(); }

  // The conversation.
  const SessionMessages& messages() const { return kept_.session().messages(); }
  // What it takes, about.
  size_t bytes() const { return bytes_; }
  // What an answer may have, about.
  int64_t room_bytes() const {
    return limits_.session_bytes - static_cast<int64_t>(bytes_);
  }

  // SESSION_LIMITED: an answer for which there is no room.
  absl::Status TooLarge() const;

  // Adds what the caller says (session_messages.h). SESSION_LIMITED if there is
  // no room for it and an answer. May be called off the loop.
  absl::Status Say(const SessionMessages& said);

  // Adds the answer, unless it says nothing, and keeps all of it. When that is
  // OK, it is kept. To be called once, after Say. SESSION_LIMITED, CONFLICT,
  // STORE_UNAVAILABLE.
  Task<absl::Status> End(llmgateway::v1::Message answer, CancelSignal& cancel);

 private:
  friend class SessionStore;

  // `name` is what TryEnter has let in; empty if nothing.
  SessionTurn(SessionStore& store, const SessionLimits& limits,
              SessionStore::Found found, std::string name);

  SessionStore& store_;
  const SessionLimits limits_;
  llmgateway::kept::SessionRecord kept_;
  int64_t version_;
  size_t bytes_;
  const std::string name_;
};

}  // namespace gateway

#endif  // SERVICE_SESSIONS_SESSION_STORE_H_

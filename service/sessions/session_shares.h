// SessionShares knows which caller has how many sessions, so that one who opens
// them without end does not keep others from theirs: the last quarter of those
// that there may be is for callers who have less than a quarter.
//
//   if (!shares.Admits(owner, open, limit, now)) ...   // Refused.
//   const SessionExtent asked = {.expire_time = now + ttl, .bytes = size};
//   const std::optional<SessionExtent> before = shares.Find(id);
//   if (!shares.Reserve(id, owner, asked, limit_bytes, now)) ...  // Refused.
//   ...
//   if (kept) shares.Settle(id, asked); else shares.Settle(id, before);
//   ...
//   shares.Forget(id);  // Deleted.
//
// It knows what it was told of, as long as that has not expired, and so is for
// a store that one process has alone. What is about to be written counts before
// it is there, so that those who write at the same time do not exceed a limit
// together. Takes memory in proportion to the sessions.
//
// Thread-compatible.

#ifndef SERVICE_SESSIONS_SESSION_SHARES_H_
#define SERVICE_SESSIONS_SESSION_SHARES_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace gateway {

// What a session takes, and until when.
struct SessionExtent {
  absl::Time expire_time;
  int64_t bytes = 0;
};

class SessionShares {
 public:
  // How many of so many are for callers who have fewer than that.
  static int64_t ShareOfAll(int64_t limit) { return limit / kShare; }

  // Whether the caller may open one more, where there are `open` in all and may
  // be `limit`. That there are fewer is somebody else's to see to.
  bool Admits(std::string_view owner, int64_t open, int64_t limit,
              absl::Time now);

  // Whether what the caller has may grow by `bytes`, where all that is known
  // may take `limit`.
  bool HasRoom(std::string_view owner, int64_t bytes, int64_t limit,
               absl::Time now);

  // It is there until then, in place of what was recorded of it before.
  void Record(std::string_view id, std::string_view owner,
              const SessionExtent& extent);

  // Nothing if there is none of that id.
  std::optional<SessionExtent> Find(std::string_view id) const;

  // Has what is about to be written counted as there, in place of what was
  // recorded of the session before where that is less. Returns false, with
  // nothing changed, if the owner has no room to grow by the difference.
  bool Reserve(std::string_view id, std::string_view owner,
               const SessionExtent& asked, int64_t limit, absl::Time now);

  // What a session that was reserved has come to; nothing if there is none. One
  // that was forgotten meanwhile stays so.
  void Settle(std::string_view id, const std::optional<SessionExtent>& extent);

  void Forget(std::string_view id);

 private:
  // One of so many parts is for those who have less than that.
  static constexpr int64_t kShare = 4;

  struct Session {
    std::string owner;
    SessionExtent extent;
  };
  // What one owner has.
  struct Share {
    int64_t sessions = 0;
    int64_t bytes = 0;
  };
  using Expiry = std::pair<absl::Time, std::string>;  // And the id.

  void ForgetExpired(absl::Time now);
  Share ShareOf(std::string_view owner) const;

  absl::flat_hash_map<std::string, Session> sessions_;
  absl::flat_hash_map<std::string, Share> shares_;  // Of owners who have any.
  int64_t bytes_ = 0;                               // All of them.
  std::set<Expiry> expiries_;                       // One for each session.
};

}  // namespace gateway

#endif  // SERVICE_SESSIONS_SESSION_SHARES_H_

// SessionShares knows which caller has how many sessions, so that one who opens
// them without end does not keep others from theirs: the last quarter of those
// that there may be is for callers who have less than a quarter.
//
//   if (!shares.Admits(owner, open, limit, now)) ...   // Refused.
//   shares.Record(id, owner, expire_time, bytes);  // Opened, or gone on with.
//   shares.Forget(id);                             // Deleted.
//
// It knows what it was told of, as long as that has not expired, and so is for
// a store that one process has alone. Takes memory in proportion to the
// sessions.
//
// Thread-compatible.

#ifndef SERVICE_SESSIONS_SESSION_SHARES_H_
#define SERVICE_SESSIONS_SESSION_SHARES_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace gateway {

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
              absl::Time expire_time, int64_t bytes);

  void Forget(std::string_view id);

 private:
  // One of so many parts is for those who have less than that.
  static constexpr int64_t kShare = 4;

  struct Session {
    std::string owner;
    absl::Time expire_time;
    int64_t bytes = 0;
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

// GuessLimit slows down who tries keys. It counts wrong ones by the network
// that they come from (service/identity/peer_network.h), and is asked only when
// a key was wrong: one that is right costs nothing, and is served whatever
// others behind the same address have done.
//
//   if (!found) {
//     const absl::Duration wait = guesses.RecordFailure(peer);
//     if (wait > absl::ZeroDuration()) return TooManyGuesses(wait);
//     return MakeFault(v1::ERROR_REASON_API_KEY_INVALID, ...);
//   }
//
// So many failures are free in a window, as a bucket that leaks (the generic
// cell rate algorithm). The next one has the network refused for a time, and
// each further one for twice as long, up to a longest. That is forgotten when
// the network has been quiet for as long again.
//
// What costs much to find out, such as a token's signature, may be refused
// before, by RefusedFor(); then a right one is refused, too.
//
// Of a table of fixed size nothing that is owed is thrown away: a network for
// which there is no room shares one counter with the others in its place, and
// begins with what that owes when there is room again. So who has many
// addresses has more guesses, and no more than those, and does not free a
// single one; wrong keys of others may be refused at once for that, but never
// right ones.
//
// Thread-safe. RefusedFor() waits for nobody.

#ifndef SERVICE_IDENTITY_GUESS_LIMIT_H_
#define SERVICE_IDENTITY_GUESS_LIMIT_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/random.h"

namespace gateway {

class GuessLimit {
 public:
  struct Options {
    // So many wrong keys within the window are free.
    int failures_limit = 20;
    absl::Duration window = absl::Minutes(1);
    // How long a network is refused for the first time, and at most.
    absl::Duration base_delay = absl::Seconds(1);
    absl::Duration delay_max = absl::Hours(1);
    // So many networks have a counter of their own, or somewhat more.
    size_t networks = 8192;
  };

  // Borrows `clock`; of `random`, which nobody must be able to guess, it takes
  // a number.
  GuessLimit(const Options& options, Clock& clock, Random& random);

  // Counts a wrong key of the peer, `address:port`. Returns how long wrong ones
  // from there are refused from now on; zero if they are not.
  absl::Duration RecordFailure(std::string_view peer);

  // How long keys from there are refused, if somebody wants to refuse them
  // unseen. Counts nothing.
  absl::Duration RefusedFor(std::string_view peer) const;

 private:
  // A network may be in so many places, behind which is one for the rest.
  static constexpr size_t kWays = 8;
  static constexpr size_t kLocks = 16;

  // What a network owes. All times are steady ones in nanoseconds. Written with
  // its set's lock held.
  struct Debt {
    // Whether it would make a difference if it were forgotten.
    bool IsOwed(int64_t now) const;

    // When the bucket is empty.
    std::atomic<int64_t> empty_time{0};
    // Until when wrong keys are refused.
    std::atomic<int64_t> refused_until{0};
    // Until when another failure has them refused for twice as long.
    std::atomic<int64_t> forgotten_at{0};
    // How often it was doubled.
    std::atomic<int> doublings{0};
  };
  struct Set {
    std::array<std::atomic<uint64_t>, kWays> networks = {};  // 0: none.
    std::array<Debt, kWays + 1> debts;                       // The rest last.
  };

  int64_t Now() const;
  size_t SetOf(uint64_t network) const;
  // The debt to be counted on, which may be the one of the rest.
  Debt& DebtOf(Set& set, uint64_t network, int64_t now) const;
  int64_t Count(Debt& debt, int64_t now) const;

  // In nanoseconds, as the options are.
  const int64_t window_;
  const int64_t cost_;  // What a failure adds to the bucket.
  const int64_t base_delay_;
  const int64_t delay_max_;
  const uint64_t multiplier_;
  Clock& clock_;
  std::array<Mutex, kLocks> locks_;
  std::vector<Set> sets_;
};

// The fault for whoever has tried too many: RATE_LIMITED, with how long to
// wait.
absl::Status TooManyGuesses(absl::Duration wait);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_GUESS_LIMIT_H_

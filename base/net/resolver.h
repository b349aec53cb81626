// Resolver turns host names into addresses without holding up an event loop:
// look-ups run on a few threads of their own, so that one name that nobody
// answers for does not hold up the others; answers are kept for a while, and
// callers that want the same name share one look-up. While an old answer is
// being renewed it still serves. Which addresses have not answered is
// remembered for a while, so that they are tried last.
//
//   Resolver resolver;                       // One per process.
//   LoopResolver names(resolver);            // One per loop.
//   auto found = co_await names.Resolve("api.openai.com", interrupt);
//
// Thread contract: Resolver is thread-safe and outlives its LoopResolvers; a
// LoopResolver belongs to one event loop, which may go before the Resolver.

#ifndef BASE_NET_RESOLVER_H_
#define BASE_NET_RESOLVER_H_

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"

namespace gateway {

// An IP address without a port.
struct IpAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.Bytes() == b.Bytes();
  }

  // The bytes of the address: 4 or 16.
  std::string_view Bytes() const;
};

using IpAddresses = std::vector<IpAddress>;

class Resolver {
 public:
  using OnFound = std::function<void(absl::StatusOr<IpAddresses>)>;
  using LookUp =
      std::function<absl::StatusOr<IpAddresses>(const std::string& host)>;

  // Looks names up with getaddrinfo.
  Resolver();
  // Looks names up with `look_up`, which may block and is called on several
  // threads.
  explicit Resolver(LookUp look_up);
  // Waits for the look-ups that are under way; drops those that have not begun.
  ~Resolver();

  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Looks `host` up and calls `on_found` on one of the resolver's threads.
  // RESOURCE_EXHAUSTED goes to `on_found` at once when too many wait.
  void Resolve(std::string host, OnFound on_found) LOCKS_EXCLUDED(mu_);

 private:
  struct Question {
    std::string host;
    OnFound on_found;
  };
  static constexpr size_t kQuestionsMax = 1024;
  static constexpr size_t kThreads = 4;

  void Work() LOCKS_EXCLUDED(mu_);

  const LookUp look_up_;
  Mutex mu_;
  CondVar changed_;
  std::deque<Question> questions_ GUARDED_BY(mu_);
  bool stopping_ GUARDED_BY(mu_) = false;
  // Declared last, since they use all of the above.
  std::array<Thread, kThreads> threads_;
};

class LoopResolver {
 public:
  // Borrows `resolver`. Used on the calling thread's loop.
  explicit LoopResolver(Resolver& resolver);
  ~LoopResolver();

  LoopResolver(const LoopResolver&) = delete;
  LoopResolver& operator=(const LoopResolver&) = delete;

  // Returns the addresses of `host`; IPv4 and IPv6 texts are their own. Setting
  // `interrupt` ends the wait early; then the result is CANCELLED.
  Task<absl::StatusOr<IpAddresses>> Resolve(std::string host,
                                            WakeUp& interrupt);

  // Puts the addresses into the order in which to try them: the families take
  // turns, beginning with that of the first, and those that were bad lately
  // come last.
  void Order(IpAddresses* addresses);
  // Remembers for kBadTime that the address did not answer.
  void MarkBad(const IpAddress& address);
  // Forgets that it did not.
  void MarkGood(const IpAddress& address);

  static constexpr absl::Duration kBadTime = absl::Minutes(5);

 private:
  bool IsBad(const IpAddress& address);

  struct Entry;
  struct Home;

  // Has the name looked up; when the answer comes, all who wait for it are
  // woken.
  void Ask(const std::string& host, const std::shared_ptr<Entry>& entry);

  Resolver& resolver_;
  EventLoop& loop_;
  // Where look-ups deliver; the destructor takes the loop out, so that later
  // answers are dropped.
  const std::shared_ptr<Home> home_;
  absl::flat_hash_map<std::string, std::shared_ptr<Entry>> entries_;
  // The bytes of bad addresses, each with the time until which it counts as
  // bad; at most kBadMax.
  absl::flat_hash_map<std::string, absl::Duration> bad_;
};

}  // namespace gateway

#endif  // BASE_NET_RESOLVER_H_

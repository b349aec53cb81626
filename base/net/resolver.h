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

// An address without its port.
struct IpAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.Bytes() == b.Bytes();
  }

  // The address alone: 4 or 16 bytes.
  std::string_view Bytes() const;
};

using IpAddresses = std::vector<IpAddress>;

class Resolver {
 public:
  using OnFound = std::function<void(absl::StatusOr<IpAddresses>)>;
  using LookUp =
      std::function<absl::StatusOr<IpAddresses>(const std::string& host)>;

  // Asks the system.
  Resolver();
  // Asks `look_up`, which may block and is called on several threads.
  explicit Resolver(LookUp look_up);
  // Waits for the look-ups that are under way; forgets those that are not.
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
  std::array<Thread, kThreads> threads_;  // Last: they use all of the above.
};

class LoopResolver {
 public:
  // Borrows `resolver`. Belongs to the calling thread's loop.
  explicit LoopResolver(Resolver& resolver);
  ~LoopResolver();

  LoopResolver(const LoopResolver&) = delete;
  LoopResolver& operator=(const LoopResolver&) = delete;

  // The addresses of `host`, IPv4 or IPv6 texts included. `interrupt` ends the
  // wait early when Set; then the answer is CANCELLED.
  Task<absl::StatusOr<IpAddresses>> Resolve(std::string host,
                                            WakeUp& interrupt);

  // Puts the addresses into the order in which to try them: the families take
  // turns, beginning with that of the first, and those that were bad lately
  // come last.
  void Order(IpAddresses* addresses);
  // The address did not answer. Remembered for kBadTime.
  void MarkBad(const IpAddress& address);
  // It did, after all.
  void MarkGood(const IpAddress& address);

  static constexpr absl::Duration kBadTime = absl::Minutes(5);

 private:
  bool IsBad(const IpAddress& address);

  struct Entry;
  struct Home;

  // Has the name looked up, and all who wait for it woken.
  void Ask(const std::string& host, const std::shared_ptr<Entry>& entry);

  Resolver& resolver_;
  EventLoop& loop_;
  // Where answers go; those that come after this object's end find it empty.
  const std::shared_ptr<Home> home_;
  absl::flat_hash_map<std::string, std::shared_ptr<Entry>> entries_;
  // Bad addresses by their bytes, and until when they are; at most kBadMax.
  absl::flat_hash_map<std::string, absl::Duration> bad_;
};

}  // namespace gateway

#endif  // BASE_NET_RESOLVER_H_

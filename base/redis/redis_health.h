// RedisHealth knows of each Redis server whether the process reaches it: all
// loops tell it when their own connections come and go. A server is down while
// one loop's is. Each change is one line of the log, however many loops there
// are and however often they try again.
//
//   RedisHealth health;                              // One per process.
//   RedisHealth::Share share(health, "10.0.0.7:6379");  // One per connection.
//   share.SetDown(absl::UnavailableError("..."));
//   for (const RedisHealth::Server& server : health.Servers()) ...
//
// Thread-safe; a Share belongs to one thread. RedisHealth outlives its shares.

#ifndef BASE_REDIS_REDIS_HEALTH_H_
#define BASE_REDIS_REDIS_HEALTH_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"

namespace gateway {

class RedisHealth {
 public:
  struct Server {
    std::string name;
    // Connections that take commands, and those that do not.
    int up = 0;
    int down = 0;
    // Since when all are up, or one is down.
    absl::Time since;
    // Why the one that was down first is; OK while all are up.
    absl::Status why;
    // How often it went down since the start of the process.
    uint64_t outages = 0;

    bool is_up() const { return up > 0 && down == 0; }
  };

  explicit RedisHealth(Clock& clock = SystemClock()) : clock_(clock) {}

  RedisHealth(const RedisHealth&) = delete;
  RedisHealth& operator=(const RedisHealth&) = delete;

  // Those that somebody has told of, by name.
  std::vector<Server> Servers() const LOCKS_EXCLUDED(mu_);

  // What one connection has to say. Until it says something it does not count.
  class Share {
   public:
    Share(RedisHealth& health, std::string server)
        : health_(health), server_(std::move(server)) {}
    ~Share() { health_.Change(server_, state_, State::kUnknown, {}); }

    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    void SetUp() { Set(State::kUp, absl::OkStatus()); }
    void SetDown(const absl::Status& why) { Set(State::kDown, why); }

   private:
    friend class RedisHealth;
    enum class State { kUnknown, kUp, kDown };
    void Set(State state, const absl::Status& why) {
      health_.Change(server_, state_, state, why);
      state_ = state;
    }

    RedisHealth& health_;
    const std::string server_;
    State state_ = State::kUnknown;
  };

 private:
  void Change(const std::string& server, Share::State from, Share::State to,
              const absl::Status& why) LOCKS_EXCLUDED(mu_);
  void Log(const Server& before, const Server& now) const;

  Clock& clock_;
  mutable Mutex mu_;
  std::map<std::string, Server> servers_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_HEALTH_H_

#include "base/redis/redis_health.h"

#include <utility>

#include "base/os/logging.h"

namespace gateway {

std::vector<RedisHealth::Server> RedisHealth::Servers() const {
  MutexLock lock(mu_);
  std::vector<Server> servers;
  for (const auto& [name, server] : servers_) servers.push_back(server);
  return servers;
}

void RedisHealth::Change(const std::string& name, Share::State from,
                         Share::State to, const absl::Status& why) {
  if (from == to) return;
  MutexLock lock(mu_);
  Server& server = servers_[name];
  server.name = name;
  const Server before = server;
  if (from == Share::State::kUp) --server.up;
  if (from == Share::State::kDown) --server.down;
  if (to == Share::State::kUp) ++server.up;
  if (to == Share::State::kDown) ++server.down;
  if (server.up + server.down == 0) {
    servers_.erase(name);
    return;
  }
  const bool fell = before.down == 0 && server.down > 0;
  const bool rose = !before.is_up() && server.is_up();
  if (!fell && !rose) return;
  server.since = clock_.WallTime();
  server.why = fell ? why : absl::OkStatus();
  if (fell) ++server.outages;
  // That a connection goes which did not reach it says nothing of the server.
  if (to == Share::State::kUnknown) return;
  // Written under the lock, so that lines stand in the order of the changes.
  Log(before, server);
}

void RedisHealth::Log(const Server& before, const Server& now) const {
  if (!now.is_up()) {
    gateway::Log(LogLevel::kWarn, "redis", "redis is down",
                 {{"server", now.name}, {"why", now.why}});
  } else if (before.down > 0) {
    gateway::Log(
        LogLevel::kInfo, "redis", "redis is up again",
        {{"server", now.name}, {"down_seconds", now.since - before.since}});
  } else {
    gateway::Log(LogLevel::kInfo, "redis", "redis is up",
                 {{"server", now.name}});
  }
}

}  // namespace gateway

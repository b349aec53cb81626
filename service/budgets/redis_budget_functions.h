// The function in Lua by which replicas that share budgets tell each other by
// Redis what they have spent, all of one exchange in one step; and the exchange
// as C++ makes it.
//
//   const RedisBudgetExchange exchange({.prefix = "llmgw:"});
//   const auto reply = co_await exchange.Call(client, "5f0c", message, now,
//                                             retention);
//
// All of it is in one slot of a Cluster. What was told is kept as long as its
// window, and goes by itself after that.
//
// Thread contract: immutable; a call belongs to its client's event loop.

#ifndef SERVICE_BUDGETS_REDIS_BUDGET_FUNCTIONS_H_
#define SERVICE_BUDGETS_REDIS_BUDGET_FUNCTIONS_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_library.h"
#include "service/budgets/budget_share.h"

namespace gateway {

const RedisLibrary& RedisBudgetLibrary();

class RedisBudgetExchange {
 public:
  struct Options {
    // What the names of its keys begin with; without braces.
    std::string prefix = "llmgw:";
  };

  explicit RedisBudgetExchange(const Options& options);

  // Tells and hears. `retention` in seconds is how long what has no window is
  // kept. Errors are RedisClient's; INTERNAL if the answer is none. The message
  // stays until it has ended.
  Task<absl::StatusOr<BudgetReply>> Call(RedisClient& client,
                                         const std::string& replica,
                                         const BudgetMessage& message,
                                         int64_t now, int64_t retention) const;

 private:
  static constexpr size_t kKeys = 5;

  const std::array<std::string, kKeys> keys_;
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_REDIS_BUDGET_FUNCTIONS_H_

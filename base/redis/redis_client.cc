#include "base/redis/redis_client.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "base/async/await_all.h"
#include "base/redis/redis_cluster.h"
#include "base/redis/redis_error.h"
#include "base/redis/redis_sentinel.h"
#include "base/redis/redis_standalone.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// A slot that is being moved makes two: MOVED, then ASK.
constexpr int kRedirectsMax = 3;

// A function is found missing, loaded and called again, by a server that then
// is another one; or three ways to call it are tried.
constexpr int kFunctionTriesMax = 6;

// Whether the server, or a proxy before it, does not know the command or does
// not allow it to us.
bool IsRefusedCommand(std::string_view error) {
  const absl::string_view text = ToAbsl(error);
  if (RedisErrorCode(text) == "NOPERM") return true;
  // What a script does is the script's business.
  if (!absl::StartsWith(text, "ERR ") || absl::StrContains(text, "script")) {
    return false;
  }
  return absl::StrContains(text, "unknown command") ||
         absl::StrContains(text, "unsupported command") ||
         absl::StrContains(text, "not allowed") ||
         absl::StrContains(text, "disabled");
}

bool IsMissingFunction(std::string_view error) {
  return error.starts_with("ERR Function not found");
}

std::unique_ptr<RedisTopology> MakeTopology(const RedisTopology::Parts& parts) {
  switch (parts.options->topology) {
    case RedisOptions::Topology::kStandalone:
      break;
    case RedisOptions::Topology::kSentinel:
      return std::make_unique<RedisSentinel>(parts);
    case RedisOptions::Topology::kCluster:
      return std::make_unique<RedisCluster>(parts);
  }
  return std::make_unique<RedisStandalone>(parts);
}

}  // namespace

RedisClient::RedisClient(Resolver& resolver,
                         std::shared_ptr<const RedisOptions> options,
                         RedisHealth& health, Random& random)
    : options_(std::move(options)),
      names_(resolver),
      topology_(MakeTopology({.names = &names_,
                              .random = &random,
                              .health = &health,
                              .options = options_.get(),
                              .on_change = [this] { OnChange(); }})),
      subscriber_({.names = &names_,
                   .random = &random,
                   .health = nullptr,
                   .options = &options_->connection,
                   .name = "channels"},
                  [this] { return topology_->AnyServer(); }),
      bulk_(resolver, options_, health, random, [this] { return up_; }) {
  topology_->Start();
}

RedisClient::~RedisClient() = default;

Task<void> RedisClient::Close() {
  co_await bulk_.Close();
  co_await subscriber_.Close();
  co_await topology_->Close();
}

void RedisClient::OnChange() {
  const bool up = topology_->up();
  if (up == std::exchange(up_, up)) return;
  if (on_change_ != nullptr) on_change_(up);
}

// --- Commands.

Task<absl::StatusOr<RedisReply>> RedisClient::Call(RedisCommand command,
                                                   CancelSignal* cancel) {
  GATEWAY_CO_ASSIGN_OR_RETURN(RedisNode* const node,
                              topology_->NodeFor(command));
  absl::StatusOr<RedisReply> reply = co_await node->Send(command, cancel);
  if (!reply.ok() || !reply->is_error()) co_return reply;
  Answer error{std::move(reply), node};
  Answer answer = co_await Follow(command, std::move(error), cancel);
  co_return CheckRedisReply(std::move(answer.reply));
}

Task<std::vector<absl::StatusOr<RedisReply>>> RedisClient::CallAll(
    std::vector<RedisCommand> commands, CancelSignal* cancel) {
  std::vector<Task<absl::StatusOr<RedisReply>>> calls;
  calls.reserve(commands.size());
  for (RedisCommand& command : commands) {
    calls.push_back(Call(std::move(command), cancel));
  }
  co_return co_await AwaitAll(std::move(calls));
}

Task<RedisClient::Answer> RedisClient::Send(const RedisCommand& command,
                                            CancelSignal* cancel) {
  Answer answer;
  const absl::StatusOr<RedisNode*> node = topology_->NodeFor(command);
  if (!node.ok()) {
    answer.reply = node.status();
    co_return answer;
  }
  answer.by = *node;
  answer.reply = co_await answer.by->Send(command, cancel);
  if (!answer.reply.ok() || !answer.reply->is_error()) co_return answer;
  co_return co_await Follow(command, std::move(answer), cancel);
}

Task<RedisClient::Answer> RedisClient::Follow(const RedisCommand& command,
                                              Answer answer,
                                              CancelSignal* cancel) {
  const RedisCommand asking("ASKING");
  for (int i = 0; i < kRedirectsMax; ++i) {
    const RedisRedirect redirect =
        topology_->OnError(answer.reply->text(), answer.by);
    if (redirect.node == nullptr) break;
    answer.by = redirect.node;
    co_await redirect.node->AwaitFirst(options_->connection.command_timeout);
    if (!topology_->Owns(redirect.node)) break;
    std::optional<RedisCall> asked;
    if (redirect.asking) asked.emplace(redirect.node->Send(asking));
    answer.reply = co_await redirect.node->Send(command, cancel);
    if (!answer.reply.ok() || !answer.reply->is_error()) break;
  }
  co_return answer;
}

// --- Functions.

Task<absl::StatusOr<RedisReply>> RedisClient::CallFunction(
    const RedisLibrary& library, RedisCommand call, CancelSignal* cancel) {
  FunctionTry attempt;
  for (int i = 0; i < kFunctionTriesMax; ++i) {
    GATEWAY_CO_ASSIGN_OR_RETURN(RedisNode* const node,
                                topology_->NodeFor(call));
    attempt.way = std::max(attempt.way, node->scripting);
    Answer answer;
    if (attempt.way == RedisScripting::kFunctions) {
      answer = co_await Send(call, cancel);
    } else if (attempt.way == RedisScripting::kEvalSha && !attempt.with_text) {
      const RedisCommand by_name = library.AsEvalSha(call);
      answer = co_await Send(by_name, cancel);
    } else {
      const RedisCommand by_text = library.AsEval(call);
      answer = co_await Send(by_text, cancel);
    }
    if (!answer.reply.ok() || !answer.reply->is_error()) {
      co_return std::move(answer.reply);
    }
    const bool again = co_await Learn(library, answer, &attempt);
    if (!again) co_return RedisErrorStatus(answer.reply->text());
  }
  co_return absl::UnavailableError(
      "redis: the function is missing again as soon as it is loaded");
}

Task<bool> RedisClient::Learn(const RedisLibrary& library, const Answer& answer,
                              FunctionTry* attempt) {
  const std::string_view error = answer.reply->text();
  RedisNode* const by = answer.by;
  if (attempt->way == RedisScripting::kFunctions && IsMissingFunction(error)) {
    if (!topology_->Owns(by)) co_return true;
    if (by->loading_library) {
      // Not waited for: this call is a script.
      attempt->way = RedisScripting::kEvalSha;
      co_return true;
    }
    const absl::Status loaded = co_await Load(library, by);
    if (loaded.ok()) co_return true;
    attempt->way = RedisScripting::kEvalSha;
    // Remembered if the server has said so itself.
    const bool refused =
        absl::IsFailedPrecondition(loaded) || absl::IsPermissionDenied(loaded);
    if (refused && topology_->Owns(by)) by->scripting = attempt->way;
    co_return refused;
  }
  if (attempt->way == RedisScripting::kEvalSha && !attempt->with_text &&
      RedisErrorCode(ToAbsl(error)) == "NOSCRIPT") {
    attempt->with_text = true;
    co_return true;
  }
  if (!IsRefusedCommand(error) || attempt->with_text ||
      attempt->way == RedisScripting::kEval) {
    co_return false;
  }
  attempt->way = attempt->way == RedisScripting::kFunctions
                     ? RedisScripting::kEvalSha
                     : RedisScripting::kEval;
  if (topology_->Owns(by)) by->scripting = attempt->way;
  co_return true;
}

Task<absl::Status> RedisClient::Load(const RedisLibrary& library,
                                     RedisNode* node) {
  node->loading_library = true;
  const absl::StatusOr<RedisReply> loaded = CheckRedisReply(co_await node->Send(
      library.Load(), options_->connection.connect_timeout));
  if (topology_->Owns(node)) node->loading_library = false;
  co_return loaded.status();
}

}  // namespace gateway

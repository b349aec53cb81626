#include "base/redis/redis_cluster.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/numbers.h"
#include "base/async/sleep.h"
#include "base/redis/redis_error.h"
#include "base/redis/redis_slot.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// How often the map is asked for at most, less up to a half by chance: so often
// it is where a node cannot be reached or a slot is nobody's.
constexpr absl::Duration kRefreshInterval = absl::Milliseconds(500);

}  // namespace

RedisCluster::RedisCluster(const Parts& parts)
    : parts_(parts),
      loop_(*EventLoop::Current()),
      slots_(kRedisSlots, nullptr),
      refresh_([this] {
        if (!refreshing_ && !closing_) Spawn(Refresh());
      }) {}

RedisCluster::~RedisCluster() { assert(members_.empty()); }

void RedisCluster::Start() {
  for (const HostPort& where : parts_.options->addresses) At(where);
}

Task<void> RedisCluster::Close() {
  closing_ = true;
  closed_.Cancel(absl::CancelledError("the client is closed"));
  refresh_.Cancel();
  slots_.assign(kRedisSlots, nullptr);
  std::map<std::string, Member> members = std::move(members_);
  members_.clear();
  for (auto& [name, member] : members) co_await member.node->Close();
  while (refreshing_ || closing_nodes_ > 0) co_await idle_.Wait();
}

// --- Nodes.

RedisNode* RedisCluster::At(const HostPort& where) {
  const std::string name = RedisAddress(where);
  const auto known = members_.find(name);
  if (known != members_.end()) return known->second.node.get();
  if (closing_ || members_.size() >= kNodesMax) return nullptr;
  std::unique_ptr<RedisNode> node(new RedisNode(
      RedisNode::Parts{.names = parts_.names,
                       .random = parts_.random,
                       .health = parts_.health,
                       .options = &parts_.options->connection,
                       .name = name},
      [where] { return std::optional<HostPort>(where); }, *this));
  RedisNode* const added = node.get();
  members_[name] = {where, std::move(node)};
  added->Start();
  return added;
}

RedisCluster::Member* RedisCluster::MemberOf(const RedisNode* node) {
  for (auto& [name, member] : members_) {
    if (member.node.get() == node) return &member;
  }
  return nullptr;
}

bool RedisCluster::Owns(const RedisNode* node) const {
  return std::any_of(
      members_.begin(), members_.end(),
      [node](const auto& each) { return each.second.node.get() == node; });
}

RedisNode* RedisCluster::AnyUp() const {
  for (const auto& [name, member] : members_) {
    if (member.node->up()) return member.node.get();
  }
  return nullptr;
}

std::optional<HostPort> RedisCluster::AnyServer() const {
  for (const auto& [name, member] : members_) {
    if (member.node->up()) return member.where;
  }
  return parts_.options->addresses.front();
}

bool RedisCluster::up() const {
  return mapped_ &&
         std::all_of(slots_.begin(), slots_.end(), [](const RedisNode* node) {
           return node != nullptr && node->up();
         });
}

absl::StatusOr<RedisNode*> RedisCluster::NodeFor(const RedisCommand& command) {
  RedisNode* const node =
      command.has_key() ? slots_[RedisSlot(command.key())] : AnyUp();
  if (node != nullptr) return node;
  RefreshSoon();
  return absl::UnavailableError(
      mapped_ ? "redis: no node of the cluster has the key's slot"
              : "redis: no node of the cluster has been reached yet");
}

void RedisCluster::OnUp(RedisNode&) {
  if (!mapped_ && !refreshing_) {
    refresh_.Cancel();
    Spawn(Refresh());
  }
  parts_.on_change();
}

void RedisCluster::OnDown(RedisNode&, const absl::Status&) {
  RefreshSoon();
  parts_.on_change();
}

// --- What nodes answer instead.

RedisRedirect RedisCluster::OnError(std::string_view error, RedisNode* node) {
  const std::string_view code = RedisErrorCode(ToAbsl(error));
  if (code == "CLUSTERDOWN" || code == "READONLY") RefreshSoon();
  if (code != "MOVED" && code != "ASK") return {};
  // "MOVED 3999 127.0.0.1:6381"
  error.remove_prefix(code.size() + 1);
  const size_t space = error.find(' ');
  uint32_t slot = 0;
  if (space == std::string_view::npos ||
      !absl::SimpleAtoi(ToAbsl(error.substr(0, space)), &slot) ||
      slot >= kRedisSlots) {
    return {};
  }
  RedisNode* const named = Named(error.substr(space + 1), node);
  if (code == "MOVED") {
    if (named != nullptr) slots_[slot] = named;
    RefreshSoon();
  }
  return {named, code == "ASK"};
}

RedisNode* RedisCluster::Named(std::string_view address, const RedisNode* by) {
  // The port is behind the last colon; IPv6 addresses stand without brackets.
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return nullptr;
  const absl::StatusOr<uint16_t> port = ParsePort(address.substr(colon + 1));
  if (!port.ok()) return nullptr;
  HostPort where{std::string(address.substr(0, colon)), *port};
  if (where.host.empty()) {
    // It is where the node is that says so.
    const Member* const member = MemberOf(by);
    if (member == nullptr) return nullptr;
    where.host = member->where.host;
  }
  return At(where);
}

// --- The map.

void RedisCluster::RefreshSoon() {
  if (closing_) return;
  if (refreshing_) {
    again_ = true;
    return;
  }
  if (refresh_.armed()) return;
  loop_.ArmTimer(refresh_, kRefreshInterval *
                               (0.5 + 0.5 * parts_.random->UniformDouble()));
}

Task<void> RedisCluster::Refresh() {
  refreshing_ = true;
  again_ = false;
  std::vector<RedisNode*> candidates;
  for (const auto& [name, member] : members_) {
    if (member.node->up()) candidates.push_back(member.node.get());
  }
  bool applied = false;
  const RedisCommand ask("CLUSTER", "SLOTS");
  // Nodes that are known stay until the map is applied.
  for (RedisNode* node : candidates) {
    const absl::StatusOr<RedisReply> slots =
        co_await node->Send(ask, parts_.options->connection.connect_timeout);
    if (closing_) break;
    const Member* const by = MemberOf(node);
    applied = slots.ok() && Apply(*slots, by->where);
    if (applied) break;
  }
  refreshing_ = false;
  if (closing_) {
    idle_.Set();
    co_return;
  }
  if (AnyUp() == nullptr) {
    for (const HostPort& where : parts_.options->addresses) At(where);
  }
  if (!applied || again_ || !up()) RefreshSoon();
  parts_.on_change();
}

bool RedisCluster::Apply(const RedisReply& slots, const HostPort& by) {
  if (slots.type() != RedisType::kArray || slots.size() == 0) return false;
  for (auto& [name, member] : members_) member.wanted = false;
  slots_.assign(kRedisSlots, nullptr);
  bool sound = true;
  for (const RedisValue range : slots.value()) {
    sound = ApplyRange(range, by) && sound;
  }
  mapped_ = true;
  // A map that makes no sense in parts is no reason to give nodes up.
  if (sound) Retire();
  return sound;
}

// A range is [first slot, last slot, [host, port, ...] of the master, ...].
bool RedisCluster::ApplyRange(const RedisValue& range, const HostPort& by) {
  if (range.size() < 3 || range[2].size() < 2) return false;
  const int64_t first = range[0].integer();
  const int64_t last = range[1].integer();
  const RedisValue master = range[2];
  const int64_t port = master[1].integer();
  if (first < 0 || last < first || last >= kRedisSlots || port < 1 ||
      port > UINT16_MAX) {
    return false;
  }
  HostPort where{std::string(master[0].text()), static_cast<uint16_t>(port)};
  if (where.host.empty()) where.host = by.host;
  RedisNode* const node = At(where);
  if (node == nullptr) return false;
  MemberOf(node)->wanted = true;
  std::fill(slots_.begin() + first, slots_.begin() + last + 1, node);
  return true;
}

void RedisCluster::Retire() {
  for (auto at = members_.begin(); at != members_.end();) {
    if (at->second.wanted) {
      ++at;
      continue;
    }
    Spawn(CloseNode(std::move(at->second.node)));
    at = members_.erase(at);
  }
}

Task<void> RedisCluster::CloseNode(std::unique_ptr<RedisNode> node) {
  ++closing_nodes_;
  // What it was asked before it is still to be answered.
  (void)co_await Sleep(loop_, parts_.options->connection.command_timeout,
                       closed_);
  co_await node->Close();
  node.reset();
  if (--closing_nodes_ == 0) idle_.Set();
}

}  // namespace gateway

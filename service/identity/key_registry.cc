#include "service/identity/key_registry.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/identity/key_fault.h"
#include "service/identity/remembering.h"
#include "service/identity/scopes.h"

namespace gateway {
namespace {

absl::StatusOr<Sha256Digest> ReadDigest(const std::string& bytes,
                                        const char* field) {
  Sha256Digest digest;
  if (bytes.size() != digest.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " has ", bytes.size(), " bytes, not 32"));
  }
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

absl::StatusOr<Caller> ReadCaller(const v1::Key& key) {
  Caller caller;
  caller.id = key.id();
  caller.method = CallerMethod::kIssuedKey;
  caller.owner = key.owner();
  // In an order of their own: that of the map differs from start to start.
  const std::map<std::string, std::string> labels(key.labels().begin(),
                                                  key.labels().end());
  if (labels.size() > kCallerLabelsMax) {
    return absl::InvalidArgumentError("key.labels are too many");
  }
  caller.labels.assign(labels.begin(), labels.end());
  absl::StatusOr<Scopes> scopes = Scopes::Parse(
      std::vector<std::string>(key.scopes().begin(), key.scopes().end()));
  if (!scopes.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("key.scopes", scopes.status().message()));
  }
  caller.scopes = *std::move(scopes);
  if (key.has_expire_time()) caller.expire_time = ToAbsl(key.expire_time());
  caller.priority = CallerPriorityOf(key.priority());
  caller.limits.assign(key.limits().begin(), key.limits().end());
  caller.budget = key.budget();
  return caller;
}

}  // namespace

// No other has such generations: what it has found out is remembered by them.
KeyRegistry::KeyRegistry(Clock& clock)
    : clock_(clock), generation_(NewRememberingId() << 32) {}

absl::StatusOr<CallerRef> KeyRegistry::Find(std::string_view shown) const {
  return FindOrRemember(shown, generation(), [&] { return FindOut(shown); });
}

absl::StatusOr<CallerRef> KeyRegistry::FindOut(std::string_view shown) const {
  const std::optional<ShownIssuedKey> parts = ParseIssuedKey(shown);
  if (!parts.has_value()) return UnknownKey();
  const std::shared_ptr<const Kept> kept = KeptOf(parts->id);
  const Sha256Digest* const current = kept == nullptr ? nullptr : &kept->digest;
  const Sha256Digest* const previous =
      kept == nullptr || !kept->previous.has_value() ? nullptr
                                                     : &*kept->previous;
  if (!IsIssuedKey(*parts, current, previous)) return UnknownKey();
  // From here on who asks has shown a secret of the key.
  const bool rotated_away =
      previous != nullptr && !IsIssuedKey(*parts, current, nullptr);
  const Caller& caller = rotated_away ? kept->previous_caller : kept->caller;
  if (kept->state == v1::Key::STATE_REVOKED) {
    return KeyIsNoGood(v1::ERROR_REASON_API_KEY_DISABLED, caller,
                       "has been revoked");
  }
  if (kept->state != v1::Key::STATE_ACTIVE) {
    return KeyIsNoGood(v1::ERROR_REASON_API_KEY_DISABLED, caller,
                       "is disabled");
  }
  if (caller.expire_time != absl::InfiniteFuture() &&
      clock_.WallTime() >= caller.expire_time) {
    return KeyIsNoGood(
        v1::ERROR_REASON_API_KEY_EXPIRED, caller,
        rotated_away ? "has another secret now, and the grace of this one is "
                       "over"
                     : "has expired");
  }
  return CallerRef(kept, &caller);
}

std::shared_ptr<const Caller> KeyRegistry::CallerOf(std::string_view id) const {
  const std::shared_ptr<const Kept> kept = KeptOf(id);
  if (kept == nullptr) return nullptr;
  return {kept, &kept->caller};
}

absl::Status KeyRegistry::Take(const Record& record, int64_t version,
                               absl::Time forget_time) {
  const std::optional<Id> id = IdOf(record.key().id());
  if (!id.has_value()) {
    return absl::InvalidArgumentError("key.id is none");
  }
  GATEWAY_ASSIGN_OR_RETURN(std::shared_ptr<const Kept> kept, Read(record));
  const absl::Time now = clock_.WallTime();
  {
    Shard& shard = ShardOf(*id);
    MutexLock lock(shard.mu);
    const uint64_t round = round_.load();
    Entry& entry = shard.entries[*id];
    const bool counts = entry.kept != nullptr && entry.forget_time > now &&
                        entry.round == round;
    if (counts && entry.version >= version) return absl::OkStatus();
    Count(entry, -1);
    // What was there is let go of behind the lock.
    entry.kept.swap(kept);
    entry.version = version;
    entry.forget_time = forget_time;
    entry.round = round;
    Count(entry, 1);
  }
  Changed();
  return absl::OkStatus();
}

void KeyRegistry::Drop(std::string_view id) {
  const std::optional<Id> given = IdOf(id);
  if (!given.has_value()) return;
  DropIf(ShardOf(*given),
         [&](const Id& each, const Entry&) { return each == *given; });
}

void KeyRegistry::BeginAnew() { ++round_; }

void KeyRegistry::EndAnew() {
  const uint64_t round = round_.load();
  for (Shard& shard : shards_) {
    DropIf(shard, [round](const Id&, const Entry& entry) {
      return entry.round != round;
    });
  }
}

void KeyRegistry::ForgetSome() {
  const absl::Time now = clock_.WallTime();
  Shard& shard = shards_[next_to_forget_++ % kShards];
  DropIf(shard, [now](const Id&, const Entry& entry) {
    return entry.forget_time <= now;
  });
}

std::optional<KeyRegistry::Id> KeyRegistry::IdOf(std::string_view id) {
  Id own;
  if (id.size() != own.size()) return std::nullopt;
  std::copy(id.begin(), id.end(), own.begin());
  return own;
}

absl::StatusOr<std::shared_ptr<const KeyRegistry::Kept>> KeyRegistry::Read(
    const Record& record) {
  auto kept = std::make_shared<Kept>();
  kept->state = v1::Key::State_IsValid(record.key().state())
                    ? record.key().state()
                    : v1::Key::STATE_UNSPECIFIED;
  GATEWAY_ASSIGN_OR_RETURN(kept->digest,
                           ReadDigest(record.secret_sha256(), "secret_sha256"));
  GATEWAY_ASSIGN_OR_RETURN(kept->caller, ReadCaller(record.key()));
  if (record.previous_secret_sha256().empty()) return kept;
  GATEWAY_ASSIGN_OR_RETURN(
      kept->previous,
      ReadDigest(record.previous_secret_sha256(), "previous_secret_sha256"));
  kept->previous_caller = kept->caller;
  kept->previous_caller.expire_time =
      std::min(kept->caller.expire_time,
               ToAbsl(record.key().previous_secret_expire_time()));
  return kept;
}

void KeyRegistry::Count(const Entry& entry, int64_t by) {
  if (entry.kept != nullptr) sizes_[entry.kept->state] += by;
}

size_t KeyRegistry::size() const {
  int64_t all = 0;
  for (const auto& of_state : sizes_) all += of_state.load();
  // Between two loads a key may have changed its state.
  return static_cast<size_t>(
      std::max<int64_t>(all - sizes_[v1::Key::STATE_REVOKED].load(), 0));
}

KeyRegistry::Shard& KeyRegistry::ShardOf(const Id& id) {
  return shards_[absl::Hash<Id>()(id) % kShards];
}

const KeyRegistry::Shard& KeyRegistry::ShardOf(const Id& id) const {
  return shards_[absl::Hash<Id>()(id) % kShards];
}

std::shared_ptr<const KeyRegistry::Kept> KeyRegistry::KeptOf(
    std::string_view id) const {
  const std::optional<Id> own = IdOf(id);
  if (!own.has_value()) return nullptr;
  const Shard& shard = ShardOf(*own);
  MutexLock lock(shard.mu);
  const auto found = shard.entries.find(*own);
  return found == shard.entries.end() ? nullptr : found->second.kept;
}

template <typename Condition>
void KeyRegistry::DropIf(Shard& shard, const Condition& condition) {
  bool changed = false;
  {
    MutexLock lock(shard.mu);
    for (auto each = shard.entries.begin(); each != shard.entries.end();) {
      if (!condition(each->first, each->second)) {
        ++each;
        continue;
      }
      Count(each->second, -1);
      shard.entries.erase(each++);
      changed = true;
    }
  }
  if (changed) Changed();
}

const KeyRegistry& NoIssuedKeys() {
  // Never destroyed, since calls may end while the process exits.
  static const KeyRegistry& none = *new KeyRegistry(SystemClock());
  return none;
}

}  // namespace gateway

#include "service/kept_records.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/logging.h"
#include "base/os/random.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/config/config_reader.h"
#include "service/config/store_validator.h"
#include "service/loop_redis.h"
#include "service/pipeline/session_metrics.h"
#include "service/store/memory_record_store.h"
#include "service/store/redis_record_store.h"
#include "service/store/sqlite_record_store.h"
#include "service/store/watched_record_store.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::StoreConfig;

// In memory, as many revoked keys as others are kept, and each takes so much,
// on average.
constexpr size_t kKeyBytes = 4096;

// A start waits for Redis for so long, asking again after each interval.
constexpr absl::Duration kFirstLoadTimeout = absl::Seconds(2);
constexpr absl::Duration kFirstLoadInterval = absl::Milliseconds(20);

absl::StatusOr<std::unique_ptr<RecordStore>> OpenSqlite(
    const GatewayConfig& config, const std::string& config_file, Clock& clock) {
  const std::string path = PathBeside(config_file, RecordStoreFile(config));
  absl::StatusOr<std::unique_ptr<SqliteRecordStore>> opened =
      SqliteRecordStore::Open({.path = path}, clock);
  if (!opened.ok()) {
    return absl::Status(
        opened.status().code(),
        absl::StrCat(
            config.store().file().empty() ? "runtime.state_dir" : "store.file",
            ": ", opened.status().message()));
  }
  return *std::move(opened);
}

std::unique_ptr<RecordStore> MakeInMemory(const GatewayConfig& config,
                                          Clock& clock) {
  const auto keys =
      static_cast<size_t>(config.auth().callers().issued_keys().keys_limit());
  MemoryRecordStore::Options options;
  options.records_limit = std::max(options.records_limit, 2 * keys);
  options.bytes_limit = std::max(options.bytes_limit, kKeyBytes * keys);
  return std::make_unique<MemoryRecordStore>(options, clock);
}

std::unique_ptr<RecordStore> MakeForSessions(const GatewayConfig& config,
                                             Clock& clock) {
  // How many there are SessionStore says, by the configuration in use.
  MemoryRecordStore::Options options;
  options.records_limit = std::numeric_limits<size_t>::max();
  options.bytes_limit =
      static_cast<size_t>(config.sessions().size_bytes_limit());
  return std::make_unique<MemoryRecordStore>(options, clock);
}

template <typename Kept>
Task<void> LoadAndStop(Kept& kept, EventLoop& loop, absl::Status* loaded) {
  CancelSignal never;
  *loaded = co_await kept.Load(never);
  loop.Stop();
}

// Has what a store on this machine has known. `what` names the field and what
// cannot be read.
template <typename Kept>
absl::Status Load(Kept& kept, std::string_view what) {
  GATEWAY_ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop,
                           EventLoop::Create());
  absl::Status loaded;
  loop->Post([&] { Spawn(LoadAndStop(kept, *loop, &loaded)); });
  loop->Run();
  if (loaded.ok()) return loaded;
  return absl::Status(
      loaded.code(),
      absl::StrCat(ToAbsl(what), " cannot be read: ", loaded.message()));
}

void TellOfKeys(const IssuedKeyStore& keys, const absl::Status& loaded) {
  if (loaded.ok()) {
    Log(LogLevel::kInfo, "keys", "issued keys are known",
        {{"keys", keys.registry().size()}});
  } else {
    Log(LogLevel::kWarn, "keys",
        "issued keys are not known until redis can be read; who shows one is "
        "refused",
        {{"why", loaded}});
  }
}

Task<void> LoadAndFollow(IssuedKeyStore& keys, EventLoop& loop, Latch& tried) {
  CancelSignal never;
  const absl::Duration end = loop.Now() + kFirstLoadTimeout;
  absl::Status loaded = co_await keys.Load(never);
  while (!loaded.ok() && loop.Now() < end) {
    (co_await Sleep(loop, kFirstLoadInterval, never)).IgnoreError();
    loaded = co_await keys.Load(never);
  }
  TellOfKeys(keys, loaded);
  tried.Open();
  co_await keys.Follow(loop);
}

// Null if nothing is to be kept.
absl::StatusOr<std::unique_ptr<RecordStore>> OpenStore(
    const GatewayConfig& config, const std::string& config_file, Clock& clock) {
  if (!NeedsRecordStore(config)) return nullptr;
  if (RecordStoreEngine(config) == StoreConfig::ENGINE_MEMORY) {
    return MakeInMemory(config, clock);
  }
  if (RecordStoreEngine(config) == StoreConfig::ENGINE_REDIS) {
    return std::make_unique<RedisRecordStore>(
        RedisRecordStore::Options{.prefix = config.redis().prefix()},
        &LoopRedis::OfThisLoop);
  }
  return OpenSqlite(config, config_file, clock);
}

absl::Status LoadKeys(IssuedKeyStore& keys) {
  GATEWAY_RETURN_IF_ERROR(
      Load(keys, "auth.callers.issued_keys: the keys that were issued"));
  TellOfKeys(keys, absl::OkStatus());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> OpenState(
    const llmgateway::config::v1::RuntimeConfig& config,
    const std::string& config_file) {
  if (config.state_dir().empty()) return std::make_unique<StateStore>();
  absl::StatusOr<std::unique_ptr<StateStore>> opened =
      StateStore::Open(PathBeside(config_file, config.state_dir()));
  if (opened.ok()) return opened;
  return absl::Status(
      opened.status().code(),
      absl::StrCat("runtime.state_dir: ", opened.status().message()));
}

KeptRecords::KeptRecords(Clock& clock) : clock_(clock), registry_(clock) {}

absl::Status KeptRecords::Open(const GatewayConfig& config,
                               const std::string& config_file) {
  GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<RecordStore> store,
                           OpenStore(config, config_file, clock_));
  if (store != nullptr) {
    store_ = std::make_unique<WatchedRecordStore>(std::move(store), clock_);
  }
  if (config.has_sessions()) {
    if (RecordStoreEngine(config) == StoreConfig::ENGINE_MEMORY) {
      session_records_ = MakeForSessions(config, clock_);
    }
    sessions_ = std::make_unique<SessionStore>(
        session_records_ == nullptr ? *store_ : *session_records_, clock_,
        SecureRandom(), /*in_memory=*/session_records_ != nullptr);
    if (RecordStoreEngine(config) == StoreConfig::ENGINE_SQLITE) {
      GATEWAY_RETURN_IF_ERROR(
          Load(*sessions_, "sessions: those that were opened before"));
    }
  }
  if (KeepsResponses(config)) {
    responses_ = std::make_unique<ResponseRecords>(*store_);
  }
  if (!config.auth().callers().has_issued_keys()) return absl::OkStatus();
  issued_keys_ = std::make_unique<IssuedKeyStore>(*store_, registry_);
  is_in_redis_ = RecordStoreEngine(config) == StoreConfig::ENGINE_REDIS;
  return is_in_redis_ ? absl::OkStatus() : LoadKeys(*issued_keys_);
}

void KeptRecords::Follow(EventLoop& loop) {
  if (issued_keys_ == nullptr) return;
  follows_on_ = &loop;
  if (!is_in_redis_) {
    loop.Post([this, &loop] { Spawn(issued_keys_->Follow(loop)); });
    return;
  }
  Latch tried;
  loop.Post([this, &loop, &tried] {
    Spawn(LoadAndFollow(*issued_keys_, loop, tried));
  });
  tried.Wait();
}

void KeptRecords::Stop() {
  if (follows_on_ == nullptr) return;
  issued_keys_->Stop(*follows_on_);
  follows_on_ = nullptr;
}

void KeptRecords::AddMetrics(MetricRegistry& registry) const {
  if (sessions_ != nullptr) AddSessionMetrics(*sessions_, registry);
}

}  // namespace gateway

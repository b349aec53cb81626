#include "service/kept_records.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "service/config/config_reader.h"
#include "service/config/store_validator.h"
#include "service/store/memory_record_store.h"
#include "service/store/sqlite_record_store.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::StoreConfig;

// In memory, as many revoked keys as others are kept, and each takes so much,
// on average.
constexpr size_t kKeyBytes = 4096;

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

Task<void> LoadAndStop(IssuedKeyStore& keys, EventLoop& loop,
                       absl::Status* loaded) {
  CancelSignal never;
  *loaded = co_await keys.Load(never);
  loop.Stop();
}

// Null if nothing is to be kept.
absl::StatusOr<std::unique_ptr<RecordStore>> OpenStore(
    const GatewayConfig& config, const std::string& config_file, Clock& clock) {
  if (!NeedsRecordStore(config)) return nullptr;
  if (RecordStoreEngine(config) == StoreConfig::ENGINE_MEMORY) {
    return MakeInMemory(config, clock);
  }
  return OpenSqlite(config, config_file, clock);
}

absl::Status Load(IssuedKeyStore& keys) {
  GATEWAY_ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop,
                           EventLoop::Create());
  absl::Status loaded;
  loop->Post([&] { Spawn(LoadAndStop(keys, *loop, &loaded)); });
  loop->Run();
  if (!loaded.ok()) {
    return absl::Status(loaded.code(),
                        absl::StrCat("auth.callers.issued_keys: the keys that "
                                     "were issued cannot be read: ",
                                     loaded.message()));
  }
  Log(LogLevel::kInfo, "keys", "issued keys are known",
      {{"keys", keys.registry().size()}});
  return absl::OkStatus();
}

}  // namespace

KeptRecords::KeptRecords(Clock& clock) : clock_(clock), registry_(clock) {}

absl::Status KeptRecords::Open(const GatewayConfig& config,
                               const std::string& config_file) {
  GATEWAY_ASSIGN_OR_RETURN(store_, OpenStore(config, config_file, clock_));
  if (!config.auth().callers().has_issued_keys()) return absl::OkStatus();
  issued_keys_ = std::make_unique<IssuedKeyStore>(*store_, registry_);
  return Load(*issued_keys_);
}

void KeptRecords::Follow(EventLoop& loop) {
  if (issued_keys_ == nullptr) return;
  follows_on_ = &loop;
  loop.Post([this, &loop] { Spawn(issued_keys_->Follow(loop)); });
}

void KeptRecords::Stop() {
  if (follows_on_ == nullptr) return;
  issued_keys_->Stop(*follows_on_);
  follows_on_ = nullptr;
}

}  // namespace gateway

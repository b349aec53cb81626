#include "service/config/store_validator.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::StoreConfig;

constexpr char kFileName[] = "gateway.db";
constexpr size_t kStorePathBytesMax = 1024;
constexpr char kIssuedKeys[] = "auth.callers.issued_keys";
constexpr char kSessions[] = "sessions";
constexpr char kResponses[] = "response_store";

class StoreCheck {
 public:
  StoreCheck(const GatewayConfig& config, const FieldPlaces& places,
             ConfigProblems& problems)
      : config_(config), places_(places), problems_(problems) {}

  void CheckEngine();
  void CheckFile();
  void CheckReplicas();
  void CheckIssuedKeys();
  void CheckSessions();
  void CheckResponses();

 private:
  bool is_in_memory() const {
    return RecordStoreEngine(config_) == StoreConfig::ENGINE_MEMORY;
  }
  // Whether several processes would keep what only one of them knows.
  bool KeepsApart() const {
    return RecordStoreEngine(config_) != StoreConfig::ENGINE_REDIS &&
           config_.runtime().replicas() > 1;
  }
  std::string EachForItself() const {
    return absl::StrCat("are kept by each process for itself (in ",
                        is_in_memory() ? "memory" : "SQLite",
                        "), and runtime.replicas says that there are ",
                        config_.runtime().replicas());
  }
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }

  const GatewayConfig& config_;
  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

void StoreCheck::CheckEngine() {
  const StoreConfig::Engine engine = config_.store().engine();
  if (engine == StoreConfig::ENGINE_REDIS && !config_.has_redis()) {
    Add("store.engine",
        "is redis, and no 'redis' says where that is; give redis.addresses");
  }
  if (engine == StoreConfig::ENGINE_SQLITE &&
      RecordStoreFile(config_).empty()) {
    Add("store.file",
        "is required for sqlite where there is no runtime.state_dir; give one "
        "of the two");
  }
}

void StoreCheck::CheckFile() {
  const std::string& file = config_.store().file();
  if (file.empty()) return;
  const StoreConfig::Engine engine = config_.store().engine();
  if (engine == StoreConfig::ENGINE_MEMORY ||
      engine == StoreConfig::ENGINE_REDIS) {
    Add("store.file",
        absl::StrCat("means nothing for the engine ",
                     engine == StoreConfig::ENGINE_REDIS ? "redis" : "memory",
                     "; remove one of them"));
  }
  if (file.size() > kStorePathBytesMax || absl::EndsWith(file, "/") ||
      std::any_of(file.begin(), file.end(), absl::ascii_iscntrl)) {
    Add("store.file",
        absl::StrCat("must be the path of a file, at most ", kStorePathBytesMax,
                     " bytes, without control characters"));
  }
}

void StoreCheck::CheckReplicas() {
  if (!config_.has_store() || is_in_memory() || !KeepsApart()) return;
  Add("store.engine",
      absl::StrCat("is sqlite, a file of one process, and runtime.replicas "
                   "says that there are ",
                   config_.runtime().replicas(),
                   ": what one has kept would be unknown to the others; choose "
                   "store.engine: redis, or run one process"));
}

void StoreCheck::CheckIssuedKeys() {
  if (!config_.auth().callers().has_issued_keys()) return;
  if (KeepsApart()) {
    Add(kIssuedKeys,
        absl::StrCat(EachForItself(),
                     ": a key that one has issued or revoked would be unknown "
                     "to the others; choose store.engine: redis, run one "
                     "process, or give the keys in auth.callers.api_keys to "
                     "all"));
    return;
  }
  if (!is_in_memory()) return;
  problems_.Warn(
      places_.Find(kIssuedKeys), kIssuedKeys,
      absl::StrCat("are kept in memory, and a restart forgets them: callers "
                   "are refused then; set ",
                   config_.has_redis() ? "store.engine: redis, " : "",
                   "runtime.state_dir, or store.file, to keep them"));
}

void StoreCheck::CheckSessions() {
  if (!config_.has_sessions() || !KeepsApart()) return;
  Add(kSessions,
      absl::StrCat(EachForItself(),
                   ": a session that one has opened would be unknown to the "
                   "others; choose store.engine: redis, or run one process"));
}

void StoreCheck::CheckResponses() {
  // In SQLite they are no replicas' at all (CheckReplicas).
  if (config_.response_store().entries_limit() == 0 ||
      config_.runtime().replicas() <= 1 || KeepsResponses(config_)) {
    return;
  }
  problems_.Warn(
      places_.Find(kResponses), kResponses,
      absl::StrCat("keeps answers in the memory of each process, and "
                   "runtime.replicas says that there are ",
                   config_.runtime().replicas(),
                   ": previous_response_id and GET /v1/responses/{id} find "
                   "them at the one that has answered, and nowhere else; "
                   "choose store.engine: redis, run one process, or set "
                   "response_store.entries_limit: 0"));
}

}  // namespace

bool KeepsResponses(const GatewayConfig& config) {
  return config.has_store() && config.response_store().entries_limit() > 0 &&
         RecordStoreEngine(config) != StoreConfig::ENGINE_MEMORY;
}

bool NeedsRecordStore(const GatewayConfig& config) {
  return config.auth().callers().has_issued_keys() || config.has_sessions() ||
         KeepsResponses(config);
}

StoreConfig::Engine RecordStoreEngine(const GatewayConfig& config) {
  if (config.store().engine() != StoreConfig::ENGINE_UNSPECIFIED) {
    return config.store().engine();
  }
  return RecordStoreFile(config).empty() ? StoreConfig::ENGINE_MEMORY
                                         : StoreConfig::ENGINE_SQLITE;
}

std::string RecordStoreFile(const GatewayConfig& config) {
  if (!config.store().file().empty()) return config.store().file();
  const std::string& folder = config.runtime().state_dir();
  if (folder.empty()) return "";
  return absl::StrCat(folder, absl::EndsWith(folder, "/") ? "" : "/",
                      kFileName);
}

void CheckStore(const GatewayConfig& config, const FieldPlaces& places,
                ConfigProblems* problems) {
  StoreCheck check(config, places, *problems);
  check.CheckEngine();
  check.CheckFile();
  check.CheckReplicas();
  check.CheckIssuedKeys();
  check.CheckSessions();
  check.CheckResponses();
}

}  // namespace gateway

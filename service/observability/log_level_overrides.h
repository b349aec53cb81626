// LogLevelOverrides is what operators have said of the levels of the log, over
// what the configuration says, until another one comes into use.
//
//   LogLevelOverrides levels(kLogModules);
//   levels.Configure(LogLevelsOf(config.logging()));
//   levels.Set("pipeline", LogLevel::kDebug);  // In force at once.
//   levels.Set("pipeline", std::nullopt);      // As configured again.
//
// Thread-safe.

#ifndef SERVICE_OBSERVABILITY_LOG_LEVEL_OVERRIDES_H_
#define SERVICE_OBSERVABILITY_LOG_LEVEL_OVERRIDES_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "base/os/logging.h"
#include "base/os/mutex.h"

namespace gateway {

class LogLevelOverrides {
 public:
  // `modules` are all that lines are written of; their names are borrowed.
  explicit LogLevelOverrides(absl::Span<const std::string_view> modules);

  LogLevelOverrides(const LogLevelOverrides&) = delete;
  LogLevelOverrides& operator=(const LogLevelOverrides&) = delete;

  // Puts what is configured into force, and forgets what was said.
  void Configure(LogLevels levels) LOCKS_EXCLUDED(mu_);

  // Sets the level of a module, or of all if `module` is empty; without a level
  // what was said of it is forgotten. Returns false, and does nothing, if there
  // is no such module.
  bool Set(std::string_view module, std::optional<LogLevel> level)
      LOCKS_EXCLUDED(mu_);

  struct ModuleLevel {
    friend bool operator==(const ModuleLevel&, const ModuleLevel&) = default;

    std::string_view module;
    LogLevel level = LogLevel::kInfo;
    bool is_override = false;
  };
  // Of every module, sorted by name.
  std::vector<ModuleLevel> List() const LOCKS_EXCLUDED(mu_);

 private:
  void PutIntoForce() const EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::vector<std::string_view> modules_;  // Sorted.

  mutable Mutex mu_;
  LogLevels configured_ GUARDED_BY(mu_);
  std::map<std::string_view, LogLevel> said_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_LOG_LEVEL_OVERRIDES_H_

#include "service/observability/log_level_overrides.h"

#include <algorithm>
#include <utility>

namespace gateway {
namespace {

std::vector<std::string_view> Sorted(
    absl::Span<const std::string_view> modules) {
  std::vector<std::string_view> sorted(modules.begin(), modules.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

}  // namespace

LogLevelOverrides::LogLevelOverrides(absl::Span<const std::string_view> modules)
    : modules_(Sorted(modules)) {}

void LogLevelOverrides::Configure(LogLevels levels) {
  MutexLock lock(mu_);
  configured_ = std::move(levels);
  said_.clear();
  PutIntoForce();
}

bool LogLevelOverrides::Set(std::string_view module,
                            std::optional<LogLevel> level) {
  const auto known = std::lower_bound(modules_.begin(), modules_.end(), module);
  const bool all = module.empty();
  if (!all && (known == modules_.end() || *known != module)) return false;
  MutexLock lock(mu_);
  for (const std::string_view each : modules_) {
    if (!all && each != module) continue;
    if (level.has_value()) {
      said_[each] = *level;
    } else {
      said_.erase(each);
    }
  }
  PutIntoForce();
  return true;
}

std::vector<LogLevelOverrides::ModuleLevel> LogLevelOverrides::List() const {
  MutexLock lock(mu_);
  std::vector<ModuleLevel> levels;
  for (const std::string_view module : modules_) {
    ModuleLevel& level = levels.emplace_back(
        ModuleLevel{.module = module, .level = configured_.level});
    const auto own = configured_.module_levels.find(module);
    if (own != configured_.module_levels.end()) level.level = own->second;
    const auto said = said_.find(module);
    if (said == said_.end()) continue;
    level.level = said->second;
    level.is_override = true;
  }
  return levels;
}

void LogLevelOverrides::PutIntoForce() const {
  LogLevels levels = configured_;
  for (const auto& [module, level] : said_) {
    levels.module_levels[std::string(module)] = level;
  }
  SetLogLevels(levels);
}

}  // namespace gateway

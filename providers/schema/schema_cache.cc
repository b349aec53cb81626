#include "providers/schema/schema_cache.h"

#include <utility>

#include "base/status_macros.h"

namespace gateway {

std::shared_ptr<const JsonSchema> SchemaCache::Find(std::string_view text) {
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->schema;
}

absl::StatusOr<std::shared_ptr<const JsonSchema>> SchemaCache::Get(
    std::string_view text) {
  {
    MutexLock lock(mu_);
    if (auto schema = Find(text); schema != nullptr) return schema;
  }
  GATEWAY_ASSIGN_OR_RETURN(std::shared_ptr<const JsonSchema> schema,
                           JsonSchema::Compile(text));
  // The text is held besides what was made of it.
  const size_t weight = text.size() + schema->weight();
  MutexLock lock(mu_);
  // Somebody else may have been faster.
  if (auto other = Find(text); other != nullptr) return other;
  if (weight > weight_max_) return schema;
  while (weight_ + weight > weight_max_) {
    weight_ -= entries_.back().weight;
    by_text_.erase(entries_.back().text);
    entries_.pop_back();
  }
  entries_.push_front({std::string(text), schema, weight});
  by_text_.emplace(entries_.front().text, entries_.begin());
  weight_ += weight;
  return schema;
}

size_t SchemaCache::size() const {
  MutexLock lock(mu_);
  return entries_.size();
}

}  // namespace gateway

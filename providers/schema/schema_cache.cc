#include "providers/schema/schema_cache.h"

#include <utility>

namespace gateway {
namespace {

// What a failure counts beside its text and message.
constexpr size_t kFailureWeight = 256;

}  // namespace

const SchemaCache::Compiled* SchemaCache::Shelf::Find(std::string_view text) {
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &found->second->compiled;
}

void SchemaCache::Shelf::Put(std::string_view text, const Compiled& compiled,
                             size_t weight) {
  if (weight > weight_max_) return;
  while (weight_ + weight > weight_max_) {
    weight_ -= entries_.back().weight;
    by_text_.erase(entries_.back().text);
    entries_.pop_back();
  }
  entries_.push_front({std::string(text), compiled, weight});
  by_text_.emplace(entries_.front().text, entries_.begin());
  weight_ += weight;
}

const SchemaCache::Compiled* SchemaCache::Find(std::string_view text) {
  const Compiled* const schema = schemas_.Find(text);
  return schema != nullptr ? schema : failures_.Find(text);
}

absl::StatusOr<std::shared_ptr<const JsonSchema>> SchemaCache::Get(
    std::string_view text) {
  {
    MutexLock lock(mu_);
    if (const Compiled* known = Find(text); known != nullptr) return *known;
  }
  Compiled compiled = JsonSchema::Compile(text);
  MutexLock lock(mu_);
  // Looked for again, since another thread may have compiled it meanwhile.
  if (const Compiled* other = Find(text); other != nullptr) return *other;
  // The text counts too, since it is kept as the key.
  if (compiled.ok()) {
    schemas_.Put(text, compiled, text.size() + (*compiled)->weight());
  } else {
    failures_.Put(text, compiled,
                  text.size() + compiled.status().message().size() +
                      kFailureWeight);
  }
  return compiled;
}

bool SchemaCache::Knows(std::string_view text) const {
  MutexLock lock(mu_);
  return schemas_.Has(text) || failures_.Has(text);
}

size_t SchemaCache::size() const {
  MutexLock lock(mu_);
  return schemas_.size();
}

size_t SchemaCache::failures() const {
  MutexLock lock(mu_);
  return failures_.size();
}

}  // namespace gateway

// SchemaCache keeps compiled schemas by their text, because callers send the
// same one with each request. Those used least recently go first.
//
//   GATEWAY_ASSIGN_OR_RETURN(const auto schema, cache.Get(text));
//
// Thread contract: thread-safe. A lock is held for a look-up, never while a
// schema is compiled.

#ifndef PROVIDERS_SCHEMA_SCHEMA_CACHE_H_
#define PROVIDERS_SCHEMA_SCHEMA_CACHE_H_

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/os/mutex.h"
#include "providers/schema/json_schema.h"

namespace gateway {

class SchemaCache {
 public:
  static constexpr size_t kWeightMax = 64 * 1024 * 1024;

  explicit SchemaCache(size_t weight_max = kWeightMax)
      : weight_max_(weight_max) {}

  // Fails as JsonSchema::Compile does; failures are not kept.
  absl::StatusOr<std::shared_ptr<const JsonSchema>> Get(std::string_view text)
      LOCKS_EXCLUDED(mu_);

  size_t size() const LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    std::string text;
    std::shared_ptr<const JsonSchema> schema;
    size_t weight = 0;
  };

  std::shared_ptr<const JsonSchema> Find(std::string_view text)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const size_t weight_max_;
  mutable Mutex mu_;
  std::list<Entry> entries_ GUARDED_BY(mu_);  // Last used first.
  // Keys are views of the entries' texts.
  absl::flat_hash_map<std::string_view, std::list<Entry>::iterator> by_text_
      GUARDED_BY(mu_);
  size_t weight_ GUARDED_BY(mu_) = 0;
};

}  // namespace gateway

#endif  // PROVIDERS_SCHEMA_SCHEMA_CACHE_H_

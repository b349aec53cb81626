// SchemaCache keeps compiled schemas by their text, because callers send the
// same one with each request, and why others could not be compiled, because
// callers send those again, too. Those used least recently go first; failures
// have room of their own and take none from schemas.
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
  // One part in so many is for failures, which are mostly their texts.
  static constexpr size_t kFailuresShare = 8;

  explicit SchemaCache(size_t weight_max = kWeightMax)
      : schemas_(weight_max), failures_(weight_max / kFailuresShare) {}

  // Returns the compiled schema, from the cache if it is there. Fails as
  // JsonSchema::Compile does.
  absl::StatusOr<std::shared_ptr<const JsonSchema>> Get(std::string_view text)
      LOCKS_EXCLUDED(mu_);

  // Returns whether Get would find it in the cache.
  bool Knows(std::string_view text) const LOCKS_EXCLUDED(mu_);

  // Count the schemas, and the failures, that are kept.
  size_t size() const LOCKS_EXCLUDED(mu_);
  size_t failures() const LOCKS_EXCLUDED(mu_);

 private:
  using Compiled = absl::StatusOr<std::shared_ptr<const JsonSchema>>;

  // The results of some texts, the last used first.
  class Shelf {
   public:
    explicit Shelf(size_t weight_max) : weight_max_(weight_max) {}

    // Null if the text is not there.
    const Compiled* Find(std::string_view text);
    bool Has(std::string_view text) const { return by_text_.contains(text); }
    // REQUIRES: the text is not there. Does nothing if the result weighs too
    // much.
    void Put(std::string_view text, const Compiled& compiled, size_t weight);
    size_t size() const { return entries_.size(); }

   private:
    struct Entry {
      std::string text;
      Compiled compiled;
      size_t weight = 0;
    };

    const size_t weight_max_;
    std::list<Entry> entries_;  // Last used first.
    // Keys are views of the entries' texts.
    absl::flat_hash_map<std::string_view, std::list<Entry>::iterator> by_text_;
    size_t weight_ = 0;
  };

  const Compiled* Find(std::string_view text) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  Shelf schemas_ GUARDED_BY(mu_);
  Shelf failures_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // PROVIDERS_SCHEMA_SCHEMA_CACHE_H_

// JsonSchema checks answers by a caller's JSON Schema: draft 7 in full, and of
// 2019-09 and 2020-12 what can be said in its terms ($defs, prefixItems,
// dependentRequired, dependentSchemas). Other keywords of theirs are refused,
// remote references never fetched. Formats are notes, as draft 7 allows.
//
//   GATEWAY_ASSIGN_OR_RETURN(const auto schema, JsonSchema::Compile(text));
//   for (const std::string& error : schema->Validate(answer)) ...
//
// Neither a schema nor an answer can make it crash or hang: depth, size and
// work are bounded, and patterns run in linear time.
//
// Thread contract: immutable, thread-safe.

#ifndef PROVIDERS_SCHEMA_JSON_SCHEMA_H_
#define PROVIDERS_SCHEMA_JSON_SCHEMA_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gateway {

struct SchemaGraph;

class JsonSchema {
 public:
  static constexpr size_t kErrorsMax = 16;
  static constexpr size_t kErrorBytesMax = 512;
  // What checking may cost, in steps of up to some 100 ns, for one answer or
  // all that are checked with the same Budget.
  static constexpr size_t kStepsMax = 1'000'000;

  struct Budget {
    size_t steps_left = kStepsMax;
  };

  // Compiles a schema. INVALID_ARGUMENT says what is wrong and where in it, as
  // in `#/properties/a/pattern: ...`.
  static absl::StatusOr<std::shared_ptr<const JsonSchema>> Compile(
      std::string_view schema_text);

  // To be called by Compile only.
  explicit JsonSchema(std::unique_ptr<const SchemaGraph> graph);
  ~JsonSchema();

  JsonSchema(const JsonSchema&) = delete;
  JsonSchema& operator=(const JsonSchema&) = delete;

  // Returns what is wrong with a JSON text and where, as in `#/items/0: ...`;
  // empty if nothing is.
  std::vector<std::string> Validate(std::string_view json) const;

  // As above, within what `budget` has left, and takes off what it spends. If
  // the budget runs out, that is an error of the answer, which is not looked at
  // further.
  std::vector<std::string> Validate(std::string_view json,
                                    Budget& budget) const;

  // Returns about how many bytes it takes in memory.
  size_t weight() const;

 private:
  const std::unique_ptr<const SchemaGraph> graph_;
};

}  // namespace gateway

#endif  // PROVIDERS_SCHEMA_JSON_SCHEMA_H_

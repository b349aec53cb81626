// Assertions is what one schema says of a value without looking at other
// schemas: enum, const, the bounds of numbers, the counts of items and
// properties, and what is required. Valijson checks them.
//
//   GATEWAY_ASSIGN_OR_RETURN(const auto assertions,
//                            Assertions::Compile({{"minimum", 3}}));
//   assertions->Validate(2, &errors);
//
// Why not the rest too: its parser follows references as deep as they go, its
// patterns are std::regex, which a long text overflows, its error lists have
// no end, and it counts characters only up to a NUL. schema_graph.h and
// json_schema.h do those parts within bounds.
//
// Thread contract: immutable, thread-safe.

#ifndef PROVIDERS_SCHEMA_ASSERTIONS_H_
#define PROVIDERS_SCHEMA_ASSERTIONS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "providers/schema/json_tree.h"

namespace gateway {

class Assertions {
 public:
  virtual ~Assertions() = default;

  // Returns whether the keyword is checked here. `dependencies` is only as far
  // as it lists names.
  static bool Knows(std::string_view keyword);

  // Compiles an object with such keywords only. INVALID_ARGUMENT says what is
  // wrong with one.
  static absl::StatusOr<std::unique_ptr<const Assertions>> Compile(
      const JsonTree& keywords);

  // Returns whether `value` meets all assertions. Adds what is wrong to
  // `errors`, unless that is null.
  virtual bool Validate(const JsonTree& value,
                        std::vector<std::string>* errors) const = 0;
};

}  // namespace gateway

#endif  // PROVIDERS_SCHEMA_ASSERTIONS_H_

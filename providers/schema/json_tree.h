// A JSON text as a tree that can be walked again and again, for the schemas'
// room; everywhere else texts are read in one pass (base/text/json.h).
//
//   GATEWAY_ASSIGN_OR_RETURN(const JsonTree tree, ReadJsonTree(text));
//   const TreePlace root;
//   const TreePlace name = {.parent = &root, .key = "name"};
//   name.ToString();  // "#/name"
//
// Whole numbers are integers in the tree however they are written, so that 1
// and 1.0 are one value. Beyond 64 bits a number keeps a double's precision.
//
// Thread contract: plain functions and values.

#ifndef PROVIDERS_SCHEMA_JSON_TREE_H_
#define PROVIDERS_SCHEMA_JSON_TREE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace gateway {

using JsonTree = nlohmann::json;

// Reads one JSON value of any kind, nested at most kJsonDepthLimit deep.
// INVALID_ARGUMENT says what is wrong with it.
absl::StatusOr<JsonTree> ReadJsonTree(std::string_view text);

// A step from the root of a tree. Borrows its parent and key.
struct TreePlace {
  static constexpr size_t kNoIndex = static_cast<size_t>(-1);
  // Longer paths are cut at the front, since their end says more.
  static constexpr size_t kTextBytesMax = 256;

  const TreePlace* parent = nullptr;
  std::string_view key;
  size_t index = kNoIndex;  // Set for elements of arrays.

  // Returns the place as a JSON pointer, such as `#/items/0/name`; the root is
  // `#`.
  std::string ToString() const;
};

}  // namespace gateway

#endif  // PROVIDERS_SCHEMA_JSON_TREE_H_

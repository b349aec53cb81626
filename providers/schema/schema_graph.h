// SchemaGraph is a schema in the form that values are checked against: one node
// for each schema of the document that the root leads to, references resolved,
// keywords of 2019-09 and 2020-12 rewritten in draft 7's terms.
//
// What is bounded: the text, its depth, the patterns, and that no schema
// leads to itself without a step into the value. So checking always ends.
//
// Thread contract: immutable once read.

#ifndef PROVIDERS_SCHEMA_SCHEMA_GRAPH_H_
#define PROVIDERS_SCHEMA_SCHEMA_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "providers/schema/json_tree.h"
#include "providers/schema/pattern.h"

namespace gateway {

// The types of draft 7; a set of them is a sum.
enum SchemaType : uint8_t {
  kNullType = 1,
  kBooleanType = 2,
  kIntegerType = 4,
  kFractionType = 8,
  kStringType = 16,
  kArrayType = 32,
  kObjectType = 64,
  kAnyType = 127,
};

struct SchemaNode {
  static constexpr int kNone = -1;

  bool never = false;  // Set for the schema `false`.
  uint8_t types = kAnyType;
  // What it costs to check the node's own part, in steps of some nanoseconds.
  size_t cost = 1;
  std::optional<JsonTree> constant;
  std::optional<JsonTree> choices;  // An array.
  std::optional<JsonTree> minimum;
  std::optional<JsonTree> exclusive_minimum;
  std::optional<JsonTree> maximum;
  std::optional<JsonTree> exclusive_maximum;
  std::optional<JsonTree> multiple_of;
  std::optional<uint64_t> min_length;
  std::optional<uint64_t> max_length;
  std::optional<Pattern> pattern;
  std::optional<uint64_t> min_items;
  std::optional<uint64_t> max_items;
  bool unique_items = false;
  std::optional<uint64_t> min_properties;
  std::optional<uint64_t> max_properties;
  std::vector<std::string> required;
  // What is required where the first property is there.
  std::vector<std::pair<std::string, std::vector<std::string>>> dependent_names;

  // Nodes that the same value is checked against.
  std::vector<int> all_of;
  std::vector<int> any_of;
  std::vector<int> one_of;
  int not_node = kNone;
  int if_node = kNone;
  int then_node = kNone;
  int else_node = kNone;
  std::vector<std::pair<std::string, int>> dependent_schemas;

  // Nodes that the value's elements or properties are checked against.
  std::vector<int> first_items;
  int other_items = kNone;
  int contains = kNone;
  absl::flat_hash_map<std::string, int> properties;
  std::vector<std::pair<Pattern, int>> pattern_properties;
  int other_properties = kNone;
  int property_names = kNone;
};

struct SchemaGraph {
  static constexpr size_t kTextBytesMax = 256 * 1024;
  static constexpr size_t kPatternsMax = 256;

  std::vector<SchemaNode> nodes;  // The first is the root's.
  // About how many bytes the graph takes.
  size_t weight = 0;
};

// Reads a schema. INVALID_ARGUMENT says what is wrong and where, as in
// `#/properties/a/pattern: ...`.
absl::StatusOr<SchemaGraph> ReadSchemaGraph(std::string_view text);

}  // namespace gateway

#endif  // PROVIDERS_SCHEMA_SCHEMA_GRAPH_H_

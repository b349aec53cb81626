// PartialArguments puts together the arguments of a call that comes in pieces,
// as Google sends them where `streamFunctionCallArguments` asks for it: each
// piece is a value and the JSONPath of its place, and a text may go on.
//
//   {"jsonPath": "$.city", "stringValue": "Os", "willContinue": true}
//   {"jsonPath": "$.city", "stringValue": "lo"}
//   {"jsonPath": "$.days[0]", "numberValue": 3}
//
//   becomes  {"city":"Oslo","days":[3]}
//
// Belongs to one call; thread-compatible.

#ifndef PROVIDERS_DIALECTS_GEMINI_PARTIAL_ARGUMENTS_H_
#define PROVIDERS_DIALECTS_GEMINI_PARTIAL_ARGUMENTS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/text/json.h"

namespace gateway::gemini {

class PartialArguments {
 public:
  // Arguments of more bytes or places, or of deeper nesting, are refused.
  static constexpr size_t kBytesMax = 16 << 20;
  static constexpr int kPlacesMax = 1 << 16;
  static constexpr int kDepthMax = 64;

  // Adds a list `partialArgs`. INVALID_ARGUMENT names what is wrong.
  absl::Status Add(std::string_view list);

  // Returns what has come so far, as an object.
  std::string Json() const;

 private:
  struct Node {
    std::string text;   // For a string.
    std::string value;  // For any other value, as JSON.
    bool is_text = false;
    bool is_list = false;
    // For an object by name, for a list in order.
    std::vector<std::pair<std::string, std::unique_ptr<Node>>> children;
    absl::flat_hash_map<std::string, size_t> by_name;  // Of an object.
  };

  absl::Status AddPiece(JsonValue& piece);
  // Finds the node at `path`, and makes it if it is new.
  absl::Status FindPlace(std::string_view path, Node** place);
  absl::Status Enter(bool is_index, std::string_view name, Node** node);
  static void Write(const Node& node, JsonWriter& json);

  Node root_;
  size_t bytes_ = 0;
  int places_ = 0;
};

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_PARTIAL_ARGUMENTS_H_

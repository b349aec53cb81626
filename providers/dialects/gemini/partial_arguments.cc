#include "providers/dialects/gemini/partial_arguments.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway::gemini {
namespace {

// One step of a JSONPath: a name or an index.
struct Step {
  bool is_index = false;
  std::string_view name;
};

// Removes the next step from `path`: `.name`, `['name']`, `["name"]` or `[3]`.
bool TakeStep(std::string_view* path, Step* step) {
  const char first = path->front();
  path->remove_prefix(1);
  if (first == '.') {
    const size_t end = std::min(path->find_first_of(".["), path->size());
    *step = {.name = path->substr(0, end)};
    path->remove_prefix(end);
    return !step->name.empty();
  }
  if (first != '[' || path->empty()) return false;
  const char quote = path->front();
  const bool quoted = quote == '\'' || quote == '"';
  const size_t end = quoted ? path->find(quote, 1) : path->find(']');
  if (end == std::string_view::npos) return false;
  *step = {.is_index = !quoted,
           .name = quoted ? path->substr(1, end - 1) : path->substr(0, end)};
  path->remove_prefix(quoted ? end + 1 : end);
  if (path->empty() || path->front() != ']') return false;
  path->remove_prefix(1);
  return true;
}

absl::Status BadPath(std::string_view path) {
  return absl::InvalidArgumentError(
      absl::StrCat("partialArgs: not a place: ", ToAbsl(path)));
}

}  // namespace

absl::Status PartialArguments::Add(std::string_view list) {
  bytes_ += list.size();
  if (bytes_ > kBytesMax) {
    return absl::InvalidArgumentError("partialArgs: too long");
  }
  return ReadJson(list, [&](JsonValue& root) {
    return root.EachElement([&](JsonValue& piece) { return AddPiece(piece); });
  });
}

absl::Status PartialArguments::AddPiece(JsonValue& piece) {
  std::string path;
  std::string text;
  std::string value;
  bool is_text = false;
  GATEWAY_RETURN_IF_ERROR(piece.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "jsonPath") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, field.String());
          path = std::string(view);
        } else if (key == "stringValue") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, field.String());
          text = std::string(view);
          is_text = true;
        } else if (key == "nullValue") {
          value = "null";
        } else if (key == "numberValue" || key == "boolValue") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, field.Raw());
          value = std::string(raw);
        }
        return absl::OkStatus();
      }));
  Node* place = nullptr;
  GATEWAY_RETURN_IF_ERROR(FindPlace(path, &place));
  if (is_text) {
    place->is_text = true;
    place->text.append(text);
  } else if (!value.empty()) {
    place->value = std::move(value);
  }
  return absl::OkStatus();
}

absl::Status PartialArguments::FindPlace(std::string_view path, Node** place) {
  std::string_view rest = path;
  if (rest.empty() || rest.front() != '$') return BadPath(path);
  rest.remove_prefix(1);
  *place = &root_;
  for (int depth = 0; !rest.empty(); ++depth) {
    Step step;
    if (depth == kDepthMax || !TakeStep(&rest, &step) ||
        !Enter(step.is_index, step.name, place).ok()) {
      return BadPath(path);
    }
  }
  return *place == &root_ ? BadPath(path) : absl::OkStatus();
}

absl::Status PartialArguments::Enter(bool is_index, std::string_view name,
                                     Node** node) {
  auto& children = (*node)->children;
  const bool is_new = children.empty();
  if (!is_new && (*node)->is_list != is_index) {
    return absl::InvalidArgumentError("both a list and an object");
  }
  (*node)->is_list = is_index;
  size_t index = children.size();
  if (is_index) {
    uint32_t number = 0;
    // Refuses an index beyond the next one: elements come in order.
    if (!absl::SimpleAtoi(ToAbsl(name), &number) || number > children.size()) {
      return absl::InvalidArgumentError("no index");
    }
    index = number;
  } else {
    const auto known = (*node)->by_name.find(ToAbsl(name));
    if (known != (*node)->by_name.end()) index = known->second;
  }
  if (index == children.size()) {
    if (++places_ > kPlacesMax) {
      return absl::InvalidArgumentError("too many places");
    }
    if (!is_index) (*node)->by_name.emplace(name, index);
    children.emplace_back(std::string(name), std::make_unique<Node>());
  }
  *node = children[index].second.get();
  return absl::OkStatus();
}

std::string PartialArguments::Json() const {
  if (root_.children.empty()) return "{}";
  std::string text;
  JsonWriter json(&text);
  Write(root_, json);
  return text;
}

void PartialArguments::Write(const Node& node, JsonWriter& json) {
  if (!node.children.empty() && node.is_list) {
    json.StartArray();
    for (const auto& child : node.children) Write(*child.second, json);
    json.EndArray();
  } else if (!node.children.empty()) {
    json.StartObject();
    for (const auto& child : node.children) {
      json.Key(child.first);
      Write(*child.second, json);
    }
    json.EndObject();
  } else if (node.is_text) {
    json.String(node.text);
  } else {
    json.Raw(node.value.empty() ? "null" : node.value);
  }
}

}  // namespace gateway::gemini

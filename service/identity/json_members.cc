#include "service/identity/json_members.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

// Reads all of a value.
absl::Status CheckValue(JsonValue& value) {
  switch (value.Type()) {
    case JsonType::kObject: {
      std::vector<std::string_view> names;
      GATEWAY_RETURN_IF_ERROR(
          value.EachField([&](std::string_view name, JsonValue& field) {
            names.push_back(name);
            return CheckValue(field);
          }));
      std::sort(names.begin(), names.end());
      if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
        return value.Error("has a member twice");
      }
      return absl::OkStatus();
    }
    case JsonType::kArray:
      return value.EachElement(CheckValue);
    case JsonType::kString:
      return value.String().status();
    default:
      return value.Raw().status();
  }
}

using Read = absl::FunctionRef<absl::Status(JsonValue& value)>;

// Reads the member of that name; with `path`, the one below it.
absl::Status ReadBelow(JsonValue& object, std::string_view name,
                       std::string_view path, Read read, bool* found) {
  return object.EachField([&](std::string_view key, JsonValue& value) {
    if (key != name) return absl::OkStatus();
    if (path.empty()) {
      *found = true;
      return read(value);
    }
    if (!value.IsObject()) return absl::OkStatus();
    const size_t slash = path.find('/');
    return ReadBelow(value, path.substr(0, slash),
                     slash == std::string_view::npos ? std::string_view()
                                                     : path.substr(slash + 1),
                     read, found);
  });
}

}  // namespace

absl::Status CheckMembersOnce(std::string_view json) {
  return ReadJson(json, [](JsonValue& root) {
    return root.IsObject() ? CheckValue(root)
                           : root.Error("expected an object");
  });
}

absl::StatusOr<bool> ReadMember(std::string_view json, std::string_view path,
                                Read read) {
  bool found = false;
  GATEWAY_RETURN_IF_ERROR(ReadJson(json, [&](JsonValue& root) {
    return ReadBelow(root, path, "", read, &found);
  }));
  const size_t slash = path.find('/');
  if (found || slash == std::string_view::npos) return found;
  GATEWAY_RETURN_IF_ERROR(ReadJson(json, [&](JsonValue& root) {
    return ReadBelow(root, path.substr(0, slash), path.substr(slash + 1), read,
                     &found);
  }));
  return found;
}

}  // namespace gateway

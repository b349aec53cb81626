#include "providers/dialects/openai_responses/fields.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"

namespace gateway::responses {

std::string TextExtension(const ExtensionList& extensions,
                          std::string_view name) {
  const v1::Extension* extension = FindExtension(extensions, name);
  std::string text;
  if (extension == nullptr) return text;
  // In brackets, since a reading begins with an object or an array.
  const absl::Status status =
      ReadJson(absl::StrCat("[", extension->json(), "]"), [&](JsonValue& root) {
        return root.EachElement([&](JsonValue& value) -> absl::Status {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
          text = std::string(view);
          return absl::OkStatus();
        });
      });
  return status.ok() ? text : std::string();
}

void AddTextExtension(ExtensionList* extensions, std::string_view name,
                      std::string_view text) {
  AddExtension(extensions, name, wire::Quoted(text));
}

ExtensionList Without(const ExtensionList& extensions,
                      absl::Span<const std::string_view> names) {
  ExtensionList rest;
  for (const v1::Extension& extension : extensions) {
    if (extension.dialect() != kDialect) continue;
    if (std::find(names.begin(), names.end(), extension.name()) !=
        names.end()) {
      continue;
    }
    *rest.Add() = extension;
  }
  return rest;
}

}  // namespace gateway::responses

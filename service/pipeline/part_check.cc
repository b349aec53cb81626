#include "service/pipeline/part_check.h"

#include "absl/strings/str_cat.h"
#include "base/text/json.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// Which roles may say what.
bool RoleMaySay(v1::Role role, v1::Part::KindCase kind) {
  switch (kind) {
    case v1::Part::kToolCall:
    case v1::Part::kReasoning:
    case v1::Part::kRefusal:
      return role == v1::ROLE_ASSISTANT;
    case v1::Part::kToolResult:
      return role == v1::ROLE_TOOL;
    default:
      return role != v1::ROLE_TOOL || kind == v1::Part::kOpaque;
  }
}

void CheckImage(const v1::Image& image, const FieldPath& path,
                Violations* violations) {
  // Set but empty is as good as not set.
  if (image.url().empty() && image.data().empty() && image.file_id().empty()) {
    violations->Add(path, "sets no source: url, data or file_id");
  }
  if (image.has_data() && image.media_type().empty()) {
    violations->Add({path, "media_type"}, "is required with data");
  }
}

void CheckDocument(const v1::Document& document, const FieldPath& path,
                   Violations* violations) {
  if (document.url().empty() && document.data().empty() &&
      document.file_id().empty() && document.text().empty()) {
    violations->Add(path, "sets no source: url, data, file_id or text");
  }
  if (document.has_data() && document.media_type().empty()) {
    violations->Add({path, "media_type"}, "is required with data");
  }
}

void CheckAudio(const v1::Audio& audio, const FieldPath& path,
                Violations* violations) {
  if (audio.data().empty() && audio.id().empty()) {
    violations->Add(path, "needs data or an id");
  }
  if (!audio.data().empty() && audio.format().empty()) {
    violations->Add({path, "format"}, "is required with data");
  }
}

void CheckToolCall(const v1::ToolCall& call, const FieldPath& path,
                   Violations* violations) {
  if (call.id().empty()) violations->Add({path, "id"}, "is required");
  if (call.name().empty()) violations->Add({path, "name"}, "is required");
  if (!v1::ToolKind_IsValid(call.kind())) {
    violations->Add({path, "kind"}, "is not known");
  }
}

void CheckPart(const v1::Part& part, const FieldPath& path,
               Violations* violations);

void CheckToolResult(const v1::ToolResult& result, const FieldPath& path,
                     Violations* violations) {
  if (result.tool_call_id().empty()) {
    violations->Add({path, "tool_call_id"}, "is required");
  }
  for (int i = 0; i < result.parts_size(); ++i) {
    const FieldPath at(path, "parts", i);
    if (result.parts(i).has_tool_result()) {
      violations->Add(at, "must not be a tool result itself");
      continue;
    }
    CheckPart(result.parts(i), at, violations);
  }
}

void CheckKind(const v1::Part& part, const FieldPath& path,
               Violations* violations) {
  switch (part.kind_case()) {
    case v1::Part::kImage:
      return CheckImage(part.image(), {path, "image"}, violations);
    case v1::Part::kDocument:
      return CheckDocument(part.document(), {path, "document"}, violations);
    case v1::Part::kAudio:
      return CheckAudio(part.audio(), {path, "audio"}, violations);
    case v1::Part::kToolCall:
      return CheckToolCall(part.tool_call(), {path, "tool_call"}, violations);
    case v1::Part::kToolResult:
      return CheckToolResult(part.tool_result(), {path, "tool_result"},
                             violations);
    case v1::Part::kOpaque:
      if (!CheckJson(part.opaque().json()).ok()) {
        violations->Add({path, "opaque.json"}, "is not JSON");
      }
      return;
    case v1::Part::KIND_NOT_SET:
      violations->Add(path, "sets no kind, such as text");
      return;
    case v1::Part::kText:
    case v1::Part::kReasoning:
    case v1::Part::kRefusal:
      return;
  }
}

void CheckPart(const v1::Part& part, const FieldPath& path,
               Violations* violations) {
  CheckKind(part, path, violations);
  CheckExtras(part, path, violations);
}

}  // namespace

void CheckExtensions(
    const google::protobuf::RepeatedPtrField<v1::Extension>& extensions,
    const FieldPath* parent, Violations* violations) {
  for (int i = 0; i < extensions.size(); ++i) {
    const v1::Extension& extension = extensions[i];
    const FieldPath at = parent == nullptr
                             ? FieldPath("extensions", i)
                             : FieldPath(*parent, "extensions", i);
    if (extension.dialect().empty()) {
      violations->Add({at, "dialect"}, "is required");
    }
    if (extension.name().empty()) violations->Add({at, "name"}, "is required");
    if (!CheckJson(extension.json()).ok()) {
      violations->Add({at, "json"}, "is not JSON");
    }
  }
}

void CheckCacheHint(const v1::CacheHint& hint, const FieldPath& path,
                    Violations* violations) {
  if (hint.ttl().seconds() < 0 || hint.ttl().nanos() < 0) {
    violations->Add({path, "ttl"}, "must not be negative");
  }
}

void CheckMessage(const v1::Message& message, const FieldPath& path,
                  Violations* violations) {
  if (message.role() == v1::ROLE_UNSPECIFIED) {
    violations->Add({path, "role"}, "is required");
  } else if (!v1::Role_IsValid(message.role())) {
    violations->Add({path, "role"}, "is not known");
  }
  if (message.parts().empty() && message.role() != v1::ROLE_ASSISTANT) {
    violations->Add({path, "parts"}, "is required");
  }
  if (!message.extensions().empty()) {
    CheckExtensions(message.extensions(), &path, violations);
  }
  for (int i = 0; i < message.parts_size(); ++i) {
    const v1::Part& part = message.parts(i);
    const FieldPath at(path, "parts", i);
    CheckPart(part, at, violations);
    if (v1::Role_IsValid(message.role()) &&
        part.kind_case() != v1::Part::KIND_NOT_SET &&
        !RoleMaySay(message.role(), part.kind_case())) {
      violations->Add(at, absl::StrCat("is not for ",
                                       v1::Role_Name(message.role())));
    }
  }
}

}  // namespace gateway

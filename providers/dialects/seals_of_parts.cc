#include "providers/dialects/seals_of_parts.h"

#include "providers/dialects/seal.h"

namespace gateway {
namespace {

using SealedExtensions = google::protobuf::RepeatedPtrField<v1::Extension>;

// As the dialects call themselves and their fields.
constexpr std::string_view kSealingDialect = "gemini";
constexpr std::string_view kSealField = "thoughtSignature";

bool IsSealField(const v1::Extension& extension) {
  return extension.name() == kSealField &&
         extension.dialect() == kSealingDialect;
}

void RemoveSeal(SealedExtensions* extensions) {
  for (int i = extensions->size() - 1; i >= 0; --i) {
    if (IsSealField((*extensions)[i])) extensions->DeleteSubrange(i, 1);
  }
}

}  // namespace

std::string_view SealOfPart(const SealedExtensions& extensions) {
  for (const v1::Extension& extension : extensions) {
    if (!IsSealField(extension)) continue;
    // Base64 in quotes; whatever has escapes is none.
    std::string_view json = extension.json();
    if (json.size() < 2 || json.front() != '"' || json.back() != '"' ||
        json.find('\\') != std::string_view::npos) {
      return {};
    }
    json.remove_prefix(1);
    json.remove_suffix(1);
    return json;
  }
  return {};
}

bool HasSealedParts(const v1::Message& message) {
  for (const v1::Part& part : message.parts()) {
    if (!SealOfPart(part.extensions()).empty()) return true;
  }
  return false;
}

v1::Message WithSealsAsReasoning(const v1::Message& message) {
  v1::Message sealed;
  for (const v1::Part& part : message.parts()) {
    const std::string_view seal = SealOfPart(part.extensions());
    if (!seal.empty()) {
      sealed.add_parts()->mutable_reasoning()->set_redacted_data(
          NamedSeal(kSealingDialect, seal));
    }
    v1::Part* const same = sealed.add_parts();
    *same = part;
    if (!seal.empty()) RemoveSeal(same->mutable_extensions());
  }
  sealed.set_role(message.role());
  sealed.set_name(message.name());
  *sealed.mutable_extensions() = message.extensions();
  return sealed;
}

v1::Delta SealAsReasoning(const v1::Delta& delta) {
  v1::Delta sealed;
  sealed.set_choice_index(delta.choice_index());
  sealed.set_part_index(delta.part_index());
  sealed.set_redacted_reasoning(
      NamedSeal(kSealingDialect, SealOfPart(delta.extensions())));
  return sealed;
}

std::string_view SealFromReasoning(const v1::Reasoning& reasoning) {
  std::string_view seal;
  if (!reasoning.text().empty() ||
      !ReadNamedSeal(reasoning.redacted_data(), kSealingDialect, &seal)) {
    return {};
  }
  return seal;
}

}  // namespace gateway

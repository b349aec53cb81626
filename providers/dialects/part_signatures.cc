#include "providers/dialects/part_signatures.h"

#include "providers/dialects/named_signature.h"

namespace gateway {
namespace {

using SignedExtensions = google::protobuf::RepeatedPtrField<v1::Extension>;

// The names of the dialect and of its field.
constexpr std::string_view kSigningDialect = "gemini";
constexpr std::string_view kSignatureField = "thoughtSignature";

bool IsSignatureField(const v1::Extension& extension) {
  return extension.name() == kSignatureField &&
         extension.dialect() == kSigningDialect;
}

void RemoveSignature(SignedExtensions* extensions) {
  for (int i = extensions->size() - 1; i >= 0; --i) {
    if (IsSignatureField((*extensions)[i])) extensions->DeleteSubrange(i, 1);
  }
}

}  // namespace

std::string_view PartSignature(const SignedExtensions& extensions) {
  for (const v1::Extension& extension : extensions) {
    if (!IsSignatureField(extension)) continue;
    // Only base64 in quotes: it has no escapes.
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

bool HasSignedParts(const v1::Message& message) {
  for (const v1::Part& part : message.parts()) {
    if (!PartSignature(part.extensions()).empty()) return true;
  }
  return false;
}

v1::Message WithSignaturesAsReasoning(const v1::Message& message) {
  v1::Message with_reasoning;
  for (const v1::Part& part : message.parts()) {
    const std::string_view signature = PartSignature(part.extensions());
    if (!signature.empty()) {
      with_reasoning.add_parts()->mutable_reasoning()->set_redacted_data(
          NamedSignature(kSigningDialect, signature));
    }
    v1::Part* const same = with_reasoning.add_parts();
    *same = part;
    if (!signature.empty()) RemoveSignature(same->mutable_extensions());
  }
  with_reasoning.set_role(message.role());
  with_reasoning.set_name(message.name());
  *with_reasoning.mutable_extensions() = message.extensions();
  return with_reasoning;
}

v1::Delta SignatureAsReasoning(const v1::Delta& delta) {
  v1::Delta with_reasoning;
  with_reasoning.set_choice_index(delta.choice_index());
  with_reasoning.set_part_index(delta.part_index());
  with_reasoning.set_redacted_reasoning(
      NamedSignature(kSigningDialect, PartSignature(delta.extensions())));
  return with_reasoning;
}

std::string_view SignatureFromReasoning(const v1::Reasoning& reasoning) {
  std::string_view signature;
  if (!reasoning.text().empty() ||
      !ReadNamedSignature(reasoning.redacted_data(), kSigningDialect,
                          &signature)) {
    return {};
  }
  return signature;
}

}  // namespace gateway

#include "service/config/masked.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::llmgateway::config::v1::GatewayConfig;

constexpr std::string_view kReferences[] = {
    "llmgateway.config.v1.AnthropicProvider.api_key",
    "llmgateway.config.v1.ApiKey.key",
    "llmgateway.config.v1.AzureOpenAiProvider.api_key",
    "llmgateway.config.v1.DeepSeekProvider.api_key",
    "llmgateway.config.v1.GeminiProvider.api_key",
    "llmgateway.config.v1.OllamaProvider.api_key",
    "llmgateway.config.v1.OpenAiCompatibleProvider.api_key",
    "llmgateway.config.v1.OpenAiProvider.api_key",
    "llmgateway.config.v1.OpenRouterProvider.api_key",
    "llmgateway.config.v1.TlsServer.cert_chain",
    "llmgateway.config.v1.TlsServer.client_ca",
    "llmgateway.config.v1.TlsServer.private_key",
    "llmgateway.config.v1.WeightedCredential.api_key",
};

// Values of these maps may be anything.
constexpr std::string_view kOpaqueMaps[] = {
    "llmgateway.config.v1.HttpUpstream.headers",
    "llmgateway.config.v1.LocalCliProvider.environment",
};

template <size_t n>
bool IsAmong(const std::string_view (&names)[n], const std::string& name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool MustBeMasked(const FieldDescriptor& field, const std::string& text) {
  if (text.empty()) return false;
  if (IsSecretReference(field)) return !SecretReference::Parse(text).ok();
  // `user:password@host` within a URL.
  return absl::StrContains(text, "://") && absl::StrContains(text, "@");
}

void Mask(Message* message) {
  const Reflection& reflection = *message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool is_text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    const bool is_message =
        field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
        if (is_message) {
          Message* inner = reflection.MutableRepeatedMessage(message, field, i);
          if (IsAmong(kOpaqueMaps, field->full_name())) {
            inner->GetReflection()->SetString(
                inner, field->message_type()->map_value(), kMask);
          } else {
            Mask(inner);
          }
        } else if (is_text && MustBeMasked(*field, reflection.GetRepeatedString(
                                                       *message, field, i))) {
          reflection.SetRepeatedString(message, field, i, kMask);
        }
      }
    } else if (is_message) {
      Mask(reflection.MutableMessage(message, field));
    } else if (is_text &&
               MustBeMasked(*field, reflection.GetString(*message, field))) {
      reflection.SetString(message, field, kMask);
    }
  }
}

}  // namespace

bool IsSecretReference(const FieldDescriptor& field) {
  return IsAmong(kReferences, field.full_name());
}

GatewayConfig MaskConfig(GatewayConfig config) {
  Mask(&config);
  return config;
}

}  // namespace gateway

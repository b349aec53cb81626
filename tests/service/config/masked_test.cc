#include "service/config/masked.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/yaml_writer.h"

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::llmgateway::config::v1::GatewayConfig;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MaskedTest, KeepsReferencesAndHidesLiterals) {
  GatewayConfig config;
  config.add_providers()->mutable_openai()->set_api_key("env:OPENAI_API_KEY");
  config.add_providers()->mutable_anthropic()->set_api_key("sk-hunter2");
  config.mutable_auth()->mutable_callers()->add_api_keys()->set_key("hunter2");
  auto* tls = config.mutable_listeners()->mutable_grpc()->mutable_tls();
  tls->set_private_key("-----BEGIN hunter2");
  tls->set_cert_chain("file:/tls.crt");
  const GatewayConfig masked = MaskConfig(config);
  EXPECT_EQ(masked.providers(0).openai().api_key(), "env:OPENAI_API_KEY");
  EXPECT_EQ(masked.providers(1).anthropic().api_key(), kMask);
  EXPECT_EQ(masked.auth().callers().api_keys(0).key(), kMask);
  EXPECT_EQ(masked.listeners().grpc().tls().private_key(), kMask);
  EXPECT_EQ(masked.listeners().grpc().tls().cert_chain(), "file:/tls.crt");
  EXPECT_EQ(masked.listeners().grpc().tls().client_ca(), "");
  EXPECT_THAT(WriteYaml(masked), Not(HasSubstr("hunter2")));
}

TEST(MaskedTest, HidesHeadersAndCredentialsInUrls) {
  GatewayConfig config;
  auto* openai = config.add_providers()->mutable_openai();
  openai->set_base_url("https://user:hunter2@a.example");
  (*openai->mutable_http()->mutable_headers())["x-token"] = "hunter2";
  openai->mutable_http()->set_proxy("http://proxy.example:3128");
  const GatewayConfig masked = MaskConfig(config);
  EXPECT_EQ(masked.providers(0).openai().base_url(), kMask);
  EXPECT_EQ(masked.providers(0).openai().http().headers().at("x-token"), kMask);
  EXPECT_EQ(masked.providers(0).openai().http().proxy(),
            "http://proxy.example:3128");
}

TEST(MaskedTest, OfAMapReferencesStay) {
  GatewayConfig config;
  auto& headers = *config.mutable_alerts()
                       ->add_actions()
                       ->mutable_webhook()
                       ->mutable_headers();
  headers["authorization"] = "env:TOKEN";
  headers["x-team"] = "hunter2";
  const GatewayConfig masked = MaskConfig(config);
  const auto& shown = masked.alerts().actions(0).webhook().headers();
  EXPECT_EQ(shown.at("authorization"), "env:TOKEN");
  EXPECT_EQ(shown.at("x-team"), kMask);
}

TEST(MaskedTest, LeavesTheRestAsItIs) {
  GatewayConfig config;
  config.mutable_listeners()->mutable_http()->set_address("127.0.0.1:80");
  config.add_providers()->add_models("a@b");
  (*config.mutable_providers(0)->mutable_model_aliases())["a"] = "b";
  EXPECT_EQ(MaskConfig(config).DebugString(), config.DebugString());
}

// Finds the string fields that sound as if they held a secret.
void FindSuspects(const Descriptor& type,
                  std::vector<const FieldDescriptor*>* suspects) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!field.is_map()) FindSuspects(*field.message_type(), suspects);
      continue;
    }
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    for (const char* word : {"key", "secret", "password", "token", "cert"}) {
      if (absl::StrContains(field.name(), word)) suspects->push_back(&field);
    }
  }
}

// What sounds so and may be shown: a hash of what must not, and an address.
bool MayBeShown(const FieldDescriptor& field) {
  return field.full_name() == "llmgateway.config.v1.ApiKey.key_sha256" ||
         field.full_name() == "llmgateway.config.v1.JwtIssuer.key_set";
}

TEST(MaskedTest, EveryFieldThatSoundsLikeASecretIsAReference) {
  std::vector<const FieldDescriptor*> suspects;
  FindSuspects(*GatewayConfig::descriptor(), &suspects);
  EXPECT_GE(suspects.size(), 5u);
  for (const FieldDescriptor* field : suspects) {
    EXPECT_NE(IsSecretReference(*field), MayBeShown(*field))
        << field->full_name();
  }
}

}  // namespace
}  // namespace gateway

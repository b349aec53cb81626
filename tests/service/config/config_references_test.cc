#include "service/config/config_references.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

GatewayConfig Config() {
  GatewayConfig config;
  auto* tls = config.mutable_listeners()->mutable_http()->mutable_tls();
  tls->set_cert_chain("file:/etc/tls.crt");
  tls->set_private_key("file:/etc/tls.key");
  auto* provider = config.add_providers();
  provider->set_name("openai");
  provider->mutable_openai()->set_api_key("env:KEY");
  provider->mutable_openai()->mutable_http()->set_ca_file("/etc/ca.pem");
  provider->add_credentials()->set_api_key("file:/etc/tls.key");
  return config;
}

TEST(ConfigReferencesTest, EveryReferenceHasItsField) {
  EXPECT_THAT(
      SecretReferencesOf(Config()),
      UnorderedElementsAre(
          FieldsAre("listeners.http.tls.cert_chain", "file:/etc/tls.crt"),
          FieldsAre("listeners.http.tls.private_key", "file:/etc/tls.key"),
          FieldsAre("providers[0].openai.api_key", "env:KEY"),
          FieldsAre("providers[0].credentials[0].api_key",
                    "file:/etc/tls.key")));
  EXPECT_THAT(CaFilesOf(Config()),
              ElementsAre(FieldsAre("providers[0].openai.http.ca_file",
                                    "/etc/ca.pem")));
}

TEST(ConfigReferencesTest, OfAMapThoseAreThatReferToSomething) {
  GatewayConfig config;
  auto& headers = *config.mutable_alerts()
                       ->add_actions()
                       ->mutable_webhook()
                       ->mutable_headers();
  headers["x-token"] = "file:/etc/token";
  headers["x-team"] = "platform";
  headers["authorization"] = "env:AUTH";
  EXPECT_THAT(
      SecretReferencesOf(config),
      ElementsAre(
          FieldsAre("alerts.actions[0].webhook.headers.authorization",
                    "env:AUTH"),
          FieldsAre("alerts.actions[0].webhook.headers.x-token",
                    "file:/etc/token")));
  EXPECT_THAT(FilesNamedBy(config), ElementsAre("/etc/token"));
}

TEST(ConfigReferencesTest, FilesAreNamedOnce) {
  EXPECT_THAT(FilesNamedBy(Config()),
              ElementsAre("/etc/ca.pem", "/etc/tls.crt", "/etc/tls.key"));
  EXPECT_THAT(FilesNamedBy(GatewayConfig()), IsEmpty());
}

}  // namespace
}  // namespace gateway

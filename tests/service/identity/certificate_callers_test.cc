#include "service/identity/certificate_callers.h"

#include <memory>

#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/identity/credential_digest.h"
#include "service/identity/remembered_callers.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

llmgateway::config::v1::ClientCertificates Config(const char* name) {
  llmgateway::config::v1::ClientCertificates config;
  config.add_names(name);
  config.mutable_grants()->set_owner("team");
  (*config.mutable_grants()->mutable_labels())["a"] = "b";
  config.mutable_grants()->add_scopes("model:cheap");
  return config;
}

TEST(CertificateCallersTest, TheFirstNameThatIsLetInIsTheCallers) {
  const CertificateCallers callers(Config("dns:*.example"));
  const auto caller =
      callers.Authenticate("spiffe://a/b\ndns:x.example\ndns:y.example\n");
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ((*caller)->id, "dns:x.example");
  EXPECT_EQ((*caller)->method, CallerMethod::kCertificate);
  EXPECT_EQ((*caller)->owner, "team");
  EXPECT_EQ((*caller)->Label("a"), "b");
  EXPECT_FALSE((*caller)->scopes.AllowsModel("dear"));
  EXPECT_EQ(FaultReason(callers.Authenticate("CN=x.example\n").status()),
            v1::ERROR_REASON_API_KEY_INVALID);
}

TEST(CertificateCallersTest, ARememberedOneIsKnownToItsOwnRulesOnly) {
  FakeRandom chance(1);
  FakeClock clock;
  const auto digester = std::make_unique<CredentialDigester>(chance);
  RememberedCallers remembered(64, *digester, clock);
  RememberedCallers::SetCurrent(&remembered);
  const CertificateCallers callers(Config("CN=a"));
  const auto first = callers.Authenticate("CN=a\n");
  const auto second = callers.Authenticate("CN=a\n");
  EXPECT_EQ(first->get(), second->get());
  EXPECT_FALSE(CertificateCallers(Config("CN=b")).Authenticate("CN=a\n").ok());
  RememberedCallers::SetCurrent(nullptr);
}

}  // namespace
}  // namespace gateway

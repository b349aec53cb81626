#include "service/listener_tls.h"

#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/snapshot.h"
#include "tests/testing/test_certificates.h"

namespace gateway {
namespace {

class ListenerTlsTest : public testing::Test {
 protected:
  std::string TlsFields(std::string_view chain, std::string_view key) const {
    return absl::StrCat("cert_chain: 'file:", ToAbsl(chain),
                        "', private_key: 'file:", ToAbsl(key), "'");
  }

  // A configuration whose gRPC listener has these fields of TLS.
  std::shared_ptr<const ConfigSnapshot> Config(std::string_view tls) const {
    const ConfigReading reading =
        ReadConfigText(AllProviderKinds(),
                       absl::StrCat("providers: [{name: mock, mock: {}}]\n"
                                    "listeners: {grpc: {tls: {",
                                    ToAbsl(tls), "}}}\n"),
                       "test.yaml", {}, absl::UnixEpoch());
    for (const ConfigProblem& problem : reading.problems) {
      ADD_FAILURE() << problem.ToString();
    }
    return reading.snapshot;
  }

  const TestCertificates certificates_;
};

TEST_F(ListenerTlsTest, IsNoneForPlaintext) {
  const auto& good = certificates_.good();
  const auto config = Config(TlsFields(good.chain_file, good.key_file));
  const auto tls = ListenerTls(*config, "http", {"http/1.1"});
  ASSERT_TRUE(tls.ok()) << tls.status();
  EXPECT_EQ(*tls, nullptr);
}

TEST_F(ListenerTlsTest, IsMadeOfWhatTheConfigurationSays) {
  const auto& good = certificates_.good();
  for (const std::string& ca :
       {std::string(), absl::StrCat(", client_ca: 'file:",
                                    certificates_.ca_file(), "'")}) {
    const auto config =
        Config(absl::StrCat(TlsFields(good.chain_file, good.key_file), ca));
    const auto tls = ListenerTls(*config, "grpc", {"h2"});
    ASSERT_TRUE(tls.ok()) << tls.status();
    EXPECT_NE(*tls, nullptr);
  }
}

TEST(AtListenerTest, SaysWhere) {
  const absl::Status status =
      AtListener("http", absl::AlreadyExistsError("the address is in use"));
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(status.message(), "listeners.http: the address is in use");
}

}  // namespace
}  // namespace gateway

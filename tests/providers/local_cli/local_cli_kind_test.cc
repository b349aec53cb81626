#include "providers/local_cli/local_cli_kind.h"

#include <memory>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "service/config/defaults.h"

namespace gateway {
namespace {

llmgateway::config::v1::ProviderConfig Filled() {
  llmgateway::config::v1::GatewayConfig config;
  config.add_providers()->mutable_local_cli();
  ApplyDefaults({&kLocalCliKind}, &config);
  return config.providers(0);
}

TEST(LocalCliKindTest, LimitsWhatNobodyHasLimited) {
  const llmgateway::config::v1::LocalCliProvider cli = Filled().local_cli();
  EXPECT_EQ(cli.executable(), "claude");
  EXPECT_EQ(cli.timeout().seconds(), 600);
  EXPECT_EQ(cli.output_bytes_limit(), 16 << 20);
  EXPECT_EQ(cli.processes_limit(), 4);
  EXPECT_EQ(cli.cpu_time_limit().seconds(), 300);
  EXPECT_EQ(cli.file_bytes_limit(), 256 << 20);
  EXPECT_EQ(cli.memory_bytes_limit(), int64_t{2} << 30);
}

TEST(LocalCliKindTest, MakesAProviderOfTheTool) {
  ProviderSetup setup;
  setup.name = "claude";
  const auto made = MakeProvider({&kLocalCliKind}, Filled(), setup);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ((*made)->name(), "claude");
}

}  // namespace
}  // namespace gateway

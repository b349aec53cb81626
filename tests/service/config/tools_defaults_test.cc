#include "service/config/tools_defaults.h"

#include "gtest/gtest.h"
#include "llmgateway/config/v1/tools.pb.h"
#include "providers/schema/json_schema.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ToolServiceConfig;

TEST(ToolsDefaultsTest, ACodeOrchestratorNeedsNoMoreThanItsUrl) {
  ToolServiceConfig tools;
  FillTools(&tools);
  EXPECT_EQ(tools.timeout().seconds(), 30);
  EXPECT_EQ(tools.result_bytes_limit(), 4 << 20);
  ASSERT_EQ(tools.tools_size(), 3);
  EXPECT_EQ(tools.tools(0).name(), "compute_similarity");
  EXPECT_EQ(tools.tools(0).path(), "/v1/similarity");
  EXPECT_EQ(tools.tools(1).name(), "extract_keywords");
  EXPECT_EQ(tools.tools(2).name(), "generate_embeddings");
  for (const auto& tool : tools.tools()) {
    EXPECT_TRUE(JsonSchema::Compile(tool.parameters()).ok()) << tool.name();
  }
}

TEST(ToolsDefaultsTest, WhatIsConfiguredStays) {
  ToolServiceConfig tools;
  tools.mutable_timeout()->set_seconds(1);
  tools.set_result_bytes_limit(5000);
  tools.add_tools()->set_name("own");
  FillTools(&tools);
  EXPECT_EQ(tools.timeout().seconds(), 1);
  EXPECT_EQ(tools.result_bytes_limit(), 5000);
  EXPECT_EQ(tools.tools_size(), 1);
}

}  // namespace
}  // namespace gateway

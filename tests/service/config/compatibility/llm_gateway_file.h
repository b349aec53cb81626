// What tests of `llmGateway` sections have in common: a file with three
// providers, and how it is loaded.
//
//   class MyTest : public LlmGatewayFileTest {};
//   const GatewayConfig& config = Load(LlmGatewayFile("", "agentRules: {}"));
//
// Thread-compatible.

#ifndef TESTS_SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_FILE_H_
#define TESTS_SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_FILE_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"
#include "service/config/loader.h"

namespace gateway {

// Three providers, as JSON in YAML's short form, with `more` of the second's
// fields and the whole of `routing`.
inline std::string LlmGatewayFile(const std::string& more,
                                  const std::string& routing) {
  return absl::StrCat(
      "llmGateway: {providers: {\n"
      "  anthropic: {providerType: anthropic, baseUrl: 'https://a.example',\n"
      "              apiKeyRef: A_KEY, defaultModel: claude-sonnet-4-5},\n"
      "  azure: {providerType: azure, baseUrl: 'https://b.example',\n"
      "          apiKeyRef: $B_key ",
      more,
      "},\n"
      "  deepseek: {providerType: deepseek, baseUrl: 'https://c.example',\n"
      "             apiKeyRef: 'env:C_key', defaultModel: deepseek-chat}},\n"
      "  routing: {",
      routing, "}}\n");
}

class LlmGatewayFileTest : public ::testing::Test {
 protected:
  const llmgateway::config::v1::GatewayConfig& Load(const std::string& text) {
    loaded_ = LoadConfigText(text, &problems_);
    return loaded_.config;
  }

  // Loads what has one problem, and returns it.
  std::string ProblemOf(const std::string& text) {
    Load(text);
    EXPECT_EQ(problems_.Sorted().size(), 1u);
    return problems_.empty() ? "" : problems_.Sorted()[0].ToString();
  }

  std::string WarningOf(const std::string& text) {
    Load(text);
    EXPECT_TRUE(problems_.empty());
    EXPECT_EQ(problems_.SortedWarnings().size(), 1u);
    return problems_.SortedWarnings().empty()
               ? ""
               : problems_.SortedWarnings()[0].ToString();
  }

  ConfigProblems problems_{"f"};
  LoadedConfig loaded_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_FILE_H_

#include "service/pipeline/recorded_model.h"

#include <string>
#include <string_view>

#include "base/async/cancellation.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "service/pipeline/call.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr std::string_view kModelKey = "sk-proj-0123456789abcdefghij";

class RecordedModelTest : public testing::Test {
 protected:
  void Ask(std::string_view model, std::string_view path = "/v1/x") {
    call_.facts.model = model;
    call_.SetPath("", path);
    NameModel(call_);
  }

  LoopRunner runner_;
  NoHttpClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  Call call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"
                             "auth: {callers: {api_keys: [{id: a, key: "
                             "'env:CALLER'}]}}\n",
                             {{"CALLER", "caller-key-0000001"}}),
             runner_.loop(),
             client_,
             cancel_,
             arena_,
             runner_.loop().Now()};
};

TEST_F(RecordedModelTest, NamesOfModelsAreRecordedAsTheyAre) {
  for (const std::string_view model :
       {"", "gpt-5-mini", "claude-sonnet-4-5-20250929", "claude@20240229",
        "anthropic.claude-3-5-sonnet-20241022-v2:0", "tier:fast",
        "meta-llama/Llama-3.3-70B-Instruct", "ft:gpt-4o:acme::B1a2c3",
        "accounts/fireworks/models/llama-v3p1-405b-instruct"}) {
    Ask(model);
    EXPECT_EQ(call_.recorded_model, model);
    EXPECT_EQ(RecordedModel(call_, model), model);
    EXPECT_EQ(call_.facts.path, "/v1/x");
  }
}

TEST_F(RecordedModelTest, KeysAndTokensAreTakenOut) {
  Ask(kModelKey);
  EXPECT_EQ(call_.recorded_model, "[redacted:keys]");
  EXPECT_EQ(call_.facts.model, kModelKey);  // For the provider.
  EXPECT_EQ(RecordedModel(call_, kModelKey), "[redacted:keys]");
  // As the configuration names it.
  EXPECT_EQ(RecordedModel(call_, "gpt-5"), "gpt-5");
  Ask("bearer eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl");
  EXPECT_EQ(call_.recorded_model, "bearer [redacted:tokens]");
  const std::string prefixed = "openai/" + std::string(kModelKey);
  Ask(prefixed);
  EXPECT_EQ(call_.recorded_model, "openai/[redacted:keys]");
  EXPECT_EQ(RecordedModel(call_, kModelKey), "[redacted:keys]");
}

TEST_F(RecordedModelTest, AnotherNameIsRecordedLikewise) {
  EXPECT_EQ(RecordedName(call_, "writer"), "writer");
  EXPECT_EQ(RecordedName(call_, ""), "");
  EXPECT_EQ(RecordedName(call_, kModelKey), "[redacted:keys]");
  EXPECT_EQ(RecordedName(call_, "caller-key-0000001"),
            "[redacted:configured_secret]");
  EXPECT_EQ(RecordedName(call_, std::string(2000, 'a')).size(), 1024u);
}

TEST_F(RecordedModelTest, WhoIsToldApartStillIsWithoutKeys) {
  EXPECT_EQ(RecordedId(call_, ""), "");
  EXPECT_EQ(RecordedId(call_, "user-7"), "user-7");
  const std::string_view one = RecordedId(call_, kModelKey);
  EXPECT_TRUE(one.starts_with("[redacted:keys]#")) << one;
  EXPECT_EQ(one.size(), std::string_view("[redacted:keys]#1f3a9c02").size());
  EXPECT_EQ(RecordedId(call_, kModelKey), one);
  EXPECT_NE(RecordedId(call_, "sk-proj-0123456789abcdefghik"), one);
  EXPECT_TRUE(RecordedId(call_, "caller-key-0000001")
                  .starts_with("[redacted:configured_secret]#"));
  const std::string_view long_one = RecordedId(call_, std::string(2000, 'a'));
  EXPECT_EQ(long_one.size(), 256u);
  EXPECT_NE(RecordedId(call_, std::string(2000, 'a') + "b"), long_one);
  EXPECT_EQ(RecordedId(call_, std::string(256, 'a')), std::string(256, 'a'));
  const std::string late = std::string(244, 'a') + "/caller-key-0000001";
  EXPECT_EQ(RecordedId(call_, late).find("/c"), std::string_view::npos);
}

TEST_F(RecordedModelTest, ThePathMayNameItAsWell) {
  const std::string path =
      "/v1beta/models/" + std::string(kModelKey) + ":generateContent";
  Ask(kModelKey, path);
  EXPECT_EQ(call_.facts.path, "/v1beta/models/[redacted:keys]:generateContent");
}

TEST_F(RecordedModelTest, APathIsRecordedWithoutKeysWhateverTheModel) {
  Ask("gpt-5", "/nothere%3A" + std::string(kModelKey));
  EXPECT_EQ(call_.facts.path, "/nothere%3A[redacted:keys]");
  Ask("gpt-5", "/v1/sk%2Dproj%2D0123456789abcdefghij/x");
  EXPECT_EQ(call_.facts.path, "/v1/[redacted:keys]/x");
}

TEST_F(RecordedModelTest, SecretsOfTheConfigurationAreTakenOut) {
  Ask("caller-key-0000001",
      "/v1beta/models/caller-key-0000001:generateContent");
  EXPECT_EQ(call_.recorded_model, "[redacted:configured_secret]");
  EXPECT_EQ(RecordedModel(call_, "caller-key-0000001"),
            "[redacted:configured_secret]");
  EXPECT_EQ(call_.facts.path,
            "/v1beta/models/[redacted:configured_secret]:generateContent");
  Ask("mock/caller-key-0000001");
  EXPECT_EQ(call_.recorded_model, "mock/[redacted:configured_secret]");
}

TEST_F(RecordedModelTest, ASecretIsTakenOutThroughWhatNobodySees) {
  for (const std::string_view model :
       {"caller\xe2\x80\x8b-key-0000001", "caller-\xc2\xadkey-0000001",
        "caller-key\xe2\x80\xae-0000001",
        "caller-k\xcd\x8f"
        "ey-0000001",
        "caller%2Dkey-0000001",
        "%E2%80%8B"
        "caller%E2%81%A0-key-0000001",
        "\xef\xbd\x83"
        "aller-key-0000001",
        "caller-key-000000\xef\xbc\x91"}) {
    Ask(model);
    EXPECT_NE(call_.recorded_model.find("[redacted:configured_secret]"),
              std::string_view::npos)
        << call_.recorded_model;
    EXPECT_EQ(call_.recorded_model.find("0000001"), std::string_view::npos);
  }
}

TEST_F(RecordedModelTest, NoPartOfASecretIsLeftWhereANameIsCut) {
  const std::string model = std::string(1010, 'm') + "/caller-key-0000001";
  Ask(model);
  EXPECT_EQ(call_.recorded_model.find("caller"), std::string_view::npos);
  EXPECT_EQ(RecordedModel(call_, model).find("caller"), std::string_view::npos);
}

TEST_F(RecordedModelTest, OfALongNameTheBeginningIsRecorded) {
  const std::string model(5'000'000, 'm');
  Ask(model);
  EXPECT_EQ(call_.recorded_model, model.substr(0, 1024));
  EXPECT_EQ(RecordedModel(call_, model), model.substr(0, 1024));
}

}  // namespace
}  // namespace gateway

#include "service/identity/scopes.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

Scopes Parsed(const std::vector<std::string>& entries) {
  const absl::StatusOr<Scopes> scopes = Scopes::Parse(entries);
  EXPECT_TRUE(scopes.ok()) << scopes.status();
  return scopes.value_or(Scopes());
}

std::string Problem(const std::string& entry) {
  const absl::Status status = CheckScope(entry);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << entry;
  EXPECT_FALSE(Scopes::Parse({entry}).ok()) << entry;
  return std::string(status.message());
}

TEST(ScopesTest, WithoutEntriesEverythingIsAllowed) {
  for (const Scopes& scopes :
       {Scopes(), Parsed({}), Scopes::OfToken({}),
        Scopes::OfToken({"openid", "profile", "models:read", "urn:a:b"})}) {
    EXPECT_TRUE(scopes.unrestricted());
    EXPECT_TRUE(scopes.CheckApi(ScopedApi::kChat).ok());
    EXPECT_TRUE(scopes.CheckRpc("Generate").ok());
    EXPECT_TRUE(scopes.CheckRpc("Whatever").ok());
    EXPECT_TRUE(scopes.CheckModel("").ok());
    EXPECT_TRUE(scopes.CheckProvider("openai").ok());
    EXPECT_TRUE(scopes.CheckTag("batch").ok());
  }
}

TEST(ScopesTest, AKindWithEntriesAllowsWhatOneOfThemMatches) {
  const Scopes scopes =
      Parsed({"api:openai", "api:grpc", "rpc:Embed", "rpc:*Model*",
              "model:gpt-4*", "model:fast", "provider:azure-*", "tag:batch"});
  EXPECT_FALSE(scopes.unrestricted());
  EXPECT_TRUE(scopes.AllowsApi(ScopedApi::kOpenAi));
  EXPECT_TRUE(scopes.AllowsApi(ScopedApi::kGrpc));
  EXPECT_FALSE(scopes.AllowsApi(ScopedApi::kAnthropic));
  EXPECT_FALSE(scopes.AllowsApi(ScopedApi::kGemini));
  EXPECT_FALSE(scopes.AllowsApi(ScopedApi::kChat));
  EXPECT_TRUE(scopes.AllowsRpc("Embed"));
  EXPECT_TRUE(scopes.AllowsRpc("ListModels"));
  EXPECT_TRUE(scopes.AllowsRpc("GetModel"));
  EXPECT_FALSE(scopes.AllowsRpc("Generate"));
  EXPECT_FALSE(scopes.AllowsRpc("embed"));
  EXPECT_FALSE(scopes.AllowsRpc("EmbedMore"));
  EXPECT_TRUE(scopes.AllowsModel("gpt-4.1"));
  EXPECT_TRUE(scopes.AllowsModel("fast"));
  EXPECT_FALSE(scopes.AllowsModel("faster"));
  EXPECT_FALSE(scopes.AllowsModel(""));
  EXPECT_TRUE(scopes.AllowsProvider("azure-eu"));
  EXPECT_FALSE(scopes.AllowsProvider("openai"));
  EXPECT_TRUE(scopes.AllowsTag("batch"));
  EXPECT_FALSE(scopes.AllowsTag("live"));
}

TEST(ScopesTest, OtherKindsStayUnrestricted) {
  const Scopes scopes = Parsed({"model:a"});
  EXPECT_FALSE(scopes.unrestricted());
  EXPECT_TRUE(scopes.AllowsApi(ScopedApi::kGemini));
  EXPECT_TRUE(scopes.AllowsRpc("Generate"));
  EXPECT_TRUE(scopes.AllowsProvider("x"));
  EXPECT_TRUE(scopes.AllowsTag("x"));
}

TEST(ScopesTest, APatternMayHaveColonsAndSlashes) {
  const Scopes scopes = Parsed({"model:meta/llama:*"});
  EXPECT_TRUE(scopes.AllowsModel("meta/llama:70b"));
  EXPECT_FALSE(scopes.AllowsModel("meta/llama"));
}

TEST(ScopesTest, EveryApiHasItsName) {
  for (const ScopedApi api :
       {ScopedApi::kGrpc, ScopedApi::kOpenAi, ScopedApi::kAnthropic,
        ScopedApi::kGemini, ScopedApi::kChat}) {
    const Scopes scopes = Parsed({"api:" + std::string(ScopedApiName(api))});
    int allowed = 0;
    for (const ScopedApi other :
         {ScopedApi::kGrpc, ScopedApi::kOpenAi, ScopedApi::kAnthropic,
          ScopedApi::kGemini, ScopedApi::kChat}) {
      allowed += scopes.AllowsApi(other) ? 1 : 0;
    }
    EXPECT_TRUE(scopes.AllowsApi(api));
    EXPECT_EQ(allowed, 1);
  }
}

TEST(ScopesTest, AnErrorNamesTheEntryAndWhatIsRight) {
  EXPECT_EQ(Problem("modle:gpt-4"),
            "the scope 'modle:gpt-4' is not kind:pattern, where the kind is "
            "one of api, rpc, model, provider, tag");
  EXPECT_THAT(Problem("gpt-4"), HasSubstr("is not kind:pattern"));
  EXPECT_THAT(Problem(""), HasSubstr("the scope ''"));
  EXPECT_THAT(Problem("Model:gpt-4"), HasSubstr("is not kind:pattern"));
  EXPECT_EQ(Problem("api:opnai"),
            "the scope 'api:opnai' names no API; there are grpc, openai, "
            "anthropic, gemini, chat");
  EXPECT_THAT(Problem("rpc:Genrate"),
              HasSubstr("names no rpc of GatewayService; there are Generate, "
                        "StreamGenerate, "));
  EXPECT_THAT(Problem("model:"), HasSubstr("has no pattern"));
  EXPECT_THAT(Problem("model:a b"), HasSubstr("a space"));
  EXPECT_THAT(Problem("model:a\n"), HasSubstr("control character"));
  EXPECT_EQ(Scopes::Parse({"model:a", "tag:b", "c"}).status().message(),
            "[2]: " + Problem("c"));
}

TEST(ScopesTest, EntriesHaveALengthAndANumber) {
  const std::string longest = "model:" + std::string(kScopeBytesMax - 6, 'm');
  EXPECT_TRUE(CheckScope(longest).ok());
  EXPECT_THAT(Problem(longest + "m"), HasSubstr("longer than 256 bytes"));
  std::vector<std::string> many(kScopesMax, "model:a");
  EXPECT_TRUE(Scopes::Parse(many).ok());
  many.push_back("model:a");
  EXPECT_THAT(Scopes::Parse(many).status().message(),
              HasSubstr("1001 scopes, and at most 1000"));
}

TEST(ScopesTest, OfATokenOthersWordsMeanNothing) {
  const Scopes scopes =
      Scopes::OfToken({"openid", "model:a", "Model:b", "email", "tag:x"});
  EXPECT_TRUE(scopes.AllowsModel("a"));
  EXPECT_FALSE(scopes.AllowsModel("b"));
  EXPECT_TRUE(scopes.AllowsTag("x"));
  EXPECT_FALSE(scopes.AllowsTag("y"));
  EXPECT_TRUE(scopes.AllowsApi(ScopedApi::kGrpc));
}

TEST(ScopesTest, AMistakeInATokenOpensNothing) {
  const Scopes api = Scopes::OfToken({"api:opnai"});
  EXPECT_FALSE(api.AllowsApi(ScopedApi::kOpenAi));
  EXPECT_FALSE(api.AllowsApi(ScopedApi::kGrpc));
  const Scopes rpc = Scopes::OfToken({"rpc:Genrate"});
  EXPECT_FALSE(rpc.AllowsRpc("Generate"));
  const Scopes model = Scopes::OfToken({"model:"});
  EXPECT_FALSE(model.AllowsModel("gpt-4"));
  const std::vector<std::string_view> many(kScopesMax + 1, "model:*");
  const Scopes flooded = Scopes::OfToken(many);
  EXPECT_FALSE(flooded.AllowsApi(ScopedApi::kGrpc));
  EXPECT_FALSE(flooded.AllowsRpc("Generate"));
}

TEST(ScopesTest, TwoTogetherAllowWhatBothAllow) {
  const Scopes granted =
      Parsed({"api:openai", "api:grpc", "model:gpt-*", "rpc:*"});
  const Scopes told = Scopes::OfToken(
      {"api:grpc", "api:chat", "model:*-mini", "rpc:Embed", "tag:t"});
  for (const Scopes& both : {granted.And(told), told.And(granted)}) {
    EXPECT_TRUE(both.AllowsApi(ScopedApi::kGrpc));
    EXPECT_FALSE(both.AllowsApi(ScopedApi::kOpenAi));
    EXPECT_FALSE(both.AllowsApi(ScopedApi::kChat));
    EXPECT_TRUE(both.AllowsModel("gpt-5-mini"));
    EXPECT_FALSE(both.AllowsModel("gpt-5"));
    EXPECT_FALSE(both.AllowsModel("phi-mini"));
    EXPECT_TRUE(both.AllowsRpc("Embed"));
    EXPECT_FALSE(both.AllowsRpc("Generate"));
    EXPECT_TRUE(both.AllowsTag("t"));
    EXPECT_FALSE(both.AllowsTag("u"));
    EXPECT_TRUE(both.AllowsProvider("any"));
  }
  EXPECT_TRUE(Scopes().And(Scopes()).unrestricted());
}

TEST(ScopesTest, ARefusalSaysWhichScopeWouldBeNeeded) {
  const Scopes scopes =
      Parsed({"api:grpc", "rpc:Embed", "model:a", "provider:a", "tag:a"});
  const auto scope_needed = [](const absl::Status& fault) {
    EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_FORBIDDEN);
    EXPECT_EQ(fault.code(), absl::StatusCode::kPermissionDenied);
    return FaultMetadata(fault, "scope");
  };
  EXPECT_EQ(scope_needed(scopes.CheckApi(ScopedApi::kOpenAi)), "api:openai");
  EXPECT_EQ(scope_needed(scopes.CheckRpc("Generate")), "rpc:Generate");
  EXPECT_EQ(scope_needed(scopes.CheckProvider("b")), "provider:b");
  EXPECT_EQ(scope_needed(scopes.CheckTag("b")), "tag:b");
  EXPECT_THAT(scopes.CheckTag("b").message(), HasSubstr("'tag:b'"));

  const absl::Status model = scopes.CheckModel("gpt-5");
  EXPECT_EQ(FaultReason(model), v1::ERROR_REASON_MODEL_NOT_ALLOWED);
  EXPECT_EQ(FaultMetadata(model, "model"), "gpt-5");
  EXPECT_THAT(model.message(), HasSubstr("'model:gpt-5'"));
}

}  // namespace
}  // namespace gateway

// What a provider over HTTP does with credentials, its own and the caller's,
// and with parameters that its format does not have.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kOwnKey = "caller-brought-this-987";
constexpr size_t kEventBytesLimit = 1024 * 1024;

class HttpCredentialsTest : public UpstreamTest {
 protected:
  // Either vendor's, `more` being fields of the provider's configuration.
  std::unique_ptr<Provider> OpenAi(
      const std::string& more,
      std::vector<ProviderCredential> credentials = {}) {
    return Make(absl::StrCat("name: 'openai' ", more, " openai { base_url: '",
                             Root(), "/v1' }"),
                kEventBytesLimit, std::move(credentials));
  }
  std::unique_ptr<Provider> Anthropic(const std::string& more) {
    return Make(absl::StrCat("name: 'anthropic' ", more,
                             " anthropic { base_url: '", Root(), "' }"));
  }

  static ProviderQuestion Own(ProviderQuestion question) {
    question.caller_credential = kOwnKey;
    return question;
  }

  std::string Last() { return *upstream_->Last("m"); }
};

TEST_F(HttpCredentialsTest, EachServesAsOftenAsItsWeightSays) {
  const auto provider =
      OpenAi("", {{"often", Secret("key-often"), 3},
                  {"seldom", Secret("key-seldom"), 1}});
  std::map<std::string, int> served;
  for (int i = 0; i < 8; ++i) {
    const ProviderQuestion question = i % 2 == 0 ? Parsed("m") : Raw("m");
    const auto result = calls_.Generate(*provider, question);
    ASSERT_EQ(Reason(result.status), "OK");
    for (const char* name : {"often", "seldom"}) {
      const std::string key = absl::StrCat("key-", name);
      if (!absl::StrContains(Last(), key)) continue;
      ++served[key];
      EXPECT_EQ(result.progress.credential, name);
    }
  }
  EXPECT_EQ(served["key-often"], 6);
  EXPECT_EQ(served["key-seldom"], 2);
}

TEST_F(HttpCredentialsTest, NoErrorRepeatsAnyOfThem) {
  const auto provider =
      OpenAi("", {{"often", Secret("key-often"), 3},
                  {"seldom", Secret("key-seldom"), 1}});
  ScriptBody("m", R"({"error":{"message":"neither key-often nor key-seldom"}})",
             "application/json", 401);
  for (int i = 0; i < 4; ++i) {
    const absl::Status status = calls_.Generate(*provider, Parsed("m")).status;
    EXPECT_EQ(Reason(status), "PROVIDER_AUTH_FAILED");
    EXPECT_THAT(status.ToString(), AllOf(Not(HasSubstr("key-often")),
                                         Not(HasSubstr("key-seldom"))));
  }
}

TEST_F(HttpCredentialsTest, ACallersOwnGoesInPlaceOfTheGateways) {
  const auto openai = OpenAi("credential_passthrough: true");
  const auto anthropic = Anthropic("credential_passthrough: true");
  for (const Provider* provider : {openai.get(), anthropic.get()}) {
    for (const ProviderQuestion& question : {Parsed("m"), Raw("m")}) {
      const auto result = calls_.Generate(*provider, Own(question));
      ASSERT_EQ(Reason(result.status), "OK");
      EXPECT_EQ(result.progress.credential, kCallersCredential);
      EXPECT_THAT(Last(), AllOf(HasSubstr(std::string(kOwnKey)),
                                Not(HasSubstr(std::string(kTestKey)))));
      // Whoever brings none is served by the gateway's.
      ASSERT_EQ(Reason(calls_.Generate(*provider, question).status), "OK");
      EXPECT_THAT(Last(), AllOf(HasSubstr(std::string(kTestKey)),
                                Not(HasSubstr(std::string(kOwnKey)))));
    }
  }
}

TEST_F(HttpCredentialsTest, ACallersOwnIsCarriedAsTheVendorWantsIt) {
  const auto openai = OpenAi("credential_passthrough: true");
  ASSERT_EQ(Reason(calls_.Generate(*openai, Own(Parsed("m"))).status), "OK");
  EXPECT_THAT(Last(), HasSubstr(absl::StrCat("Bearer ", std::string(kOwnKey))));
  const auto anthropic = Anthropic("credential_passthrough: true");
  ASSERT_EQ(Reason(calls_.Generate(*anthropic, Own(Parsed("m"))).status), "OK");
  EXPECT_THAT(Last(), AllOf(HasSubstr("x-api-key"), Not(HasSubstr("Bearer"))));
}

TEST_F(HttpCredentialsTest, WithoutTheSwitchACallersOwnStaysHere) {
  for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
    for (const ProviderQuestion& question : {Parsed("m"), Raw("m")}) {
      ASSERT_EQ(Reason(calls_.Generate(*provider, Own(question)).status), "OK");
      EXPECT_THAT(Last(), AllOf(HasSubstr(std::string(kTestKey)),
                                Not(HasSubstr(std::string(kOwnKey)))));
    }
  }
}

TEST_F(HttpCredentialsTest, NoErrorRepeatsACallersOwn) {
  const auto provider = OpenAi("credential_passthrough: true");
  const std::string error = absl::StrCat(
      R"({"error":{"message":"Incorrect API key: )", std::string(kOwnKey),
      R"(","code":")", std::string(kOwnKey), R"("}})");
  const ProviderQuestion whole[] = {Own(Parsed("m")), Own(Raw("m"))};
  const ProviderQuestion streams[] = {Own(Parsed("m")),
                                      Own(Raw("m", R"(,"stream":true)"))};
  for (const int status : {200, 401}) {
    ScriptBody("m", error, "application/json", status);
    for (const ProviderQuestion& question : whole) {
      const absl::Status fault = calls_.Generate(*provider, question).status;
      EXPECT_NE(Reason(fault), "OK");
      EXPECT_THAT(fault.ToString(), Not(HasSubstr(std::string(kOwnKey))));
    }
  }
  for (const ProviderQuestion& question : streams) {
    const absl::Status fault = calls_.Stream(*provider, question).status;
    EXPECT_EQ(Reason(fault), "PROVIDER_AUTH_FAILED");
    EXPECT_THAT(fault.ToString(), Not(HasSubstr(std::string(kOwnKey))));
  }
  ScriptEvents("m", absl::StrCat("data: ", error, "\n\n"));
  for (const ProviderQuestion& question : streams) {
    const absl::Status fault = calls_.Stream(*provider, question).status;
    EXPECT_EQ(Reason(fault), "PROVIDER_UNAVAILABLE");
    EXPECT_THAT(fault.ToString(), AllOf(Not(HasSubstr(std::string(kOwnKey))),
                                        HasSubstr("Incorrect API key: ***")));
  }
}

ProviderQuestion WithTopK() {
  ProviderQuestion question;
  question.request.set_model("m");
  v1::Message* const message = question.request.add_messages();
  message->set_role(v1::ROLE_USER);
  message->add_parts()->set_text("hi");
  question.request.mutable_sampling()->set_top_k(3);
  return question;
}

TEST_F(HttpCredentialsTest, AnUnsupportedParameterIsDroppedAndTold) {
  for (const char* policy :
       {"", "unsupported_parameters: UNSUPPORTED_PARAMETERS_DROP"}) {
    const auto provider = OpenAi(policy);
    for (const bool stream : {false, true}) {
      const ProviderOutcome outcome =
          stream ? calls_.Stream(*provider, WithTopK())
                 : calls_.Generate(*provider, WithTopK());
      ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
      EXPECT_THAT(Warned(outcome), ElementsAre("sampling.top_k"));
      EXPECT_THAT(*upstream_->LastBody("m"), Not(HasSubstr("top_k")));
    }
  }
}

TEST_F(HttpCredentialsTest, AnUnsupportedParameterIsRefusedUnasked) {
  const auto provider =
      OpenAi("unsupported_parameters: UNSUPPORTED_PARAMETERS_REFUSE");
  for (const bool stream : {false, true}) {
    const absl::Status status =
        stream ? calls_.Stream(*provider, WithTopK()).status
               : calls_.Generate(*provider, WithTopK()).status;
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
    ASSERT_EQ(FieldViolations(status).size(), 1u);
    EXPECT_EQ(FieldViolations(status)[0].first, "sampling.top_k");
  }
  EXPECT_EQ(Stat("m", "requests"), 0);
  // Everything else is served.
  EXPECT_EQ(Reason(calls_.Generate(*provider, Parsed("m")).status), "OK");
  EXPECT_EQ(Stat("m", "requests"), 1);
}

TEST_F(HttpCredentialsTest, AnUnsupportedParameterIsPassedOnIfSoConfigured) {
  const auto provider =
      OpenAi("unsupported_parameters: UNSUPPORTED_PARAMETERS_PASS");
  const ProviderOutcome outcome = calls_.Generate(*provider, WithTopK());
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_THAT(outcome.warnings, IsEmpty());
  EXPECT_THAT(*upstream_->LastBody("m"), HasSubstr(R"("top_k":3)"));
}

}  // namespace
}  // namespace gateway

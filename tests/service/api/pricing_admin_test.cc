#include "service/api/pricing_admin.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/pricing.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/api/price_view.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/state/state_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kPricedYaml[] =
    "providers: [{name: mock, mock: {}}]\n"
    "prices:\n"
    "  models:\n"
    "  - {model: house-1, input: 1, output: 2}\n"
    "  - {model: 'house-*', kind: mock, input: 3, output: 4,\n"
    "     effective_time: 2027-01-31T00:00:00Z}\n";

class PricingAdminTest : public testing::Test {
 protected:
  PricingAdminTest() {
    std::string parent = testing::TempDir() + "/pricing.XXXXXX";
    EXPECT_NE(mkdtemp(parent.data()), nullptr);
    folder_ = parent + "/kept";
    state_ = *StateStore::Open(folder_);
    pricing_ = std::make_unique<PricingAdmin>(PricingAdmin::Sources{
        .runtime = runtime_, .state = *state_, .worker = worker_});
    pricing_->AddTo(table_);
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const char* method, const Request& request) {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    Response response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status = co_await table_
                   .Find(absl::StrCat("/llmgateway.v1.AdminService/", method))
                   ->Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<v1::SetPricingResponse> Set(const char* text) {
    v1::SetPricingRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    return Ask<v1::SetPricingResponse>("SetPricing", request);
  }

  absl::StatusOr<v1::ListPricingResponse> List(const char* text) {
    v1::ListPricingRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    return Ask<v1::ListPricingResponse>("ListPricing", request);
  }

  // As `kind/model input source`.
  static std::vector<std::string> Shown(
      const absl::StatusOr<v1::ListPricingResponse>& listed) {
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<std::string> shown;
    for (const v1::ModelPrice& price : listed->prices()) {
      shown.push_back(absl::StrCat(price.kind(), "/", price.model(), " ",
                                   price.steps(0).input(), " ",
                                   price.source()));
    }
    return shown;
  }

  std::string InputOf(const char* vendor, const char* model) {
    return InputIn(*runtime_.Get(), vendor, model);
  }
  static std::string InputIn(const RuntimeSnapshot& runtime, const char* vendor,
                             const char* model) {
    const auto said = runtime.operator_prices().Get();
    const ModelRates* const price = runtime.prices().Find(
        vendor, model, runtime.clock().WallTime(), said.get());
    return price == nullptr ? "none"
                            : price->steps()[0].rates[TokenKind::kInput].Text();
  }

  FakeClock clock_;
  LoopThread loop_;
  BlockingWorker worker_{{.name = "worker"}};
  CurrentRuntime runtime_{MakeTestRuntime(kPricedYaml, {}, {.clock = &clock_})};
  std::string folder_;
  std::unique_ptr<StateStore> state_;
  std::unique_ptr<PricingAdmin> pricing_;
  MethodTable table_;
};

TEST_F(PricingAdminTest, AllThatIsKnownIsListedPageByPage) {
  v1::ListPricingRequest request;
  request.set_page_size(7);
  std::vector<std::string> paged;
  do {
    const auto page = Ask<v1::ListPricingResponse>("ListPricing", request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->prices_size(), 7);
    EXPECT_THAT(page->shipped_date(), testing::MatchesRegex("20..-..-.."));
    for (std::string& each : Shown(page)) paged.push_back(std::move(each));
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  const std::vector<std::string> whole = Shown(List("page_size: 1000"));
  EXPECT_EQ(paged, whole);
  EXPECT_GT(whole.size(), 100u);
  EXPECT_EQ(FaultReason(List("page_token: 'x'").status()),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(FaultReason(List("page_size: -1").status()),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(PricingAdminTest, AListIsOfOneModelKindOrSource) {
  EXPECT_THAT(Shown(List("model: 'house-1'")),
              ElementsAre("/house-1 1 2", "local_cli/* 0 1", "mock/house-* 3 2",
                          "ollama/* 0 1"));
  EXPECT_THAT(Shown(List("model: 'house-1' kind: 'openai'")),
              ElementsAre("/house-1 1 2"));
  EXPECT_THAT(Shown(List("source: SOURCE_CONFIG")),
              ElementsAre("/house-1 1 2", "mock/house-* 3 2"));
  EXPECT_THAT(Shown(List("source: SOURCE_OPERATOR")), IsEmpty());
}

TEST_F(PricingAdminTest, AKindThatNobodyKnowsIsAMistakeThatNamesThose) {
  const absl::Status refused = List("kind: 'opnai'").status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(FieldViolations(refused).front().first, "kind");
  for (const char* const kind : {"anthropic, ", "mock", " openai"}) {
    EXPECT_THAT(refused.ToString(), HasSubstr(kind));
  }
}

TEST_F(PricingAdminTest, WhatIsSetWinsAtOnceAndOutlastsTheProcess) {
  EXPECT_EQ(InputOf("mock", "house-1"), "1");
  const auto set = Set(
      "price: {model: 'house-1' kind: 'mock' steps: {input: '5' output: '6'}}");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->price().source(), v1::ModelPrice::SOURCE_OPERATOR);
  EXPECT_EQ(set->price().steps(0).input(), "5");
  EXPECT_EQ(InputOf("mock", "house-1"), "5");
  EXPECT_THAT(Shown(List("source: SOURCE_OPERATOR")),
              ElementsAre("mock/house-1 5 3"));

  const auto next = MakeTestRuntime(kPricedYaml, {}, {.clock = &clock_});
  RestorePrices(*state_, *next);
  EXPECT_EQ(InputIn(*next, "mock", "house-1"), "5");
}

TEST_F(PricingAdminTest, APriceBeginsAtItsTime) {
  clock_.StepWallTime(absl::FromUnixSeconds(1'800'000'000));
  const auto set =
      Set("price: {model: 'house-1' effective_time: {seconds: 1800000060}"
          "        steps: {input: '5' output: '6'}}");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->price().source(), v1::ModelPrice::SOURCE_CONFIG);
  EXPECT_EQ(InputOf("mock", "house-1"), "1");
  clock_.StepWallTime(absl::FromUnixSeconds(1'800'000'060));
  EXPECT_EQ(InputOf("mock", "house-1"), "5");
}

TEST_F(PricingAdminTest, WhatWasSetIsTakenBack) {
  ASSERT_TRUE(
      Set("price: {model: 'house-1' steps: {input: '5' output: '6'}}").ok());
  const char* const remove = "price: {model: 'house-1'} remove: true";
  const auto removed = Set(remove);
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_EQ(removed->price().source(), v1::ModelPrice::SOURCE_CONFIG);
  EXPECT_EQ(InputOf("mock", "house-1"), "1");
  EXPECT_EQ(FaultReason(Set(remove).status()), v1::ERROR_REASON_NOT_FOUND);
  const auto next = MakeTestRuntime(kPricedYaml, {}, {.clock = &clock_});
  RestorePrices(*state_, *next);
  EXPECT_EQ(next->operator_prices().Get(), nullptr);
}

TEST_F(PricingAdminTest, WhatIsWrongIsNeitherInForceNorKept) {
  for (const char* wrong :
       {"", "price: {model: 'm'}",
        "price: {model: 'm' kind: 'nobody' steps: {input: '1' output: '1'}}",
        "price: {model: 'm' steps: {input: '1'}}"}) {
    EXPECT_EQ(FaultReason(Set(wrong).status()),
              v1::ERROR_REASON_INVALID_REQUEST)
        << wrong;
  }
  EXPECT_THAT(
      Set("price: {model: 'm' kind: 'nobody' steps: {input: '1' output: '1'}}")
          .status()
          .ToString(),
      HasSubstr("price.kind"));
  EXPECT_EQ(runtime_.Get()->operator_prices().Get(), nullptr);
}

TEST_F(PricingAdminTest, WhatCannotBeKeptIsNotInForce) {
  std::filesystem::remove_all(folder_);
  EXPECT_EQ(FaultReason(
                Set("price: {model: 'house-1' steps: {input: '5' output: '6'}}")
                    .status()),
            v1::ERROR_REASON_STATE_NOT_KEPT);
  EXPECT_EQ(InputOf("mock", "house-1"), "1");
}

}  // namespace
}  // namespace gateway

#include "service/pipeline/model_catalog.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kYaml[] =
    "providers:\n"
    "- name: openai\n"
    "  models: [gpt-5, gpt-4]\n"
    "  model_aliases: {smart: gpt-5}\n"
    "  openai: {api_key: 'env:OPENAI_KEY'}\n"
    "- name: azure\n"
    "  models: [gpt-5]\n"
    "  openai: {base_url: 'http://127.0.0.1:1'}\n"
    "- name: mock\n"
    "  mock: {}\n"
    "routing:\n"
    "  model_rules:\n"
    "  - {prefix: 'gpt-', targets: [openai]}\n"
    "  - {exact: 'tuned', targets: [azure]}\n"
    "  - {alias: 'fast', targets: [mock/mock-model]}\n"
    "  - {exact: 'gpt-4', targets: [openai]}\n"
    // Never followed: another is before it.
    "  - {exact: 'tuned', targets: [openai]}\n";

std::shared_ptr<const RuntimeSnapshot> RuntimeWithKey() {
  return MakeTestRuntime(kYaml, {{"OPENAI_KEY", "sk-0123456789"}});
}

// `provider/name` of each.
template <typename Models>
std::vector<std::string> Names(const Models& models) {
  std::vector<std::string> names;
  for (const v1::Model& model : models) {
    names.push_back(absl::StrCat(model.provider(), "/", model.name()));
  }
  return names;
}

v1::ListModelsRequest Request(int page_size, const std::string& page_token = "",
                              const std::string& provider = "") {
  v1::ListModelsRequest request;
  request.set_page_size(page_size);
  request.set_page_token(page_token);
  request.set_provider_id(provider);
  return request;
}

// All pages of this size, each ending with a `|`.
std::vector<std::string> Pages(const ModelCatalog& catalog, int page_size,
                               const std::string& provider = "") {
  std::vector<std::string> names;
  std::string token;
  do {
    v1::ListModelsResponse response;
    const absl::Status status =
        catalog.List(Request(page_size, token, provider), page_size, &response);
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) break;
    for (std::string& name : Names(response.models())) {
      names.push_back(std::move(name));
    }
    names.push_back("|");
    token = response.next_page_token();
  } while (!token.empty() && names.size() < 100);
  return names;
}

TEST(ModelCatalogTest, ListsWhatCanBeNamedOnceEachSortedByName) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = RuntimeWithKey();
  EXPECT_THAT(
      Names(runtime->catalog()->models()),
      ElementsAre("mock/fast", "openai/gpt-4", "azure/gpt-5", "openai/gpt-5",
                  "mock/mock-model", "openai/smart", "azure/tuned"));
}

TEST(ModelCatalogTest, AProviderWithoutItsCredentialOffersNothing) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = MakeTestRuntime(kYaml);
  EXPECT_THAT(Names(runtime->catalog()->models()),
              ElementsAre("mock/fast", "azure/gpt-5", "mock/mock-model",
                          "azure/tuned"));
}

TEST(ModelCatalogTest, WhatAProviderSaysOfItselfStandsBesideWhatIsKnown) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = RuntimeWithKey();
  std::vector<v1::Model> said(4);
  said[0].set_name("gpt-5");
  said[0].set_display_name("GPT 5");
  said[0].mutable_create_time()->set_seconds(7);
  said[0].set_input_tokens_max(1);
  said[1].set_name("their-own");
  said[1].set_owner("somebody");
  said[1].set_input_tokens_max(1000);
  said[1].set_output_tokens_max(100);
  said[2].set_name("smart");
  said[2].set_display_name("not the alias");
  said[3].set_name("beyond");
  const ModelCatalog configured(runtime->providers(), {});
  const ModelCatalog catalog(
      runtime->providers(), {},
      {{"openai", std::make_shared<const std::vector<v1::Model>>(said)},
       {"nobody", std::make_shared<const std::vector<v1::Model>>(said)}});
  EXPECT_EQ(catalog.models().size(), configured.models().size() + 2);

  const v1::ListModelsRequest request = Request(10, "", "openai");
  v1::ListModelsResponse openai;
  ASSERT_TRUE(catalog.List(request, 10, &openai).ok());
  EXPECT_THAT(Names(openai.models()),
              ElementsAre("openai/beyond", "openai/gpt-4", "openai/gpt-5",
                          "openai/smart", "openai/their-own"));
  const v1::Model& known = openai.models(2);
  EXPECT_EQ(known.display_name(), "GPT 5");
  EXPECT_EQ(known.create_time().seconds(), 7);
  EXPECT_GT(known.input_tokens_max(), 1);
  EXPECT_FALSE(known.capabilities().empty());
  EXPECT_EQ(openai.models(3).display_name(), "");
  const v1::Model& unknown = openai.models(4);
  EXPECT_EQ(unknown.owner(), "openai");
  EXPECT_EQ(unknown.input_tokens_max(), 1000);
  EXPECT_EQ(unknown.output_tokens_max(), 100);
}

TEST(ModelCatalogTest, FindsAModelByItsName) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = RuntimeWithKey();
  const v1::Model* const model = runtime->catalog()->Find("gpt-4");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->name(), "gpt-4");
  EXPECT_EQ(model->provider(), "openai");
  EXPECT_EQ(model->owner(), "openai");
  EXPECT_EQ(runtime->catalog()->Find("gpt-"), nullptr);
  EXPECT_EQ(runtime->catalog()->Find(""), nullptr);
  EXPECT_EQ(runtime->catalog()->Find("zzz"), nullptr);
}

TEST(ModelCatalogTest, PagesFollowEachOtherWithoutGapsOrRepeats) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = RuntimeWithKey();
  EXPECT_THAT(Pages(*runtime->catalog(), 3),
              ElementsAre("mock/fast", "openai/gpt-4", "azure/gpt-5", "|",
                          "openai/gpt-5", "mock/mock-model", "openai/smart",
                          "|", "azure/tuned", "|"));
  // The last page is full, and known to be the last.
  EXPECT_THAT(Pages(*runtime->catalog(), 7).size(), 8u);
  EXPECT_THAT(Pages(*runtime->catalog(), 100000).size(), 8u);
}

TEST(ModelCatalogTest, ListsOneProviderPageByPage) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = RuntimeWithKey();
  EXPECT_THAT(
      Pages(*runtime->catalog(), 2, "openai"),
      ElementsAre("openai/gpt-4", "openai/gpt-5", "|", "openai/smart", "|"));
  EXPECT_THAT(Pages(*runtime->catalog(), 3, "openai"),
              ElementsAre("openai/gpt-4", "openai/gpt-5", "openai/smart", "|"));
  EXPECT_THAT(Pages(*runtime->catalog(), 2, "nobody"), ElementsAre("|"));
}

TEST(ModelCatalogTest, APageGoesOnAfterAModelThatIsNoLongerThere) {
  const std::shared_ptr<const RuntimeSnapshot> before = RuntimeWithKey();
  v1::ListModelsResponse first;
  ASSERT_TRUE(before->catalog()->List(Request(2), 2, &first).ok());
  EXPECT_THAT(Names(first.models()), ElementsAre("mock/fast", "openai/gpt-4"));

  const std::shared_ptr<const RuntimeSnapshot> after = MakeTestRuntime(kYaml);
  v1::ListModelsResponse second;
  const absl::Status status =
      after->catalog()->List(Request(2, first.next_page_token()), 2, &second);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(Names(second.models()),
              ElementsAre("azure/gpt-5", "mock/mock-model"));
}

TEST(ModelCatalogTest, RefusesWhatIsNotAPage) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = RuntimeWithKey();
  v1::ListModelsResponse response;
  absl::Status status =
      runtime->catalog()->List(Request(1, "gpt-4"), 1, &response);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(FieldViolations(status)[0].first, "page_token");
  EXPECT_THAT(response.models(), IsEmpty());

  // A token answers only the question that it was returned for.
  ASSERT_TRUE(runtime->catalog()->List(Request(1), 1, &response).ok());
  v1::ListModelsResponse other;
  status = runtime->catalog()->List(
      Request(1, response.next_page_token(), "openai"), 1, &other);
  EXPECT_EQ(FieldViolations(status)[0].first, "page_token");
}

}  // namespace
}  // namespace gateway

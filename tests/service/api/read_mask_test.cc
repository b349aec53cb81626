#include "service/api/read_mask.h"

#include <string>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/circuits.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

TEST(ReadMaskTest, IsForRequestsThatHaveOne) {
  EXPECT_TRUE(HasReadMask(*v1::ListCircuitsRequest::descriptor()));
  EXPECT_FALSE(HasReadMask(*v1::ResetCircuitRequest::descriptor()));
}

TEST(ReadMaskTest, APageHasElementsOfTheseFieldsAndStaysOne) {
  v1::ListCircuitsResponse page;
  page.set_next_page_token("more");
  for (const char* model : {"a", "b"}) {
    v1::Circuit& circuit = *page.add_circuits();
    circuit.set_provider("p");
    circuit.set_model(model);
    circuit.set_times_opened(7);
  }
  v1::ListCircuitsRequest request;
  request.mutable_read_mask()->add_paths("model");
  ASSERT_TRUE(CheckReadMask(request, page).ok());
  TrimToReadMask(request, &page);
  EXPECT_EQ(page.next_page_token(), "more");
  ASSERT_EQ(page.circuits_size(), 2);
  EXPECT_EQ(page.circuits(1).model(), "b");
  EXPECT_EQ(page.circuits(1).provider(), "");
  EXPECT_EQ(page.circuits(1).times_opened(), 0);
}

TEST(ReadMaskTest, WhatIsNoPageHasTheseFields) {
  v1::Provider provider;
  provider.set_name("p");
  provider.add_models("m");
  provider.mutable_health()->set_consecutive_failures(3);
  provider.mutable_health()->set_state(v1::ProviderHealth::STATE_FAILING);
  v1::GetProviderRequest request;
  request.mutable_read_mask()->add_paths("name");
  request.mutable_read_mask()->add_paths("health.state");
  ASSERT_TRUE(CheckReadMask(request, provider).ok());
  TrimToReadMask(request, &provider);
  EXPECT_EQ(provider.name(), "p");
  EXPECT_EQ(provider.models_size(), 0);
  EXPECT_EQ(provider.health().state(), v1::ProviderHealth::STATE_FAILING);
  EXPECT_EQ(provider.health().consecutive_failures(), 0);
}

TEST(ReadMaskTest, NoneAndAStarStandForAll) {
  for (const char* path : {"", "*"}) {
    v1::Provider provider;
    provider.set_name("p");
    v1::GetProviderRequest request;
    if (*path != 0) request.mutable_read_mask()->add_paths(path);
    ASSERT_TRUE(CheckReadMask(request, provider).ok());
    TrimToReadMask(request, &provider);
    EXPECT_EQ(provider.name(), "p");
  }
}

TEST(ReadMaskTest, WhatThereIsNotIsNamed) {
  v1::ListCircuitsRequest request;
  for (const char* path : {"colour", "circuits", "model.length", ""}) {
    request.mutable_read_mask()->clear_paths();
    request.mutable_read_mask()->add_paths(path);
    const absl::Status status =
        CheckReadMask(request, v1::ListCircuitsResponse());
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST) << path;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("is no field of Circuit"));
  }
}

}  // namespace
}  // namespace gateway

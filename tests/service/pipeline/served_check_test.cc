#include "service/pipeline/served_check.h"

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ServedCheckTest, NamesEveryFieldThatNothingReads) {
  v1::GenerateRequest request;
  request.set_idempotency_key("k");
  request.add_domain_tags("legal");
  const absl::Status refused = CheckServed(request);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_UNIMPLEMENTED);
  EXPECT_THAT(FieldViolations(refused),
              ElementsAre(Pair("domain_tags", "is not served yet"),
                          Pair("idempotency_key", "is not served yet")));
  EXPECT_EQ(FaultMetadata(refused, "field"), "domain_tags");
}

TEST(ServedCheckTest, LetsTheRestPass) {
  v1::GenerateRequest request;
  request.set_model("m");
  request.add_messages()->set_role(v1::ROLE_USER);
  request.mutable_scope()->set_tier("hot");
  (*request.mutable_labels())["a"] = "b";
  EXPECT_TRUE(CheckServed(request).ok());
}

}  // namespace
}  // namespace gateway

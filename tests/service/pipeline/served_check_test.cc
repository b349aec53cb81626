#include "service/pipeline/served_check.h"

#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

const google::protobuf::FieldDescriptor* Field(const char* name) {
  return v1::GenerateRequest::descriptor()->FindFieldByName(name);
}

TEST(ServedCheckTest, NamesEveryFieldThatNothingReads) {
  v1::GenerateRequest request;
  request.set_model("m");
  request.set_session("s");
  request.add_domain_tags("t");
  request.mutable_sampling();
  const std::vector<const google::protobuf::FieldDescriptor*> unserved = {
      Field("session"), Field("domain_tags"), Field("verbosity"),
      Field("sampling")};
  const absl::Status refused = CheckUnset(request, unserved);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_UNIMPLEMENTED);
  EXPECT_THAT(FieldViolations(refused),
              ElementsAre(Pair("session", "is not served yet"),
                          Pair("domain_tags", "is not served yet"),
                          Pair("sampling", "is not served yet")));
  EXPECT_EQ(FaultMetadata(refused, "field"), "session");
  EXPECT_TRUE(CheckUnset(v1::GenerateRequest(), unserved).ok());
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

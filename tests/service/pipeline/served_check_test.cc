#include "service/pipeline/served_check.h"

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "proto/field_marks.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ServedCheckTest, NamesEveryFieldThatNothingReads) {
  v1::GenerateRequest request;
  request.set_session("s");
  const absl::Status refused = CheckServed(request);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_UNIMPLEMENTED);
  EXPECT_THAT(FieldViolations(refused),
              ElementsAre(Pair("session", "is not served yet")));
  EXPECT_EQ(FaultMetadata(refused, "field"), "session");
}

// Whichever field carries the mark.
TEST(ServedCheckTest, OneAloneIsEnough) {
  const google::protobuf::Descriptor& type = *v1::GenerateRequest::descriptor();
  int unserved = 0;
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *type.field(i);
    if (IsServed(field)) continue;
    ++unserved;
    v1::GenerateRequest request;
    const google::protobuf::Reflection& reflection = *request.GetReflection();
    if (field.cpp_type() == field.CPPTYPE_MESSAGE) {
      reflection.MutableMessage(&request, &field);
    } else if (field.cpp_type() == field.CPPTYPE_BOOL) {
      reflection.SetBool(&request, &field, true);
    } else if (field.is_repeated()) {
      reflection.AddString(&request, &field, "x");
    } else {
      reflection.SetString(&request, &field, "x");
    }
    EXPECT_THAT(FieldViolations(CheckServed(request)),
                ElementsAre(Pair(field.name(), "is not served yet")));
  }
  EXPECT_GT(unserved, 0);
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

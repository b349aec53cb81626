#include "providers/delta_size.h"

#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

using ::llmgateway::v1::Delta;

TEST(DeltaSizeTest, TextsCountInWhateverPiece) {
  Delta delta;
  EXPECT_EQ(SaidIn(delta), 0);
  delta.set_text("12345");
  EXPECT_EQ(SaidIn(delta), 5);
  delta.set_refusal("123");
  EXPECT_EQ(SaidIn(delta), 3);
  delta.set_reasoning("1234");
  EXPECT_EQ(SaidIn(delta), 4);
  delta.mutable_tool_call()->set_id("call_1");
  delta.mutable_tool_call()->set_name("f");
  delta.mutable_tool_call()->set_arguments("{}");
  EXPECT_EQ(SaidIn(delta), 3);
  delta.mutable_audio()->set_data("12345");
  EXPECT_EQ(SaidIn(delta), 0);
}

TEST(DeltaSizeTest, OfAPartThatOnlyItsVendorKnowsWhatItSays) {
  Delta delta;
  delta.mutable_opaque()->set_json(
      R"({"executableCode":{"language":"PYTHON","code":"print(1)\n"}})");
  EXPECT_EQ(SaidIn(delta), 9);
  // What a search has found nobody has said.
  delta.mutable_opaque()->set_json(
      R"({"type":"web_search_tool_result","content":[
          {"type":"web_search_result","encrypted_content":"EqgfCio"}]})");
  EXPECT_EQ(SaidIn(delta), 0);
}

}  // namespace
}  // namespace gateway

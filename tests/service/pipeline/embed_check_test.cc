#include "service/pipeline/embed_check.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Wrong(const std::string& text) {
  v1::EmbedRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  std::vector<std::string> fields;
  for (const auto& [field, unused] :
       FieldViolations(CheckEmbedRequest(request, /*needs_model=*/true))) {
    fields.push_back(field);
  }
  return fields;
}

TEST(EmbedCheckTest, TextsAndTokensAreFine) {
  EXPECT_THAT(Wrong("model: 'm' inputs { text: 'a' } "
                    "inputs { tokens { ids: 0 } } dimensions: 1"),
              IsEmpty());
}

TEST(EmbedCheckTest, NamesEveryFieldThatIsWrong) {
  EXPECT_THAT(Wrong(""), ElementsAre("model", "inputs"));
  EXPECT_THAT(Wrong("model: 'm' inputs { text: 'a' } inputs {} "
                    "inputs { tokens {} } dimensions: 0"),
              ElementsAre("inputs[1]", "inputs[2]", "dimensions"));
}

TEST(EmbedCheckTest, NamesInTheScopeAreAsLongAsElsewhere) {
  const auto wrong = [](size_t size) {
    return Wrong("model: 'm' inputs { text: 'a' } scope { user_id: '" +
                 std::string(size, 'u') + "' }");
  };
  EXPECT_THAT(wrong(512), IsEmpty());
  EXPECT_THAT(wrong(513), ElementsAre("scope.user_id"));
}

TEST(EmbedCheckTest, TooManyInputsAreToldOnce) {
  v1::EmbedRequest request;
  request.set_model("m");
  for (int i = 0; i <= kEmbedInputsMax; ++i) request.add_inputs();
  const absl::Status refused = CheckEmbedRequest(request, /*needs_model=*/true);
  ASSERT_EQ(FieldViolations(refused).size(), 1u);
  EXPECT_EQ(FieldViolations(refused)[0].first, "inputs");
}

}  // namespace
}  // namespace gateway

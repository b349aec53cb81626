#include "providers/mock/mock_embedding.h"

#include <cmath>
#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

v1::EmbedResponse Embed(const std::string& text) {
  v1::EmbedRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  v1::EmbedResponse response;
  WriteMockEmbeddings(request, &response);
  return response;
}

TEST(MockEmbeddingTest, TheSameTextGetsTheSameVector) {
  const v1::EmbedResponse answer = Embed(
      "inputs { text: 'a' } inputs { text: 'b' } inputs { text: 'a' } "
      "inputs { tokens { ids: 1 } } inputs { tokens { ids: 2 } }");
  ASSERT_EQ(answer.embeddings_size(), 5);
  const auto text_of = [&](int i) {
    return answer.embeddings(i).SerializeAsString();
  };
  EXPECT_EQ(text_of(0), text_of(2));
  EXPECT_NE(text_of(0), text_of(1));
  EXPECT_NE(text_of(3), text_of(4));
}

TEST(MockEmbeddingTest, VectorsAreAsLongAsAskedForAndOfLengthOne) {
  EXPECT_EQ(Embed("inputs { text: 'a' }").embeddings(0).values_size(),
            kMockDimensions);
  const v1::EmbedResponse answer =
      Embed("inputs { text: 'a' } dimensions: 100");
  ASSERT_EQ(answer.embeddings(0).values_size(), 100);
  double squares = 0;
  for (const float value : answer.embeddings(0).values()) {
    squares += value * value;
  }
  EXPECT_NEAR(squares, 1, 1e-5);
}

}  // namespace
}  // namespace gateway

#include "providers/dialects/embedding_dialect.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

class UpstreamOnly final : public EmbeddingDialect {
 public:
  std::string_view name() const override { return "upstream_only"; }
  absl::Status WriteRequest(const v1::EmbedRequest&, std::string_view,
                            std::string*,
                            std::vector<v1::Warning>*) const override {
    return absl::OkStatus();
  }
  absl::Status ReadResponse(std::string_view,
                            v1::EmbedResponse*) const override {
    return absl::OkStatus();
  }
};

TEST(EmbeddingDialectTest, HasNoApiUnlessItSaysSo) {
  const UpstreamOnly dialect;
  v1::EmbedRequest request;
  EmbeddingEncoding encoding = EmbeddingEncoding::kBase64;
  EXPECT_TRUE(
      absl::IsUnimplemented(dialect.ReadRequest("{}", &request, &encoding)));
  std::string body;
  EXPECT_TRUE(absl::IsUnimplemented(
      dialect.WriteResponse({}, EmbeddingEncoding::kFloat, &body)));
  EXPECT_EQ(body, "");
}

}  // namespace
}  // namespace gateway

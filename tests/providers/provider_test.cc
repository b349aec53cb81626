#include "providers/provider.h"

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_client.h"

namespace gateway {
namespace {

// Does as little as a provider may.
class Plain final : public Provider {
 public:
  std::string_view name() const override { return "plain"; }
  const Dialect* FindDialect(std::string_view) const override {
    return nullptr;
  }
  Task<absl::Status> Generate(ProviderCall&, ProviderAnswer*) const override {
    co_return absl::OkStatus();
  }
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall&) const override {
    co_return nullptr;
  }
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall&) const override {
    co_return 0;
  }
};

TEST(ProviderTest, NeitherEmbedsNorListsUnlessItSaysSo) {
  const Plain provider;
  LoopClient client;
  client.Run([&]() -> Task<void> {
    ProviderCall call;
    v1::EmbedResponse response;
    const absl::Status embedded = co_await provider.Embed(call, &response);
    EXPECT_TRUE(absl::IsUnimplemented(embedded)) << embedded;
    EXPECT_EQ(embedded.message(),
              "plain: this provider does not make embeddings");
    const absl::StatusOr<std::vector<v1::Model>> models =
        co_await provider.ListModels(call);
    EXPECT_TRUE(absl::IsUnimplemented(models.status())) << models.status();
  });
}

}  // namespace
}  // namespace gateway

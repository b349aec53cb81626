#include "providers/structured_output.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

using Quirks = ::llmgateway::config::v1::OpenAiQuirks;

// A stream that turns the events of a forced call back into those of a text.
class RestoredStream final : public ProviderStream {
 public:
  RestoredStream(std::unique_ptr<OutputRewrite> rewrite,
                 std::unique_ptr<ProviderStream> stream)
      : rewrite_(std::move(rewrite)), stream_(std::move(stream)) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override {
    absl::StatusOr<bool> more = co_await stream_->Next(batch);
    for (v1::GenerateEvent& event : batch->events) {
      rewrite_->RestoreEvent(&event);
      if (event.has_choice_end() && event.choice_end().choice_index() == 0) {
        finish_reason_ = event.choice_end().finish_reason();
      }
    }
    facts_ = stream_->facts();
    facts_.finish_reason = finish_reason_;
    co_return more;
  }

  const ResponseFacts& facts() const override { return facts_; }
  int64_t SaidTokens() const override { return stream_->SaidTokens(); }

 private:
  const std::unique_ptr<OutputRewrite> rewrite_;
  const std::unique_ptr<ProviderStream> stream_;
  ResponseFacts facts_;
  v1::FinishReason finish_reason_ = v1::FINISH_REASON_UNSPECIFIED;
};

class StructuredOutput final : public Provider {
 public:
  StructuredOutput(const OutputModes& modes, std::unique_ptr<Provider> provider)
      : modes_(modes), provider_(std::move(provider)) {}

  std::string_view name() const override { return provider_->name(); }
  const Dialect* FindDialect(std::string_view name) const override {
    return provider_->FindDialect(name);
  }

  // In every dialect the words that ask for JSON begin so; where they mean
  // something else, reading the request costs time and nothing more.
  absl::Status Obstacle() const override { return provider_->Obstacle(); }
  bool Forwards(const RawRequest& raw) const override {
    if (modes_.usual != OutputMode::kNative &&
        (raw.body.find("json_schema") != std::string_view::npos ||
         raw.body.find("json_object") != std::string_view::npos)) {
      return false;
    }
    return provider_->Forwards(raw);
  }

  bool ForwardsCount(const RawRequest& raw,
                     std::string_view model) const override {
    return Forwards(raw) && provider_->ForwardsCount(raw, model);
  }

  // Calls that ask for no schema go to the provider as they are.
  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override {
    return Concerns(call) ? GenerateOtherwise(call, answer)
                          : provider_->Generate(call, answer);
  }
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const override {
    return Concerns(call) ? StreamOtherwise(call) : provider_->Stream(call);
  }
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall& call) const override {
    return Concerns(call) ? CountOtherwise(call) : provider_->CountTokens(call);
  }

  Task<absl::Status> Embed(ProviderCall& call,
                           v1::EmbedResponse* response) const override {
    return provider_->Embed(call, response);
  }
  Task<absl::Status> AskStored(ProviderCall& call,
                               const StoredResponseQuery& asked,
                               std::string* reply) const override {
    return provider_->AskStored(call, asked, reply);
  }
  Task<absl::StatusOr<std::vector<v1::Model>>> ListModels(
      ProviderCall& call) const override {
    return provider_->ListModels(call);
  }

 private:
  OutputMode ModeOf(const ProviderCall& call) const {
    return call.lacks_schema ? modes_.lacking : modes_.usual;
  }
  bool Concerns(const ProviderCall& call) const {
    return call.request != nullptr && call.request->has_response_format() &&
           ModeOf(call) != OutputMode::kNative;
  }
  std::unique_ptr<OutputRewrite> RewriteOf(const ProviderCall& call) const {
    return std::make_unique<OutputRewrite>(ModeOf(call), modes_.fallback,
                                           *call.request, call.warnings);
  }

  Task<absl::Status> GenerateOtherwise(ProviderCall& call,
                                       ProviderAnswer* answer) const;
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> StreamOtherwise(
      ProviderCall& call) const;
  Task<absl::StatusOr<int64_t>> CountOtherwise(ProviderCall& call) const;

  const OutputModes modes_;
  const std::unique_ptr<Provider> provider_;
};

Task<absl::Status> StructuredOutput::GenerateOtherwise(
    ProviderCall& call, ProviderAnswer* answer) const {
  const std::unique_ptr<const OutputRewrite> rewrite = co_await OffLoop(
      call.request_bytes, [&] { return RewriteOf(call); });
  ProviderCall sent = call;
  sent.request = rewrite->request();
  GATEWAY_CO_RETURN_IF_ERROR(co_await provider_->Generate(sent, answer));
  rewrite->RestoreAnswer(answer->response);
  if (answer->response->choices_size() > 0) {
    answer->facts.finish_reason = answer->response->choices(0).finish_reason();
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::unique_ptr<ProviderStream>>>
StructuredOutput::StreamOtherwise(ProviderCall& call) const {
  std::unique_ptr<OutputRewrite> rewrite = co_await OffLoop(
      call.request_bytes, [&] { return RewriteOf(call); });
  ProviderCall sent = call;
  sent.request = rewrite->request();
  absl::StatusOr<std::unique_ptr<ProviderStream>> stream =
      co_await provider_->Stream(sent);
  if (!stream.ok() || rewrite->mode() != OutputMode::kForcedTool) {
    co_return stream;
  }
  rewrite->ReleaseRequest();
  std::unique_ptr<ProviderStream> restored =
      std::make_unique<RestoredStream>(std::move(rewrite), *std::move(stream));
  co_return restored;
}

Task<absl::StatusOr<int64_t>> StructuredOutput::CountOtherwise(
    ProviderCall& call) const {
  const std::unique_ptr<const OutputRewrite> rewrite = co_await OffLoop(
      call.request_bytes, [&] { return RewriteOf(call); });
  ProviderCall sent = call;
  sent.request = rewrite->request();
  co_return co_await provider_->CountTokens(sent);
}

}  // namespace

std::unique_ptr<Provider> WithOutputModes(const OutputModes& modes,
                                          std::unique_ptr<Provider> provider) {
  if (modes.usual == OutputMode::kNative &&
      modes.lacking == OutputMode::kNative) {
    return provider;
  }
  return std::make_unique<StructuredOutput>(modes, std::move(provider));
}

std::unique_ptr<Provider> WithSchemaMode(Quirks::SchemaMode mode,
                                         std::unique_ptr<Provider> provider) {
  OutputModes modes;
  if (mode == Quirks::SCHEMA_MODE_TOOL) {
    modes.usual = OutputMode::kForcedTool;
  } else if (mode == Quirks::SCHEMA_MODE_JSON_OBJECT) {
    modes.usual = OutputMode::kJsonMode;
  } else if (mode == Quirks::SCHEMA_MODE_PROMPT) {
    modes.usual = OutputMode::kPrompt;
  }
  modes.lacking = modes.usual;
  return WithOutputModes(modes, std::move(provider));
}

}  // namespace gateway

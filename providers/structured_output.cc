#include "providers/structured_output.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "base/task.h"

namespace gateway {
namespace {

using Quirks = ::llmgateway::config::v1::OpenAiQuirks;

// Turns the events of a forced call back into those of a text.
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

 private:
  const std::unique_ptr<OutputRewrite> rewrite_;
  const std::unique_ptr<ProviderStream> stream_;
  ResponseFacts facts_;
  v1::FinishReason finish_reason_ = v1::FINISH_REASON_UNSPECIFIED;
};

class StructuredOutput final : public Provider {
 public:
  StructuredOutput(OutputMode mode, OutputMode fallback,
                   std::unique_ptr<Provider> provider)
      : mode_(mode), fallback_(fallback), provider_(std::move(provider)) {}

  std::string_view name() const override { return provider_->name(); }
  const Dialect* FindDialect(std::string_view name) const override {
    return provider_->FindDialect(name);
  }

  // In every dialect the words that ask for JSON begin so; where they mean
  // something else, reading the request costs time and nothing more.
  bool Forwards(const RawRequest& raw) const override {
    return raw.body.find("json_schema") == std::string_view::npos &&
           raw.body.find("json_object") == std::string_view::npos &&
           provider_->Forwards(raw);
  }

  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override;
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const override;
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall& call) const override;

  Task<absl::Status> Embed(ProviderCall& call,
                           v1::EmbedResponse* response) const override {
    return provider_->Embed(call, response);
  }
  Task<absl::StatusOr<std::vector<v1::Model>>> ListModels(
      ProviderCall& call) const override {
    return provider_->ListModels(call);
  }

 private:
  const OutputMode mode_;
  const OutputMode fallback_;
  const std::unique_ptr<Provider> provider_;
};

Task<absl::Status> StructuredOutput::Generate(ProviderCall& call,
                                              ProviderAnswer* answer) const {
  if (call.request == nullptr)
    co_return co_await provider_->Generate(call, answer);
  const OutputRewrite rewrite(mode_, fallback_, *call.request, call.warnings);
  ProviderCall sent = call;
  sent.request = rewrite.request();
  GATEWAY_CO_RETURN_IF_ERROR(co_await provider_->Generate(sent, answer));
  rewrite.RestoreAnswer(answer->response);
  if (answer->response->choices_size() > 0) {
    answer->facts.finish_reason = answer->response->choices(0).finish_reason();
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> StructuredOutput::Stream(
    ProviderCall& call) const {
  if (call.request == nullptr) co_return co_await provider_->Stream(call);
  auto rewrite = std::make_unique<OutputRewrite>(mode_, fallback_,
                                                 *call.request, call.warnings);
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

Task<absl::StatusOr<int64_t>> StructuredOutput::CountTokens(
    ProviderCall& call) const {
  if (call.request == nullptr) co_return co_await provider_->CountTokens(call);
  const OutputRewrite rewrite(mode_, fallback_, *call.request, call.warnings);
  ProviderCall sent = call;
  sent.request = rewrite.request();
  co_return co_await provider_->CountTokens(sent);
}

}  // namespace

std::unique_ptr<Provider> WithOutputMode(OutputMode mode, OutputMode fallback,
                                         std::unique_ptr<Provider> provider) {
  if (mode == OutputMode::kNative) return provider;
  return std::make_unique<StructuredOutput>(mode, fallback,
                                            std::move(provider));
}

std::unique_ptr<Provider> WithSchemaMode(Quirks::SchemaMode mode,
                                         std::unique_ptr<Provider> provider) {
  OutputMode output_mode = OutputMode::kNative;
  if (mode == Quirks::SCHEMA_MODE_TOOL) {
    output_mode = OutputMode::kForcedTool;
  } else if (mode == Quirks::SCHEMA_MODE_JSON_OBJECT) {
    output_mode = OutputMode::kJsonMode;
  } else if (mode == Quirks::SCHEMA_MODE_PROMPT) {
    output_mode = OutputMode::kPrompt;
  }
  return WithOutputMode(output_mode, OutputMode::kPrompt, std::move(provider));
}

}  // namespace gateway

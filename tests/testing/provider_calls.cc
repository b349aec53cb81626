#include "tests/testing/provider_calls.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "providers/dialects/dialect.h"
#include "providers/provider.h"

namespace gateway {

namespace {

const Dialect* DialectOf(const Provider& provider,
                         const ProviderQuestion& question) {
  if (!question.dialect.empty()) return provider.FindDialect(question.dialect);
  const Dialect* const chat = provider.FindDialect("openai_chat");
  return chat != nullptr ? chat : provider.FindDialect("anthropic_messages");
}

}  // namespace

struct ProviderCalls::Borrowed {
  Borrowed(const Provider& provider, const ProviderQuestion& question,
           LoopClient& client, CancelSignal& cancel, ProviderOutcome* outcome)
      : body(question.body) {
    call.loop = &client.loop();
    call.http = &client.http();
    call.cancel = &cancel;
    call.request_id = "req-test-1";
    call.fresh_connection = question.fresh_connection;
    call.caller_credential = question.caller_credential;
    call.lacks_schema = question.lacks_schema;
    call.departure = question.departure;
    call.progress = &outcome->progress;
    call.warnings = &outcome->warnings;
    if (question.body.empty()) {
      call.request = &question.request;
      call.model = question.request.model();
    } else {
      raw.dialect = DialectOf(provider, question);
      raw.body = body;
      scanned = raw.dialect->ScanRequest(raw.body, &raw.scan);
      call.model = raw.scan.model;
      if (provider.Forwards(raw)) {
        call.raw = &raw;
      } else {
        bool stream = false;
        bool stream_usage = false;
        scanned =
            raw.dialect->ReadRequest(raw.body, &parsed, &stream, &stream_usage);
        call.request = &parsed;
      }
    }
    if (!question.model.empty()) call.model = question.model;
  }

  const std::string body;
  RawRequest raw;
  v1::GenerateRequest parsed;  // If the bytes cannot be forwarded.
  absl::Status scanned;
  ProviderCall call;
};

ProviderOutcome ProviderCalls::Generate(const Provider& provider,
                                        const ProviderQuestion& question) {
  ProviderOutcome outcome;
  client_.Run([&]() -> Task<void> {
    Borrowed borrowed(provider, question, client_, *cancel_, &outcome);
    outcome.status = borrowed.scanned;
    if (outcome.status.ok()) {
      co_await RunGenerate(provider, borrowed, &outcome);
    }
  });
  return outcome;
}

Task<void> ProviderCalls::RunGenerate(const Provider& provider,
                                      Borrowed& borrowed,
                                      ProviderOutcome* outcome) {
  ProviderAnswer answer;
  if (borrowed.call.raw == nullptr) answer.response = &outcome->response;
  outcome->status = co_await provider.Generate(borrowed.call, &answer);
  outcome->facts = answer.facts;
  outcome->bytes = borrowed.call.raw == nullptr ? TextOf(outcome->response)
                                                : std::string(answer.raw);
}

ProviderOutcome ProviderCalls::Stream(const Provider& provider,
                                      const ProviderQuestion& question,
                                      const OnBatch& on_batch) {
  ProviderOutcome outcome;
  client_.Run([&]() -> Task<void> {
    Borrowed borrowed(provider, question, client_, *cancel_, &outcome);
    outcome.status = borrowed.scanned;
    if (outcome.status.ok()) {
      co_await RunStream(provider, borrowed, on_batch, &outcome);
    }
  });
  return outcome;
}

Task<void> ProviderCalls::RunStream(const Provider& provider,
                                    Borrowed& borrowed, const OnBatch& on_batch,
                                    ProviderOutcome* outcome) {
  absl::StatusOr<std::unique_ptr<ProviderStream>> stream =
      co_await provider.Stream(borrowed.call);
  outcome->status = stream.status();
  StreamBatch batch;
  while (outcome->status.ok()) {
    const absl::StatusOr<bool> more = co_await (*stream)->Next(&batch);
    outcome->facts = (*stream)->facts();
    outcome->said_tokens = (*stream)->SaidTokens();
    outcome->status = more.status();
    if (!more.ok() || !*more) break;
    ++outcome->batches;
    outcome->content = outcome->content || batch.content_events > 0;
    for (std::string_view piece : batch.raw) outcome->bytes.append(piece);
    for (const v1::GenerateEvent& event : batch.events) {
      outcome->bytes += event.delta().text();
      outcome->events.push_back(event);
    }
    if (on_batch) on_batch(*outcome);
  }
}

absl::StatusOr<int64_t> ProviderCalls::CountTokens(
    const Provider& provider, const ProviderQuestion& question) {
  ProviderOutcome outcome;
  absl::StatusOr<int64_t> count;
  client_.Run([&]() -> Task<void> {
    Borrowed borrowed(provider, question, client_, *cancel_, &outcome);
    count = co_await provider.CountTokens(borrowed.call);
  });
  return count;
}

absl::StatusOr<v1::EmbedResponse> ProviderCalls::Embed(
    const Provider& provider, const std::string& model,
    const std::string& text) {
  v1::EmbedRequest request;
  request.set_model(model);
  request.add_inputs()->set_text(text);
  const ProviderQuestion nothing;
  ProviderOutcome outcome;
  v1::EmbedResponse response;
  client_.Run([&]() -> Task<void> {
    Borrowed borrowed(provider, nothing, client_, *cancel_, &outcome);
    borrowed.call.request = nullptr;
    borrowed.call.embed = &request;
    borrowed.call.model = request.model();
    outcome.status = co_await provider.Embed(borrowed.call, &response);
  });
  if (!outcome.status.ok()) return outcome.status;
  return response;
}

absl::StatusOr<std::vector<v1::Model>> ProviderCalls::ListModels(
    const Provider& provider) {
  const ProviderQuestion nothing;
  ProviderOutcome outcome;
  absl::StatusOr<std::vector<v1::Model>> models;
  client_.Run([&]() -> Task<void> {
    Borrowed borrowed(provider, nothing, client_, *cancel_, &outcome);
    borrowed.call.request = nullptr;
    models = co_await provider.ListModels(borrowed.call);
  });
  return models;
}

std::string TextOf(const v1::GenerateResponse& response) {
  std::string text;
  if (response.choices().empty()) return text;
  for (const v1::Part& part : response.choices(0).message().parts()) {
    text += part.text();
  }
  return text;
}

std::string TextOf(const EventList& events) {
  std::string text;
  for (const v1::GenerateEvent& event : events) text += event.delta().text();
  return text;
}

}  // namespace gateway

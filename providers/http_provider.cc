#include "providers/http_provider.h"

#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json_grammar.h"
#include "base/text/percent.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "providers/body_form.h"
#include "providers/bounded_messages.h"
#include "providers/custom_calls.h"
#include "providers/parsed_http_stream.h"
#include "providers/raw_http_stream.h"
#include "providers/refused_answer.h"
#include "providers/unsupported_parameters.h"

namespace gateway {
namespace {

using Pieces = absl::InlinedVector<std::string_view, 8>;
using ProviderConfig = ::llmgateway::config::v1::ProviderConfig;

constexpr std::string_view kModelMark = "{model}";

// Returns the body with its edits applied, as pieces of the original and of the
// edits.
Pieces Splice(std::string_view body, absl::Span<const Edit> edits) {
  Pieces pieces;
  size_t at = 0;
  for (const Edit& edit : edits) {
    if (edit.span.offset > at) {
      pieces.push_back(body.substr(at, edit.span.offset - at));
    }
    if (!edit.replacement.empty()) pieces.push_back(edit.replacement);
    at = edit.span.offset + edit.span.length;
  }
  if (at < body.size()) pieces.push_back(body.substr(at));
  return pieces;
}

std::vector<Secret> SecretsOf(const ProviderSetup& setup) {
  std::vector<Secret> secrets;
  for (const ProviderCredential& each : setup.credentials) {
    secrets.push_back(each.secret);
  }
  return secrets;
}

// The longest list of models that is read: some thousand, with long
// descriptions.
constexpr size_t kModelListBytesMax = 4 * 1024 * 1024;

// Checks what is only passed on: a page with status 200 is not what was asked
// for, and nothing at all does not say that it was done.
absl::Status CheckIsObject(std::string_view answer) {
  const size_t begin = answer.find_first_not_of(" \t\r\n");
  const bool object = begin != std::string_view::npos && answer[begin] == '{';
  if (object && CheckJson(answer).ok()) return absl::OkStatus();
  return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                   "the answer is not a JSON object");
}

// Returns whether the provider says that it failed while it made this answer.
bool WasGivenUp(const ProviderAnswer& answer) {
  return answer.response != nullptr
             ? IsGivenUp(*answer.response)
             : answer.facts.finish_reason == v1::FINISH_REASON_ERROR;
}

// Returns the word in which it says so. Bytes that were only scanned are read
// for it.
std::string WordOf(const Dialect& dialect, const ProviderAnswer& answer) {
  if (answer.response != nullptr) {
    return std::string(GivenUpWord(*answer.response));
  }
  google::protobuf::Arena arena;
  auto* const read =
      google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(&arena);
  ReadBoundedResponse(dialect, answer.raw, read).IgnoreError();
  return std::string(GivenUpWord(*read));
}

}  // namespace

HttpProvider::HttpProvider(Options options)
    : setup_(options.setup),
      faults_(setup_.name, SecretsOf(setup_)),
      credentials_(setup_, options.credential, options.credential_form),
      call_fields_(options.call_fields),
      own_dialect_(std::move(options.own_dialect)),
      embedding_dialect_(options.embedding_dialect),
      model_list_dialect_(options.model_list_dialect) {
  for (const Generation& generation : options.generations) {
    const bool same = generation.stream_path.empty();
    GenerationWay way;
    way.whole = MakeWay(options, "POST", generation.path);
    way.stream = MakeWay(options, "POST",
                         same ? generation.path : generation.stream_path);
    way.whole.dialect = way.stream.dialect = generation.dialect;
    way.stream.first_byte_timeout = options.endpoint.stream_first_byte();
    generations_.push_back(std::move(way));
  }
  count_ = MakeWay(options, "POST", options.count_path);
  embed_ = MakeWay(options, "POST", options.embed_path);
  models_ = MakeWay(options, "GET", options.models_path);
  if (!options.kept_path.empty()) {
    kept_path_ = options.endpoint.PathOf(options.kept_path);
  }
  kept_get_ = MakeWay(options, "GET", options.kept_path);
  kept_post_ = MakeWay(options, "POST", options.kept_path);
  kept_delete_ = MakeWay(options, "DELETE", options.kept_path);
  // The dialect that reads errors of all operations: a vendor's errors are
  // alike whatever was asked.
  const Dialect* const first = options.generations.front().dialect;
  embed_.dialect = models_.dialect = first;
  kept_get_.dialect = kept_post_.dialect = kept_delete_.dialect = first;
  count_.dialect =
      options.count_dialect == nullptr ? first : options.count_dialect;
}

HttpProvider::Way HttpProvider::MakeWay(const Options& options,
                                        std::string_view method,
                                        const std::string& path) const {
  Way way;
  if (path.empty()) return way;
  if (absl::StrContains(path, ToAbsl(kModelMark))) {
    way.path = options.endpoint.PathOf(path);
  }
  way.heads =
      credentials_.Heads(options.endpoint, method, path, options.fields);
  return way;
}

const Dialect* HttpProvider::FindDialect(std::string_view name) const {
  for (const GenerationWay& way : generations_) {
    if (way.whole.dialect->name() == name) return way.whole.dialect;
  }
  return nullptr;
}

const HttpProvider::GenerationWay& HttpProvider::WayOf(
    const ProviderCall& call) const {
  if (call.raw == nullptr) return generations_.front();
  for (const GenerationWay& way : generations_) {
    if (way.whole.dialect->name() == call.raw->dialect->name()) return way;
  }
  return generations_.front();
}

Task<absl::Status> HttpProvider::Generate(ProviderCall& call,
                                          ProviderAnswer* answer) const {
  GATEWAY_CO_ASSIGN_OR_RETURN(answer->exchange,
                              co_await Dispatch(call, /*stream=*/false));
  if (!HasMediaType(answer->exchange->Find("content-type"), kJsonType)) {
    HttpStreamOptions options = StreamOptions(call);
    co_return co_await RefuseAnswer(std::move(options), "JSON",
                                    std::move(answer->exchange));
  }
  HttpExchange& exchange = *answer->exchange;
  call.progress->answer = AttemptProgress::Answer::kWhole;
  const absl::StatusOr<std::string_view> body = co_await exchange.ReadAll();
  if (!body.ok()) {
    HttpStreamOptions options = StreamOptions(call);
    co_return co_await RefuseCut(std::move(options), body.status(),
                                 /*is_page=*/false,
                                 std::move(answer->exchange));
  }
  const Dialect& dialect = *WayOf(call).whole.dialect;
  if (IsNoWhole(dialect.framing(), *body)) {
    HttpStreamOptions options = StreamOptions(call);
    co_return co_await RefuseBody(std::move(options), "a JSON object",
                                  kJsonType, *body,
                                  std::move(answer->exchange));
  }
  absl::Status read;
  if (call.raw != nullptr) {
    answer->raw = *body;
    read = co_await OffLoop(body->size() / kScansPerReading, [&] {
      return dialect.ScanResponse(*body, &answer->facts);
    });
  } else {
    read = co_await OffLoop(body->size(), [&] {
      return ReadBoundedResponse(dialect, *body, answer->response);
    });
    if (read.ok()) exchange.DropBody();
    CustomCalls(*call.request).Restore(answer->response);
    answer->facts.usage = answer->response->usage();
    answer->facts.has_usage = answer->response->has_usage();
  }
  if (read.ok() && WasGivenUp(*answer)) {
    co_return faults_.GaveUp(WordOf(dialect, *answer), credentials_.Own(call));
  }
  if (read.ok()) co_return read;
  answer->raw = {};
  HttpStreamOptions options = StreamOptions(call);
  co_return co_await RefuseUnread(std::move(options), read, *body,
                                  std::move(answer->exchange));
}

Task<absl::StatusOr<HttpProvider::Exchange>> HttpProvider::Dispatch(
    ProviderCall& call, bool stream) const {
  const GenerationWay& generation = WayOf(call);
  const Way& way = stream ? generation.stream : generation.whole;
  EditPlan plan;
  std::string written;
  Pieces pieces;
  if (call.raw != nullptr) {
    way.dialect->PlanEdits(call.raw->scan, call.model, &plan);
    pieces = Splice(call.raw->body, plan.edits);
  } else {
    const WriteRequestOptions options{
        .model = call.model,
        .stream = stream,
        .output_tokens_limit = call.output_tokens_limit,
        .pass_unsupported = setup_.unsupported_parameters ==
                            ProviderConfig::UNSUPPORTED_PARAMETERS_PASS};
    const size_t warned = call.warnings->size();
    GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(call.request_bytes, [&] {
      return way.dialect->WriteRequest(*call.request, options, &written,
                                       call.warnings);
    }));
    if (call.is_kept_here) ForgiveStore(warned, call.warnings);
    GATEWAY_CO_RETURN_IF_ERROR(RefuseDropped(call, warned));
    pieces.push_back(written);
  }
  co_return co_await Send(call, way, pieces, &written);
}

absl::Status HttpProvider::RefuseDropped(const ProviderCall& call,
                                         size_t first) const {
  const google::protobuf::Message* request = call.request;
  if (request == nullptr) request = call.embed;
  const absl::Status checked = CheckDropped(setup_.unsupported_parameters,
                                            *request, *call.warnings, first);
  return checked.ok() ? checked : AtPlace(setup_.name, checked);
}

Task<absl::StatusOr<HttpProvider::Exchange>> HttpProvider::Send(
    ProviderCall& call, const Way& way, absl::Span<const std::string_view> body,
    std::string* body_memory) const {
  AttemptProgress& progress = *call.progress;
  progress.answer = AttemptProgress::Answer::kNone;
  CallFields fields = {{"x-request-id", call.request_id}};
  if (call_fields_ != nullptr) {
    call_fields_(call, &fields);
  } else {
    for (const HttpField& field : call.forwarded_fields) {
      fields.push_back(field);
    }
  }
  const HttpCredentials::Picked picked = credentials_.Pick(call);
  progress.credential = picked.name;
  for (const HttpRequestHead::Field& field : picked.own) {
    fields.push_back({field.name, field.value.Reveal(), !field.indexable});
  }
  std::string path;
  HttpCall http_call;
  http_call.head = way.heads[picked.head].get();
  if (!way.path.empty()) {
    path = absl::StrReplaceAll(
        way.path, {{ToAbsl(kModelMark), EncodePathSegment(call.model)}});
    http_call.path = path;
  }
  http_call.extra_fields = fields;
  http_call.body = body;
  http_call.body_memory = body_memory;
  http_call.fresh_connection = call.fresh_connection;
  http_call.first_byte_timeout = call.first_byte_timeout > absl::ZeroDuration()
                                     ? call.first_byte_timeout
                                     : way.first_byte_timeout;
  http_call.cancel = call.cancel;
  http_call.progress = &progress.http;
  if (call.departure != nullptr) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await call.departure->Depart());
  }
  progress.dispatched = call.clock->SteadyTime();
  absl::StatusOr<Exchange> exchange = co_await call.http->Send(http_call);
  if (!exchange.ok()) {
    const bool streams = way.first_byte_timeout > absl::ZeroDuration();
    co_return faults_.OfTransport(exchange.status(), progress, streams);
  }
  progress.first_byte = call.clock->SteadyTime();
  progress.http_status = (*exchange)->status();
  progress.upstream.Take(**exchange);
  // Then nobody may be told of any of it.
  if (faults_.Repeats(progress.upstream.block().row(),
                      credentials_.Own(call))) {
    progress.upstream = {};
  }
  if (progress.http_status != 200) {
    co_return co_await ReadFailure(way, call, **exchange);
  }
  co_return exchange;
}

Task<absl::Status> HttpProvider::ReadFailure(const Way& way,
                                             const ProviderCall& call,
                                             HttpExchange& exchange) const {
  // A body that breaks off is used as far as it came.
  const absl::StatusOr<std::string_view> body = co_await exchange.ReadAll();
  HttpFailure failure;
  failure.status = exchange.status();
  failure.body = body.value_or("");
  failure.content_type = exchange.Find("content-type");
  failure.retry_after = exchange.Find("retry-after");
  failure.retry_after_ms = exchange.Find("retry-after-ms");
  failure.should_retry = exchange.Find("x-should-retry");
  failure.now = call.clock->WallTime();
  co_return faults_.WrapFault(way.dialect->ReadError(failure),
                              credentials_.Own(call));
}

Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> HttpProvider::Stream(
    ProviderCall& call) const {
  GATEWAY_CO_ASSIGN_OR_RETURN(Exchange exchange,
                              co_await Dispatch(call, /*stream=*/true));
  const HttpStreamOptions options = StreamOptions(call);
  if (!HasMediaType(exchange->Find("content-type"),
                    StreamTypeOf(*options.dialect))) {
    co_return co_await RefuseAnswer(options, WantedStream(*options.dialect),
                                    std::move(exchange));
  }
  call.progress->answer = AttemptProgress::Answer::kStream;
  std::unique_ptr<ProviderStream> stream;
  if (call.raw != nullptr) {
    stream = NewRawHttpStream(options, call.raw->scan.stream_usage,
                              std::move(exchange));
  } else {
    stream = NewParsedHttpStream(options, std::move(exchange));
    CustomCalls custom(*call.request);
    if (custom.any()) {
      stream = WithCustomCalls(std::move(custom), std::move(stream));
    }
  }
  co_return stream;
}

HttpStreamOptions HttpProvider::StreamOptions(ProviderCall& call) const {
  HttpStreamOptions options;
  options.dialect = WayOf(call).stream.dialect;
  options.faults = &faults_;
  options.progress = call.progress;
  options.event_bytes_limit = setup_.event_bytes_limit;
  options.silent_bytes_limit = setup_.silent_bytes_limit;
  options.caller_credential = Secret(std::string(credentials_.Own(call)));
  return options;
}

template <typename Read>
Task<absl::Status> HttpProvider::Ask(ProviderCall& call, const Way& way,
                                     absl::Span<const std::string_view> body,
                                     Read read) const {
  GATEWAY_CO_ASSIGN_OR_RETURN(const Exchange exchange,
                              co_await Send(call, way, body, nullptr));
  if (!IsPageType(exchange->Find("content-type"))) {
    call.progress->answer = AttemptProgress::Answer::kWhole;
  }
  const absl::StatusOr<std::string_view> answer = co_await exchange->ReadAll();
  if (!answer.ok()) {
    co_return faults_.OfTransport(answer.status(), *call.progress);
  }
  const absl::Status understood =
      co_await OffLoop(answer->size(), [&] { return read(*answer); });
  co_return faults_.WrapFault(understood, credentials_.Own(call));
}

bool HttpProvider::ForwardsCount(const RawRequest& raw,
                                 std::string_view model) const {
  return !count_.heads.empty() &&
         count_.dialect->name() == raw.dialect->name() &&
         raw.dialect->CanForwardCount(raw.body, raw.scan.model != model);
}

absl::Status HttpProvider::CountsNothing() const {
  return MakeFault(
      v1::ERROR_REASON_UNIMPLEMENTED,
      absl::StrCat(setup_.name, ": this provider does not count tokens"));
}

Task<absl::StatusOr<int64_t>> HttpProvider::CountTokens(
    ProviderCall& call) const {
  if (count_.heads.empty()) {
    co_return CountsNothing();
  }
  const Dialect& dialect = *count_.dialect;
  EditPlan plan;
  std::string body;
  Pieces pieces;
  if (call.raw != nullptr) {
    dialect.PlanEdits(call.raw->scan, call.model, &plan);
    pieces = Splice(call.raw->body, plan.edits);
  } else {
    GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(call.request_bytes, [&] {
      return dialect.WriteCountRequest(*call.request, call.model, &body);
    }));
    pieces.push_back(body);
  }
  int64_t tokens = 0;
  const auto read = [&](std::string_view answer) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(tokens, dialect.ReadCountResponse(answer));
    if (call.raw_count != nullptr) *call.raw_count = std::string(answer);
    return absl::OkStatus();
  };
  const absl::Status outcome = co_await Ask(call, count_, pieces, read);
  if (outcome.ok()) co_return tokens;
  // Not every service with this vendor's API has the operation. One that has
  // it, and lacks the model, says so in a word of its own.
  if (call.progress->http_status == 404 &&
      FaultMetadata(outcome, kProviderCodeKey).empty() &&
      count_.dialect != generations_.front().whole.dialect) {
    co_return CountsNothing();
  }
  co_return outcome;
}

Task<absl::Status> HttpProvider::Embed(ProviderCall& call,
                                       v1::EmbedResponse* response) const {
  if (embed_.heads.empty() || embedding_dialect_ == nullptr) {
    co_return co_await Provider::Embed(call, response);
  }
  std::string body;
  const size_t warned = call.warnings->size();
  GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(call.request_bytes, [&] {
    return embedding_dialect_->WriteRequest(*call.embed, call.model, &body,
                                            call.warnings);
  }));
  GATEWAY_CO_RETURN_IF_ERROR(RefuseDropped(call, warned));
  const std::string_view pieces[] = {body};
  co_return co_await Ask(call, embed_, pieces, [&](std::string_view answer) {
    return embedding_dialect_->ReadResponse(answer, response);
  });
}

Task<absl::Status> HttpProvider::AskStored(ProviderCall& call,
                                           const StoredResponseQuery& asked,
                                           std::string* reply) const {
  if (kept_path_.empty()) {
    co_return co_await Provider::AskStored(call, asked, reply);
  }
  const Way* way = &kept_get_;
  std::string_view below;
  switch (asked.action) {
    case StoredResponseQuery::Action::kShow:
      break;
    case StoredResponseQuery::Action::kListInput:
      below = "/input_items";
      break;
    case StoredResponseQuery::Action::kCancel:
      way = &kept_post_;
      below = "/cancel";
      break;
    case StoredResponseQuery::Action::kDelete:
      way = &kept_delete_;
      break;
  }
  Way this_way = *way;
  this_way.path =
      absl::StrCat(kept_path_, "/", EncodePathSegment(asked.id), ToAbsl(below),
                   asked.query.empty() ? "" : "?", ToAbsl(asked.query));
  const absl::Status outcome =
      co_await Ask(call, this_way, {}, [&](std::string_view answer) {
        GATEWAY_RETURN_IF_ERROR(CheckIsObject(answer));
        *reply = std::string(answer);
        return absl::OkStatus();
      });
  // The status is 404 because of the path: it is no model that is missing.
  if (FaultReason(outcome) == v1::ERROR_REASON_MODEL_NOT_FOUND) {
    co_return MakeFault(v1::ERROR_REASON_NOT_FOUND, ToStd(outcome.message()));
  }
  co_return outcome;
}

Task<absl::StatusOr<std::vector<v1::Model>>> HttpProvider::ListModels(
    ProviderCall& call) const {
  if (models_.heads.empty() || model_list_dialect_ == nullptr) {
    co_return co_await Provider::ListModels(call);
  }
  std::vector<v1::Model> models;
  GATEWAY_CO_RETURN_IF_ERROR(
      co_await Ask(call, models_, {}, [&](std::string_view answer) {
        if (answer.size() > kModelListBytesMax) {
          return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                           absl::StrCat("a list of models of more than ",
                                        kModelListBytesMax, " bytes"));
        }
        return model_list_dialect_->ReadModels(answer, &models);
      }));
  co_return models;
}

}  // namespace gateway

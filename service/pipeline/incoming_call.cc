#include "service/pipeline/incoming_call.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "providers/bounded_messages.h"

namespace gateway {
namespace {

// A longer path is recorded as far as this.
constexpr size_t kPathBytesMax = 1024;

// Whether two names are, as nearly always, even the same bytes.
bool IsSame(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.data() == b.data() || a == b);
}

// Whoever is asked for more answers refuses that.
constexpr int64_t kAnswersMax = 10'000;

}  // namespace

IncomingCall::IncomingCall(std::shared_ptr<const RuntimeSnapshot> runtime,
                           EventLoop& loop, HttpClient& http,
                           CancelSignal& cancel, google::protobuf::Arena& arena,
                           absl::Duration arrival)
    : runtime(std::move(runtime)),
      loop(loop),
      http(http),
      cancel(cancel),
      arena(arena),
      arrival(arrival),
      start_time(this->runtime->clock().WallTime() - (loop.Now() - arrival)),
      said_prices(this->runtime->operator_prices().Get()) {}

const ModelRates* IncomingCall::FindPrice(std::string_view vendor,
                                          std::string_view model) const {
  return runtime->prices().Find(vendor, model, start_time, said_prices.get());
}

const ModelRates* IncomingCall::FindPriceOnLoop(std::string_view vendor,
                                                std::string_view model) const {
  // Without budgets a call asks once.
  if (runtime->budgets() == nullptr) return FindPrice(vendor, model);
  LastPrice& last = last_price_;
  if (!last.is_known || !IsSame(last.vendor, vendor) ||
      !IsSame(last.model, model)) {
    last = {.is_known = true,
            .vendor = vendor,
            .model = model,
            .price = FindPrice(vendor, model)};
  }
  return last.price;
}

void IncomingCall::SetPath(std::string_view beginning, std::string_view rest) {
  rest = rest.substr(0, kPathBytesMax - beginning.size());
  const size_t length = beginning.size() + rest.size();
  char* const path =
      length <= short_path_.size()
          ? short_path_.data()
          : google::protobuf::Arena::CreateArray<char>(&arena, length);
  char* const end = std::copy(beginning.begin(), beginning.end(), path);
  std::transform(rest.begin(), rest.end(), end, [](char byte) {
    return byte > ' ' && byte < 0x7f ? byte : '?';
  });
  facts.path = {path, length};
}

absl::StatusOr<const v1::GenerateRequest*> IncomingCall::ParsedRequest() {
  if (request != nullptr) return request;
  auto* const parsed =
      google::protobuf::Arena::CreateMessage<v1::GenerateRequest>(&arena);
  GATEWAY_RETURN_IF_ERROR(ReadBoundedRequest(
      *raw->dialect, raw->body,
      facts.counts ? RequestUse::kCountTokens : RequestUse::kGenerate, parsed));
  // Gemini's requests name the model in the path, not in the body.
  if (parsed->model().empty()) parsed->set_model(std::string(facts.model));
  request = parsed;
  return request;
}

std::optional<int64_t> IncomingCall::OutputTokensLimit() const {
  std::optional<int64_t> limit;
  if (raw != nullptr) {
    limit = raw->scan.output_tokens_max;
  } else if (request != nullptr && request->has_max_output_tokens()) {
    limit = request->max_output_tokens();
  }
  if (limit.has_value() && *limit <= 0) limit.reset();
  return limit;
}

int64_t IncomingCall::AnswerCount() const {
  int64_t count = 1;
  if (raw != nullptr) {
    count = raw->scan.answer_count.value_or(1);
  } else if (request != nullptr) {
    count = request->sampling().choice_count();
  }
  return std::clamp<int64_t>(count, 1, kAnswersMax);
}

int64_t IncomingCall::ExpectedOutputTokens(int64_t of_answer) const {
  return AnswerCount() *
         std::min(of_answer, OutputTokensLimit().value_or(of_answer));
}

DomainTags DomainTagsOf(const IncomingCall& call) {
  DomainTags tags;
  if (call.request != nullptr) {
    tags.assign(call.request->domain_tags().begin(),
                call.request->domain_tags().end());
  }
  if (const CallDirectives* const said = call.facts.directives) {
    tags.insert(tags.end(), said->domain_tags.begin(), said->domain_tags.end());
  }
  return tags;
}

}  // namespace gateway

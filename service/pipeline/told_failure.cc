#include "service/pipeline/told_failure.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/worker_pool.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "service/audit/redaction/body_redactor.h"
#include "service/audit/redaction/error_words.h"
#include "service/audit/redaction/quoted_text.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

constexpr std::string_view kQuotedMark = "[quoted]";
constexpr std::string_view kWithheldMark = "[withheld]";

// A longer code is no name.
constexpr size_t kCodeBytesMax = 64;

const BodyRedactor& SecretsRedactor() {
  using BuiltIn = RedactionPatterns::BuiltIn;
  static const BodyRedactor& redactor = *new BodyRedactor(
      *BodyRedactor::Make({.built_in = {BuiltIn::kKeys, BuiltIn::kTokens,
                                        BuiltIn::kEmail, BuiltIn::kCardNumber},
                           .own = {},
                           .json_paths = {}}));
  return redactor;
}

// What the gateway says by itself of callers and limits has no text of a call,
// and is said often.
bool IsAboutNoText(const absl::Status& failure) {
  switch (FaultReason(failure)) {
    case v1::ERROR_REASON_API_KEY_INVALID:
    case v1::ERROR_REASON_API_KEY_EXPIRED:
    case v1::ERROR_REASON_API_KEY_DISABLED:
    case v1::ERROR_REASON_RATE_LIMITED:
    case v1::ERROR_REASON_CONCURRENCY_LIMITED:
    case v1::ERROR_REASON_OVERLOADED:
      return !FindForeignWords(failure, ForeignWords::kOfProvider).has_value();
    default:
      return false;
  }
}

// The provider's code of what is wrong, if it is made of words that errors use.
std::string CodeOfProvider(const absl::Status& failure) {
  std::string code = FaultMetadata(failure, kProviderCodeKey);
  if (code.empty()) code = FaultMetadata(failure, kProviderErrorTypeKey);
  return code.size() <= kCodeBytesMax && IsErrorName(code) ? code : "";
}

// Puts `mark` in place of the words, which are withheld; in place of all of the
// message where they are not found in it.
std::string Withhold(std::string message, const absl::Status& failure,
                     ForeignWords whose, std::string_view mark) {
  const std::optional<std::string> words = FindForeignWords(failure, whose);
  if (!words.has_value()) return message;
  const size_t at = message.find(*words);
  if (at == std::string::npos) {
    return absl::StrCat(ToAbsl(ReasonName(FaultReason(failure))), ": ",
                        ToAbsl(mark));
  }
  return message.replace(at, words->size(), mark);
}

std::string WithoutAnswer(const absl::Status& failure) {
  return Withhold(std::string(failure.message()), failure,
                  ForeignWords::kOfAnswer, kWithheldMark);
}

std::string WithoutSecrets(std::string_view message) {
  return SecretsRedactor().RedactText(message).text;
}

// Where in the message the provider speaks; in all of it if its words are not
// found there.
std::pair<size_t, size_t> WordsOfProvider(std::string_view message,
                                          const absl::Status& failure) {
  const std::optional<std::string> words =
      FindForeignWords(failure, ForeignWords::kOfProvider);
  if (!words.has_value()) return {0, 0};
  const size_t at = message.find(*words);
  if (at == std::string_view::npos) return {0, message.size()};
  return {at, at + words->size()};
}

void CompareMessage(const google::protobuf::Message* message,
                    QuotedText* quoted) {
  if (message != nullptr) quoted->Compare(message->SerializePartialAsString());
}

}  // namespace

std::string ToldFailure(const absl::Status& failure) {
  if (IsAboutNoText(failure)) return std::string(failure.message());
  const std::string code = CodeOfProvider(failure);
  const std::string mark = code.empty()
                               ? std::string(kWithheldMark)
                               : absl::StrCat("[withheld; code ", code, "]");
  return WithoutSecrets(Withhold(WithoutAnswer(failure), failure,
                                 ForeignWords::kOfProvider, mark));
}

std::string ToldFailure(const IncomingCall& call, std::string_view model,
                        const absl::Status& failure) {
  if (IsAboutNoText(failure)) return std::string(failure.message());
  const std::string message = WithoutAnswer(failure);
  QuotedText quoted(message);
  const auto [begin, end] = WordsOfProvider(message, failure);
  quoted.LookForWords(begin, end);
  if (call.raw != nullptr) quoted.CompareJson(call.raw->body);
  // With the earlier turns of a conversation.
  CompareMessage(call.request, &quoted);
  CompareMessage(call.embed, &quoted);
  const std::string told = WithoutSecrets(
      quoted.Cut({call.facts.model, model, call.facts.provider}, kQuotedMark));
  return call.runtime->key_redactor()->RedactText(told).text;
}

size_t BytesToCompare(const IncomingCall& call) {
  return (call.raw == nullptr ? 0 : call.raw->body.size()) +
         (call.request == nullptr ? 0 : call.request->ByteSizeLong()) +
         (call.embed == nullptr ? 0 : call.embed->ByteSizeLong());
}

Task<void> TellFailures(Call& call, const absl::Status& outcome) {
  for (Attempt& each : call.attempts) {
    if (each.status.ok() || each.compared) continue;
    const auto tell = [&] {
      each.Tell(ToldFailure(call, each.model, each.status));
      each.compared = true;
      return true;
    };
    co_await OffLoop(BytesToCompare(call), tell);
  }
  if (outcome.ok()) co_return;
  for (const Attempt& each : call.attempts) {
    if (each.status.message() == outcome.message()) co_return;
  }
  const auto tell = [&] {
    call.told = {.whole = std::string(outcome.message()),
                 .told = ToldFailure(call, {}, outcome)};
    return true;
  };
  co_await OffLoop(BytesToCompare(call), tell);
}

std::string ToldOutcome(const Call& call, const absl::Status& outcome) {
  if (call.told.whole == outcome.message()) return call.told.told;
  for (const Attempt& each : call.attempts) {
    if (each.status.message() == outcome.message()) {
      return std::string(each.error_message);
    }
  }
  return ToldFailure(outcome);
}

}  // namespace gateway

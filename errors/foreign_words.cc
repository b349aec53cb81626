#include "errors/foreign_words.h"

#include "absl/strings/cord.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// No detail of google.rpc.Status: ToRpcStatus leaves it out.
absl::string_view UrlOf(ForeignWords whose) {
  return whose == ForeignWords::kOfProvider
             ? "llmgateway.dev/words-of-a-provider"
             : "llmgateway.dev/words-of-an-answer";
}

}  // namespace

void MarkForeignWords(absl::Status& fault, ForeignWords whose,
                      std::string_view words) {
  if (fault.ok() || words.empty()) return;
  fault.SetPayload(UrlOf(whose), absl::Cord(ToAbsl(words)));
}

std::optional<std::string> FindForeignWords(const absl::Status& fault,
                                            ForeignWords whose) {
  const auto words = fault.GetPayload(UrlOf(whose));
  if (!words.has_value()) return std::nullopt;
  return std::string(*words);
}

void KeepForeignWords(const absl::Status& cause, absl::Status& fault) {
  for (const ForeignWords whose :
       {ForeignWords::kOfProvider, ForeignWords::kOfAnswer}) {
    if (const auto words = FindForeignWords(cause, whose); words.has_value()) {
      MarkForeignWords(fault, whose, *words);
    }
  }
}

}  // namespace gateway

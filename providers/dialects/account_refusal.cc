#include "providers/dialects/account_refusal.h"

#include <string_view>

#include "absl/strings/match.h"
#include "base/string_view.h"

namespace gateway {
namespace {

using Form = ErrorBody::Form;

constexpr v1::ErrorReason kUnpaid = v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED;
constexpr v1::ErrorReason kShutOut = v1::ERROR_REASON_PROVIDER_AUTH_FAILED;

struct KnownBeginning {
  std::string_view text;  // In any case.
  v1::ErrorReason reason;
  std::optional<Form> form;  // Whose it is; anybody's if not set.
};

constexpr KnownBeginning kAccountBeginnings[] = {
    {"your credit balance is too low", kUnpaid, Form::kAnthropic},
    {"you have reached your specified api usage limits", kUnpaid,
     Form::kAnthropic},
    {"you have reached your specified workspace api usage limits", kUnpaid,
     Form::kAnthropic},
    {"oauth authentication is currently not", kShutOut, Form::kAnthropic},
    {"oauth token has been revoked", kShutOut, Form::kAnthropic},
    {"request not allowed", kShutOut, Form::kAnthropic},
    {"this organization has been disabled", kShutOut, Form::kAnthropic},
    {"your account does not have access to claude", kShutOut, Form::kAnthropic},
    {"your organization has been disabled", kShutOut, Form::kAnthropic},
    {"api key ", kShutOut, Form::kGemini},
    {"gemini api free tier is not available", kShutOut, Form::kGemini},
    {"generative language api has not been used in project", kShutOut,
     Form::kGemini},
    {"method doesn't allow unregistered callers", kShutOut, Form::kGemini},
    {"permission denied: consumer ", kShutOut, Form::kGemini},
    {"requests from ", kShutOut, Form::kGemini},
    {"requests to this api ", kShutOut, Form::kGemini},
    {"the provided api key ", kShutOut, Form::kGemini},
    {"this api method requires billing", kShutOut, Form::kGemini},
    {"user location is not supported", kShutOut, Form::kGemini},
    {"your api key was reported as leaked", kShutOut, Form::kGemini},
    {"your project has been denied access", kShutOut, Form::kGemini},
    {"key limit exceeded", kShutOut, Form::kOpenRouter},
    {"access denied due to virtual network", kShutOut, std::nullopt},
    {"country, region, or territory not supported", kShutOut, std::nullopt},
    {"public access is disabled", kShutOut, std::nullopt},
};

}  // namespace

std::optional<v1::ErrorReason> ReasonOfAccount(const ErrorBody& error) {
  for (const KnownBeginning& beginning : kAccountBeginnings) {
    if (beginning.form.has_value() && *beginning.form != error.form) continue;
    if (absl::StartsWithIgnoreCase(error.message, ToAbsl(beginning.text))) {
      return beginning.reason;
    }
  }
  return std::nullopt;
}

}  // namespace gateway

// Writes a request as the one text that a command-line tool is asked.
//
//   Reply with one JSON object only ...         if JSON is asked for
//
//   [System]: Be brief.
//
//   [User]: What is the weather in Oslo?
//
// The tool knows text alone. What cannot be left out without changing the
// question - tools, pictures, sound - is refused; other settings are told as
// warnings.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_LOCAL_CLI_CLI_PROMPT_H_
#define PROVIDERS_LOCAL_CLI_CLI_PROMPT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// The name in Extension.dialect of what the tool says about itself.
inline constexpr std::string_view kLocalCliDialect = "local_cli";

// CAPABILITY_UNSUPPORTED names each field that the tool cannot be asked with.
absl::Status WriteCliPrompt(const v1::GenerateRequest& request,
                            std::string* prompt,
                            std::vector<v1::Warning>* warnings);

// Returns whether the answer must be JSON.
bool WantsJson(const v1::GenerateRequest& request);

// Estimates the tokens of a text: one for four characters, and at least one.
int64_t EstimatedTokens(std::string_view text);

}  // namespace gateway

#endif  // PROVIDERS_LOCAL_CLI_CLI_PROMPT_H_

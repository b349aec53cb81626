// Gives a provider whose service does not take JSON Schemas a way to answer by
// them all the same (providers/schema/output_mode.h).
//
//   return WithSchemaMode(config.quirks().schema_mode(),
//                         std::make_unique<HttpProvider>(std::move(options)));
//
// Raw requests that ask for such an answer are read, so that no schema is lost
// on the way; all others are forwarded as before. Where only some models lack
// it, their raw requests go through too: the vendor says so in its own words.
//
// Thread contract: immutable, shared by all loops.

#ifndef PROVIDERS_STRUCTURED_OUTPUT_H_
#define PROVIDERS_STRUCTURED_OUTPUT_H_

#include <memory>

#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/schema/output_mode.h"

namespace gateway {

struct OutputModes {
  OutputMode usual = OutputMode::kNative;
  // The mode for models that are known not to be held to a schema.
  OutputMode lacking = OutputMode::kNative;
  // Used where no tool can be forced: kJsonMode or kPrompt.
  OutputMode fallback = OutputMode::kPrompt;
};

// Wraps the provider; returns it as it is if all modes are native.
std::unique_ptr<Provider> WithOutputModes(const OutputModes& modes,
                                          std::unique_ptr<Provider> provider);

// The same for the mode that the configuration names.
std::unique_ptr<Provider> WithSchemaMode(
    llmgateway::config::v1::OpenAiQuirks::SchemaMode mode,
    std::unique_ptr<Provider> provider);

}  // namespace gateway

#endif  // PROVIDERS_STRUCTURED_OUTPUT_H_

// Gives a provider whose service does not take JSON Schemas a way to answer by
// them all the same (providers/schema/output_mode.h).
//
//   return WithSchemaMode(config.quirks().schema_mode(),
//                         std::make_unique<HttpProvider>(std::move(options)));
//
// Raw requests that ask for such an answer are read, so that no schema is lost
// on the way; all others are forwarded as before.
//
// Thread contract: immutable, shared by all loops.

#ifndef PROVIDERS_STRUCTURED_OUTPUT_H_
#define PROVIDERS_STRUCTURED_OUTPUT_H_

#include <memory>

#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/schema/output_mode.h"

namespace gateway {

// The same provider if `mode` is kNative. `fallback` is taken where no tool can
// be forced: kJsonMode or kPrompt.
std::unique_ptr<Provider> WithOutputMode(OutputMode mode, OutputMode fallback,
                                         std::unique_ptr<Provider> provider);

// As the configuration says it.
std::unique_ptr<Provider> WithSchemaMode(
    llmgateway::config::v1::OpenAiQuirks::SchemaMode mode,
    std::unique_ptr<Provider> provider);

}  // namespace gateway

#endif  // PROVIDERS_STRUCTURED_OUTPUT_H_

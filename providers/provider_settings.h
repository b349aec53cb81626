// Reads what a provider is configured with, whatever its kind: the settings are
// a message of their own for each kind, and some fields stand in several.
//
//   ProviderKindName(config);                           // "openai"
//   TextSetting(*ProviderSettings(config), "base_url");  // "https://..."
//
// Thread contract: plain functions.

#ifndef PROVIDERS_PROVIDER_SETTINGS_H_
#define PROVIDERS_PROVIDER_SETTINGS_H_

#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "llmgateway/config/v1/provider.pb.h"

namespace gateway {

// Returns the kind of provider as the configuration has it: `openai`,
// `anthropic`, `mock`, ...; empty if none is set.
std::string_view ProviderKindName(
    const llmgateway::config::v1::ProviderConfig& config);

// Returns the settings of that kind; null if none is set.
const google::protobuf::Message* ProviderSettings(
    const llmgateway::config::v1::ProviderConfig& config);
google::protobuf::Message* MutableProviderSettings(
    llmgateway::config::v1::ProviderConfig* config);

// Returns whether settings of this kind have the field at all, set or not.
bool HasSetting(const google::protobuf::Message& settings,
                const std::string& field);

// Returns the text of a field; empty if there is no such field.
std::string TextSetting(const google::protobuf::Message& settings,
                        const std::string& field);

// Returns how the provider is reached by HTTP; null if its kind is not.
const llmgateway::config::v1::HttpUpstream* HttpSettings(
    const google::protobuf::Message& settings);
llmgateway::config::v1::HttpUpstream* MutableHttpSettings(
    google::protobuf::Message* settings);

}  // namespace gateway

#endif  // PROVIDERS_PROVIDER_SETTINGS_H_

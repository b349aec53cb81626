// Checks what the configuration says that models cost.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_PRICES_VALIDATOR_H_
#define SERVICE_CONFIG_PRICES_VALIDATOR_H_

#include <string>
#include <string_view>
#include <vector>

#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"

namespace gateway {

// Whether a price may be of this: a model's name, or a beginning followed by
// `*`.
bool NamesPricedModels(std::string_view text);
inline constexpr std::string_view kPricedModelForm =
    "must be a model's name, 1 to 256 printable characters without white "
    "space, with a * at most at its end";

// What the kind of a price may be: a kind of provider, and what the vendor of a
// configured provider is called.
std::vector<std::string> PricedVendors(
    const ProviderKinds& kinds,
    const llmgateway::config::v1::GatewayConfig& config);

// Adds what is wrong with `config.prices()`.
void CheckPrices(const ProviderKinds& kinds,
                 const llmgateway::config::v1::GatewayConfig& config,
                 const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_PRICES_VALIDATOR_H_

// What the environment of a program says of the way to its models: what points
// SDKs at a gateway or at a proxy, and what must not stay of the other.
//
//   for (const auto& [name, value] : GatewayVariables("http://127.0.0.1:8080"))
//     std::cout << "export " << name << "=" << value << "\n";
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_ROUTE_VARIABLES_H_
#define CLIENTS_CLI_ROUTE_VARIABLES_H_

#include <string>
#include <string_view>
#include <vector>

#include "clients/cli/command_line.h"

namespace gateway {

// What points SDKs at the gateway. REQUIRES: no slash at the URL's end.
Variables GatewayVariables(const std::string& url);

// What keeps calls of the host from the proxies that `environment` names:
// NO_PROXY and no_proxy, with the host behind what they say. Empty if it names
// no proxy, or they say so already.
Variables PastProxies(std::string_view host, const Variables& environment);

// What points programs at the proxy. Also in small letters where `environment`
// has them so, which count more to most.
Variables ProxyVariables(const std::string& url, const Variables& environment);

// The names of GatewayVariables that are in `environment` with what those say
// of one of `urls`, or all of them with what they say of one URL, as nothing
// but a gateway's has it.
std::vector<std::string> GatewayNamesIn(const Variables& environment,
                                        const std::vector<std::string>& urls);

}  // namespace gateway

#endif  // CLIENTS_CLI_ROUTE_VARIABLES_H_

// What `gatewayctl status` says of a gateway that was found: where it listens,
// as its PID file says, and whether it is ready.
//
//   std::cout << StatusText(route, &readout, /*as_json=*/false);
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_STATUS_REPORT_H_
#define CLIENTS_CLI_STATUS_REPORT_H_

#include <string>
#include <string_view>

#include "clients/cli/health_probe.h"
#include "clients/cli/route_search.h"

namespace gateway {

// For people, or a JSON object. `readout` is null where nobody was asked.
std::string StatusText(const Route& route, const Readout* readout,
                       bool as_json);

// A line of it for people: the name in a column, and the value.
std::string StatusRow(std::string_view name, std::string_view value);

}  // namespace gateway

#endif  // CLIENTS_CLI_STATUS_REPORT_H_

// AskReady asks a gateway whether it takes calls.
//
//   const Readout readout = AskReady("http://127.0.0.1:9464");
//   std::cout << readout.text;  // "ready"
//
// Thread contract: any thread without an event loop; blocks, for a few seconds
// at most.

#ifndef CLIENTS_CLI_HEALTH_PROBE_H_
#define CLIENTS_CLI_HEALTH_PROBE_H_

#include <string>

namespace gateway {

struct Readout {
  bool ready = false;
  std::string text;  // A line for people.
};

// `operations_url` is that of the gateway's operations listener. One with TLS
// is not asked, since its certificate would have to be known here; it counts as
// ready.
Readout AskReady(const std::string& operations_url);

}  // namespace gateway

#endif  // CLIENTS_CLI_HEALTH_PROBE_H_

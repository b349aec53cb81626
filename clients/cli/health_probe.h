// AskReady asks a gateway whether it takes calls.
//
//   const Readout readout = AskReady({.url = "http://127.0.0.1:9464",
//                                     .path = "/readyz"});
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

struct ReadyQuestion {
  std::string url;   // Of a listener.
  std::string path;  // That answers 200 if the gateway is ready.
  // Certificates in PEM to trust besides the system's bundle; may be empty.
  std::string ca_file;
};

// Ready is only who answers so, over TLS with a certificate that is trusted.
Readout AskReady(const ReadyQuestion& question);

}  // namespace gateway

#endif  // CLIENTS_CLI_HEALTH_PROBE_H_

// App is the whole gateway: it builds the graph of objects that a configuration
// describes, opens the listeners, and takes it all down again in order. With
// the other sources of this folder it is the only code that knows every class.
//
//   absl::StatusOr<std::unique_ptr<App>> app =
//       App::Start({.config = reading, .file = path, .environment = ...});
//   ... await a signal; (*app)->Reload() when one says so ...
//   (*app)->Drain();
//
// Thread contract: one thread, which is none of the loops', unless said
// otherwise.

#ifndef SERVICE_APP_H_
#define SERVICE_APP_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/net/listener.h"
#include "providers/registry/registry.h"
#include "service/api/method_table.h"
#include "service/config/config_reader.h"
#include "service/config/environment.h"
#include "service/config/snapshot.h"
#include "service/loop_runtime.h"

namespace gateway {

class App {
 public:
  // Where the gateway listens, with the ports that were chosen.
  struct Addresses {
    std::string grpc;
    std::string http;
    std::string admin;
    std::string operations;
    std::string admin_http;  // Empty if it is not configured.
  };

  struct Options {
    // Of the configuration file. REQUIRES: it has a snapshot.
    ConfigReading config;
    // The file's path, from which it is loaded again.
    std::string file;
    // What configurations that are read later may refer to.
    Environment environment;
    // Warnings about those count as problems.
    bool strict = false;
    // Opens no port: calls come from the process itself (gateway_methods).
    bool embedded = false;
    // Answer in place of the configured ones of these names.
    RegisteredProviders providers;
  };

  // Starts the gateway. Errors name the listener or provider that does not
  // work.
  static absl::StatusOr<std::unique_ptr<App>> Start(Options options);

  // Returns what Start would say of `config`, as far as that can be known
  // without opening a port.
  static absl::Status Check(std::shared_ptr<const ConfigSnapshot> config);

  // Drains, unless Drain has been called.
  ~App();

  App(const App&) = delete;
  App& operator=(const App&) = delete;

  const Addresses& addresses() const { return addresses_; }

  // The methods of GatewayService, for calls from within the process, each on
  // one of the loops. NextLoop is for any thread. REQUIRES: not drained.
  const MethodTable& gateway_methods() const;
  EventLoop& NextLoop();

  // Loads the configuration again, soon. REQUIRES: not drained.
  void Reload();

  // How long a drain may take, by the configuration in use.
  absl::Duration drain_grace() const;

  // What would be lost if the process ended now; of entries under way nobody
  // knows whether they are.
  struct Unwritten {
    size_t ledger_entries = 0;
    size_t ledger_entries_under_way = 0;
    size_t audit_entries = 0;
  };
  // Any thread, also while Drain waits.
  Unwritten unwritten() const;

  // Stops: reports not ready and accepts nothing new; what is under way has the
  // configured grace to finish. Returns when everything has ended and is
  // written down, but for lines of an access log that takes none.
  absl::Status Drain();

 private:
  struct Graph;  // All objects, in the order in which they are made.

  explicit App(Options options);

  absl::Status Build();
  absl::Status AddAdminMethods();
  // The HTTP listeners of the first loop and of the others.
  absl::Status OpenHttp(std::vector<LoopRuntime::HttpListener>* on_first,
                        std::vector<LoopRuntime::HttpListener>* on_others);
  absl::Status StartLoops();
  absl::Status StartGrpc();
  absl::Status StartAdmin();
  void StartRepeatedWork();
  absl::Status StartReloading();

  std::unique_ptr<Graph> graph_;
  Addresses addresses_;
};

}  // namespace gateway

#endif  // SERVICE_APP_H_

// App is the whole gateway: it builds the graph of objects that a configuration
// describes, opens the listeners, and takes it all down again in order. With
// the other sources of this folder it is the only code that knows every class.
//
//   absl::StatusOr<std::unique_ptr<App>> app =
//       App::Start(config, environment);
//   ... await a signal ...
//   (*app)->Drain();
//
// Thread contract: one thread, which is none of the loops'.

#ifndef SERVICE_APP_H_
#define SERVICE_APP_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/net/listener.h"
#include "service/config/environment.h"
#include "service/config/snapshot.h"

namespace gateway {

class App {
 public:
  // Where the gateway listens, with the ports that were chosen.
  struct Addresses {
    std::string grpc;
    std::string http;
    std::string admin;
    std::string operations;
  };

  // Starts the gateway. Errors name the listener or provider that does not
  // work. `environment` is what configurations to be validated later may refer
  // to.
  static absl::StatusOr<std::unique_ptr<App>> Start(
      std::shared_ptr<const ConfigSnapshot> config, Environment environment);

  // Returns what Start would say of `config`, as far as that can be known
  // without opening a port.
  static absl::Status Check(std::shared_ptr<const ConfigSnapshot> config);

  // Drains, unless Drain has been called.
  ~App();

  App(const App&) = delete;
  App& operator=(const App&) = delete;

  const Addresses& addresses() const { return addresses_; }

  // Stops: reports not ready and accepts nothing new; what is under way has the
  // configured grace to finish. Returns when everything has ended and is
  // written down.
  void Drain();

 private:
  struct Graph;  // All objects, in the order in which they are made.

  App(std::shared_ptr<const ConfigSnapshot> config, Environment environment);

  absl::Status Build();
  absl::Status StartLoops();
  absl::Status StartGrpc();
  absl::Status StartAdmin();
  void StartProbes();

  std::unique_ptr<Graph> graph_;
  Addresses addresses_;
};

}  // namespace gateway

#endif  // SERVICE_APP_H_

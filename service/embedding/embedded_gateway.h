// EmbeddedGateway is the whole gateway within a program: its routes, limits,
// budgets, ledger and metrics, without a port. Providers can be the program's
// own.
//
//   absl::StatusOr<std::unique_ptr<EmbeddedGateway>> gateway =
//       EmbeddedGateway::FromConfigFile("gateway.yaml");
//   (*gateway)->RegisterProvider("house", std::make_unique<HouseProvider>());
//   GATEWAY_RETURN_IF_ERROR((*gateway)->Start());
//   absl::StatusOr<v1::GenerateResponse> response =
//       (*gateway)->Generate(request);
//
// A program has one at a time: where its log goes and how much memory it may
// take is the process's. Its listeners are not opened, whatever the
// configuration says of them.
//
// Thread contract: RegisterProvider, Start, Reload, Stop and the destructor by
// one thread; in between Generate and StreamGenerate by any number, of which
// none is a provider's.

#ifndef SERVICE_EMBEDDING_EMBEDDED_GATEWAY_H_
#define SERVICE_EMBEDDING_EMBEDDED_GATEWAY_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/registry/all_providers.h"
#include "service/app.h"
#include "service/config/config_reader.h"
#include "service/config/environment.h"
#include "service/embedding/embedded_call.h"

namespace gateway {

class EmbeddedGateway {
 public:
  struct CallOptions {
    // Infinite for none; then DEADLINE_EXCEEDED.
    absl::Duration timeout = absl::InfiniteDuration();
    // As a client of gRPC would send it, names in lower case: `x-api-key` where
    // `auth.callers` asks for keys, `x-request-id`, `traceparent`.
    EmbeddedCall::Metadata metadata;
  };

  // Reads a configuration, as the server's flag --config. INVALID_ARGUMENT has
  // a line for each problem. `environment` is what it may refer to.
  static absl::StatusOr<std::unique_ptr<EmbeddedGateway>> FromConfigFile(
      const std::string& path,
      const Environment& environment = ProcessEnvironment(),
      const ProviderKinds& kinds = AllProviderKinds());

  // Stops, unless Stop has been called.
  ~EmbeddedGateway();

  EmbeddedGateway(const EmbeddedGateway&) = delete;
  EmbeddedGateway& operator=(const EmbeddedGateway&) = delete;

  // Has `provider` answer in place of the configured one of this name, whatever
  // its kind: `providers: [{name: house, mock: {}}]`. NOT_FOUND if none is
  // configured, with the names that are. REQUIRES: not started.
  absl::Status RegisterProvider(std::string_view name,
                                std::unique_ptr<const Provider> provider);

  // Fails as the server's start does. REQUIRES: called once.
  absl::Status Start();

  // As the rpcs of GatewayService; a failure is a fault (errors/fault.h), which
  // says its reason and metadata. REQUIRES: started and not stopped.
  absl::StatusOr<v1::GenerateResponse> Generate(
      const v1::GenerateRequest& request) {
    return Generate(request, CallOptions());
  }
  absl::StatusOr<v1::GenerateResponse> Generate(
      const v1::GenerateRequest& request, const CallOptions& options);

  // Hands each event to `on_event`, in this thread, the StreamEnd included; the
  // provider waits for one that is slow. False from it ends the call with
  // CANCELLED.
  using OnEvent = std::function<bool(const v1::GenerateEvent&)>;
  absl::Status StreamGenerate(const v1::GenerateRequest& request,
                              const OnEvent& on_event) {
    return StreamGenerate(request, on_event, CallOptions());
  }
  absl::Status StreamGenerate(const v1::GenerateRequest& request,
                              const OnEvent& on_event,
                              const CallOptions& options);

  // Reads the file again, soon. REQUIRES: started and not stopped.
  void Reload();

  // Writes down what is to be kept; an error says what could not be. REQUIRES:
  // no call is under way.
  absl::Status Stop();

 private:
  EmbeddedGateway(std::string path, Environment environment,
                  ConfigReading reading);

  // A call of the GatewayService method `name` on the next loop.
  EmbeddedCall CallOf(std::string_view name, const CallOptions& options);

  App::Options options_;  // Until it is started.
  std::unique_ptr<App> app_;
};

}  // namespace gateway

#endif  // SERVICE_EMBEDDING_EMBEDDED_GATEWAY_H_

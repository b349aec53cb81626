// A program that has the gateway in it, and answers its calls itself.
//
//   bazel run //service/embedding/example --
//   $PWD/service/embedding/example/gateway.yaml

#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "providers/provider.h"
#include "service/embedding/embedded_gateway.h"

namespace gateway {
namespace {

// Says in capitals what it is told.
class LoudProvider final : public Provider {
 public:
  std::string_view name() const override { return "house"; }
  const Dialect* FindDialect(std::string_view) const override {
    return nullptr;
  }

  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override {
    v1::Choice& choice = *answer->response->add_choices();
    choice.set_finish_reason(v1::FINISH_REASON_STOP);
    const v1::Message& said = call.request->messages().at(0);
    choice.mutable_message()->add_parts()->set_text(
        absl::AsciiStrToUpper(said.parts(0).text()));
    co_return absl::OkStatus();
  }

  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall&) const override {
    co_return absl::UnimplementedError("it does not stream");
  }
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall&) const override {
    co_return absl::UnimplementedError("it does not count");
  }
};

absl::Status Ask(const std::string& config_file) {
  absl::StatusOr<std::unique_ptr<EmbeddedGateway>> gateway =
      EmbeddedGateway::FromConfigFile(config_file);
  if (!gateway.ok()) return gateway.status();
  absl::Status status =
      (*gateway)->RegisterProvider("house", std::make_unique<LoudProvider>());
  if (!status.ok()) return status;
  status = (*gateway)->Start();
  if (!status.ok()) return status;

  v1::GenerateRequest request;
  request.set_model("loud-1");
  v1::Message& message = *request.add_messages();
  message.set_role(v1::ROLE_USER);
  message.add_parts()->set_text("hello");
  const absl::StatusOr<v1::GenerateResponse> response =
      (*gateway)->Generate(request, {.timeout = absl::Seconds(10)});
  if (!response.ok()) return response.status();
  std::cout << response->choices(0).message().parts(0).text() << "\n";
  return (*gateway)->Stop();
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  const absl::Status status =
      argc == 2 ? gateway::Ask(argv[1])
                : absl::InvalidArgumentError("usage: example CONFIG_FILE");
  if (status.ok()) return 0;
  std::cerr << status.message() << "\n";
  return 1;
}

// EchoMethods is a table with EchoService, health and reflection, whose
// handlers a test can replace before it calls, for whichever engine serves it.
//
//   EchoMethods methods;
//   methods.echo = [&](CallContext& call, ...) -> Task<absl::Status> { ... };
//   RpcListener listener(methods.table(), limits, nullptr);
//
// Thread contract: that of the test; handlers run on the loops of the calls.

#ifndef TESTS_TESTING_ECHO_ECHO_METHODS_H_
#define TESTS_TESTING_ECHO_ECHO_METHODS_H_

#include <functional>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/api/call_context.h"
#include "service/api/health.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/api/reflection.h"
#include "tests/testing/echo/echo.pb.h"

namespace gateway {

class EchoMethods {
 public:
  using EchoRequest = ::llmgateway::testing::v1::EchoRequest;
  using EchoResponse = ::llmgateway::testing::v1::EchoResponse;

  // Not serving yet, as far as its health says.
  EchoMethods();

  // What the methods do.
  std::function<Task<absl::Status>(CallContext&, const EchoRequest&,
                                   EchoResponse*)>
      echo;
  std::function<Task<absl::Status>(CallContext&, const EchoRequest&,
                                   MessageWriter&)>
      expand;
  std::function<Task<absl::Status>(CallContext&, MessageReader&,
                                   EchoResponse*)>
      collect;
  std::function<Task<absl::Status>(CallContext&, MessageReader&,
                                   MessageWriter&)>
      chat;
  // Whether a caller is known by the head; null if everybody is.
  std::function<bool(const CallContext&)> admits;

  HealthService& health() { return health_; }
  const MethodTable& table() const { return table_; }

 private:
  void FillTable();

  HealthService health_;
  ReflectionService reflection_;
  MethodTable table_;
};

// Suspends until the call is cancelled.
Task<absl::Status> AwaitCancel(CallContext& call);

}  // namespace gateway

#endif  // TESTS_TESTING_ECHO_ECHO_METHODS_H_

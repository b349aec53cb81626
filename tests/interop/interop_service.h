// InteropService is grpc.testing.TestService, which the interoperability
// clients of all languages call, on a method table of ours.
//
//   MethodTable table;
//   AddInteropService(table);
//
// It follows gRPC's published descriptions of the test cases. Whether messages
// are compressed is the engine's business, so what a request expects or wishes
// of that is not looked at. grpc.testing.UnimplementedService is not served:
// that is its test.
//
// Thread contract: of the thread that fills the table.

#ifndef TESTS_INTEROP_INTEROP_SERVICE_H_
#define TESTS_INTEROP_INTEROP_SERVICE_H_

#include "service/api/method_table.h"

namespace gateway {

void AddInteropService(MethodTable& table);

}  // namespace gateway

#endif  // TESTS_INTEROP_INTEROP_SERVICE_H_

// TestRuntime makes the runtime snapshot of a configuration that a test gives
// as text, by the way of the real loader, defaults and validator.
//
//   const std::shared_ptr<const RuntimeSnapshot> runtime = MakeTestRuntime(
//       "providers: [{name: mock, mock: {}}]\n"
//       "routing: {default_target: mock}\n");
//
// Thread contract: plain function. A configuration that cannot be used fails
// the test and ends its process, with the problems in the message.

#ifndef TESTS_TESTING_TEST_RUNTIME_H_
#define TESTS_TESTING_TEST_RUNTIME_H_

#include <memory>
#include <string_view>

#include "providers/registry/registry.h"
#include "service/config/environment.h"
#include "service/pipeline/ports.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

std::shared_ptr<const RuntimeSnapshot> MakeTestRuntime(
    std::string_view yaml, const Environment& environment = {},
    const Ports& ports = {});

// The same with providers of the test's own, in place of those of `yaml`, and
// with its own time and chance.
std::shared_ptr<const RuntimeSnapshot> MakeTestRuntimeWith(
    std::string_view yaml, std::unique_ptr<const ProviderRegistry> providers,
    const Ports& ports = {}, const Environment& environment = {});

}  // namespace gateway

#endif  // TESTS_TESTING_TEST_RUNTIME_H_

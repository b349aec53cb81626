// Whatever the bytes, a traceparent is read within them, and what is read of it
// is written as the recommendation has it; a tracestate and spans' bytes are
// read to an end.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "service/tracing/call_trace.h"
#include "service/tracing/otlp_export.h"
#include "service/tracing/span_reader.h"
#include "service/tracing/trace_context.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void TryTraceParent(std::string_view text) {
  const std::optional<TraceParent> parent = ParseTraceParent(text);
  if (!parent.has_value()) return;
  Require(parent->trace.is_set() && parent->span != 0);
  std::string written(kTraceParentBytes, '\0');
  WriteTraceParent(*parent, written.data());
  // All of it but the version and the flags that mean nothing here.
  Require(written.substr(2, 51) == text.substr(2, 51));
  const std::optional<TraceParent> again = ParseTraceParent(written);
  Require(again.has_value());
  Require(again->trace == parent->trace && again->span == parent->span &&
          again->flags == parent->flags);
}

void TryTraceState(std::string_view text) {
  if (!IsTraceState(text)) return;
  constexpr std::string_view kParent =
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  Require(CallTrace::PassOn(kParent, text)->state() == text);
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gateway::ExactCopy copy({reinterpret_cast<const char*>(data), size});
  gateway::TryTraceParent(copy.view());
  gateway::TryTraceState(copy.view());
  gateway::ReadSpans(copy.view());
  gateway::OutcomeOfGrpc("14", "", copy.view(), "");
  gateway::OutcomeOfGrpc("0", "", "", copy.view());
  return 0;
}

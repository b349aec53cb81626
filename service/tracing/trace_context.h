// Which trace a call belongs to, as the W3C's Trace Context tells it from one
// service to the next:
//
//   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//   tracestate: vendor=text,tenant@other=text
//
//   const std::optional<TraceParent> parent = ParseTraceParent(value);
//   if (parent.has_value() && parent->sampled()) ...
//
// What is not well formed counts as not there, as the recommendation asks.
//
// Thread-safe: plain functions.

#ifndef SERVICE_TRACING_TRACE_CONTEXT_H_
#define SERVICE_TRACING_TRACE_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/os/random.h"

namespace gateway {

inline constexpr std::string_view kTraceParentHeader = "traceparent";
inline constexpr std::string_view kTraceStateHeader = "tracestate";
// By which answers tell the trace's id.
inline constexpr std::string_view kTraceIdHeader = "x-trace-id";

// Digits of ids, and the bytes of a traceparent of version 00.
inline constexpr size_t kTraceIdDigits = 32;
inline constexpr size_t kSpanIdDigits = 16;
inline constexpr size_t kTraceParentBytes = 55;

// The flags of a traceparent: the caller may have recorded the trace, and the
// last seven bytes of its id are random.
inline constexpr uint8_t kSampledFlag = 0x01;
inline constexpr uint8_t kRandomFlag = 0x02;

struct TraceId {
  friend bool operator==(const TraceId&, const TraceId&) = default;

  bool is_set() const { return (high | low) != 0; }

  uint64_t high = 0;
  uint64_t low = 0;
};

// 0 for none.
using SpanId = uint64_t;

struct TraceParent {
  bool sampled() const { return (flags & kSampledFlag) != 0; }

  TraceId trace;
  SpanId span = 0;
  uint8_t flags = 0;
};

// Returns nothing if it is not well formed. Of a version after 00 what is known
// of it is taken.
std::optional<TraceParent> ParseTraceParent(std::string_view text);

// Writes kTraceParentBytes, and no terminating zero.
void WriteTraceParent(const TraceParent& parent, char* out);

// Whether the text is a tracestate: at most 32 members, of which no two have
// the same key.
bool IsTraceState(std::string_view text);

// Each is set.
TraceId NewTraceId(Random& random);
SpanId NewSpanId(Random& random);

// Write so many digits in lower case, and no terminating zero.
void WriteTraceId(const TraceId& id, char* out);
void WriteSpanId(SpanId id, char* out);
std::string TraceIdText(const TraceId& id);
// Empty for none.
std::string SpanIdText(SpanId id);

// Takes digits in either case; nothing if it is no id.
std::optional<TraceId> ParseTraceId(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_TRACING_TRACE_CONTEXT_H_

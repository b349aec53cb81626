// The numbers of the fields of OTLP's messages, as
// opentelemetry/proto/{collector/trace,trace,resource,common}/v1 give them.

#ifndef SERVICE_TRACING_OTLP_FIELDS_H_
#define SERVICE_TRACING_OTLP_FIELDS_H_

namespace gateway::otlp {

namespace export_request {
inline constexpr int kResourceSpans = 1;
}
namespace export_response {
inline constexpr int kPartialSuccess = 1;
}
namespace partial_success {
inline constexpr int kRejectedSpans = 1;
inline constexpr int kErrorMessage = 2;
}  // namespace partial_success
namespace resource_spans {
inline constexpr int kResource = 1;
inline constexpr int kScopeSpans = 2;
}  // namespace resource_spans
namespace resource {
inline constexpr int kAttributes = 1;
}
namespace scope_spans {
inline constexpr int kScope = 1;
inline constexpr int kSpans = 2;
}  // namespace scope_spans
namespace scope {
inline constexpr int kName = 1;
inline constexpr int kVersion = 2;
}  // namespace scope
namespace span {
inline constexpr int kTraceId = 1;
inline constexpr int kSpanId = 2;
inline constexpr int kTraceState = 3;
inline constexpr int kParentSpanId = 4;
inline constexpr int kName = 5;
inline constexpr int kKind = 6;
inline constexpr int kStartTime = 7;
inline constexpr int kEndTime = 8;
inline constexpr int kAttributes = 9;
inline constexpr int kStatus = 15;
inline constexpr int kFlags = 16;
// Of kFlags: it is known whether the parent is another process's, and it is.
inline constexpr unsigned kHasIsRemote = 0x100;
inline constexpr unsigned kIsRemote = 0x200;
}  // namespace span
namespace status {
inline constexpr int kMessage = 2;
inline constexpr int kCode = 3;
inline constexpr unsigned kError = 2;  // Of kCode.
}  // namespace status
namespace key_value {
inline constexpr int kKey = 1;
inline constexpr int kValue = 2;
}  // namespace key_value
namespace any_value {
inline constexpr int kString = 1;
inline constexpr int kBool = 2;
inline constexpr int kInt = 3;
inline constexpr int kDouble = 4;
inline constexpr int kArray = 5;
}  // namespace any_value
namespace array_value {
inline constexpr int kValues = 1;
}

}  // namespace gateway::otlp

#endif  // SERVICE_TRACING_OTLP_FIELDS_H_

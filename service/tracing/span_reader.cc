#include "service/tracing/span_reader.h"

#include <cstddef>

#include "service/tracing/otlp_fields.h"
#include "service/tracing/wire.h"

namespace gateway {
namespace {

uint64_t BigEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (const char c : bytes.substr(0, 8)) {
    number = number << 8 | static_cast<uint8_t>(c);
  }
  return number;
}

TraceId TraceIdOf(std::string_view bytes) {
  if (bytes.size() != 16) return {};
  return {.high = BigEndian(bytes), .low = BigEndian(bytes.substr(8))};
}

bool ReadValue(std::string_view bytes, AttributeValue* value) {
  WireReader wire(bytes);
  while (wire.Next()) {
    switch (wire.field()) {
      case otlp::any_value::kString:
        *value = std::string(wire.bytes());
        break;
      case otlp::any_value::kBool:
        *value = wire.number() != 0;
        break;
      case otlp::any_value::kInt:
        *value = static_cast<int64_t>(wire.number());
        break;
      case otlp::any_value::kDouble:
        *value = wire.AsDouble();
        break;
      default:
        break;
    }
    if (wire.field() != otlp::any_value::kArray) continue;
    std::string list;
    WireReader values(wire.bytes());
    while (values.Next()) {
      AttributeValue each;
      if (!ReadValue(values.bytes(), &each)) return false;
      if (!list.empty()) list += ',';
      if (const auto* text = std::get_if<std::string>(&each)) list += *text;
    }
    if (!values.ok()) return false;
    *value = std::move(list);
  }
  return wire.ok();
}

bool ReadAttribute(std::string_view bytes, ReadSpan* span) {
  WireReader wire(bytes);
  auto& [key, value] = span->attributes.emplace_back();
  while (wire.Next()) {
    if (wire.field() == otlp::key_value::kKey) key = wire.bytes();
    if (wire.field() == otlp::key_value::kValue &&
        !ReadValue(wire.bytes(), &value)) {
      return false;
    }
  }
  return wire.ok();
}

bool ReadStatus(std::string_view bytes, ReadSpan* span) {
  WireReader wire(bytes);
  while (wire.Next()) {
    if (wire.field() == otlp::status::kMessage) {
      span->failure_message = wire.bytes();
    } else if (wire.field() == otlp::status::kCode) {
      span->failed = wire.number() == otlp::status::kError;
    }
  }
  return wire.ok();
}

absl::Time TimeOf(uint64_t nanoseconds) {
  return absl::FromUnixNanos(static_cast<int64_t>(nanoseconds));
}

bool ReadField(const WireReader& wire, ReadSpan* span) {
  switch (wire.field()) {
    case otlp::span::kTraceId:
      span->trace = TraceIdOf(wire.bytes());
      return true;
    case otlp::span::kSpanId:
      span->span = BigEndian(wire.bytes());
      return true;
    case otlp::span::kTraceState:
      span->state = wire.bytes();
      return true;
    case otlp::span::kParentSpanId:
      span->parent = BigEndian(wire.bytes());
      return true;
    case otlp::span::kName:
      span->name = wire.bytes();
      return true;
    case otlp::span::kKind:
      span->kind = static_cast<SpanKind>(wire.number());
      return true;
    case otlp::span::kStartTime:
      span->start_time = TimeOf(wire.number());
      return true;
    case otlp::span::kEndTime:
      span->end_time = TimeOf(wire.number());
      return true;
    case otlp::span::kFlags:
      span->flags = static_cast<uint32_t>(wire.number());
      return true;
    case otlp::span::kAttributes:
      return ReadAttribute(wire.bytes(), span);
    case otlp::span::kStatus:
      return ReadStatus(wire.bytes(), span);
    default:
      return true;
  }
}

}  // namespace

std::vector<ReadSpan> ReadSpans(std::string_view bytes) {
  std::vector<ReadSpan> spans;
  WireReader all(bytes);
  while (all.Next()) {
    ReadSpan span;
    WireReader wire(all.bytes());
    bool well_formed = true;
    while (well_formed && wire.Next()) well_formed = ReadField(wire, &span);
    if (!well_formed || !wire.ok()) return spans;
    spans.push_back(std::move(span));
  }
  return spans;
}

}  // namespace gateway

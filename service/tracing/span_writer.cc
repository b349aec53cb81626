#include "service/tracing/span_writer.h"

#include <algorithm>
#include <array>

#include "base/text/json.h"
#include "base/text/utf8.h"
#include "service/tracing/wire.h"

namespace gateway {
namespace {

// A text as it may be written; `memory` holds it if it differs.
std::string_view Writable(std::string_view text, std::string* memory) {
  text = CutText(text, AttributeWriter::kTextBytesMax);
  if (IsUtf8(text)) return text;
  *memory = std::string(text);
  std::replace_if(
      memory->begin(), memory->end(),
      [](char c) { return static_cast<unsigned char>(c) > 0x7e; }, '?');
  return *memory;
}

// The bytes of a field of such a number, up to 15, with bytes in it.
size_t FieldBytes(size_t bytes) { return 1 + VarintBytes(bytes) + bytes; }

uint64_t Nanoseconds(absl::Time time) {
  return static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixNanos(time), 0));
}

template <size_t kBytes>
std::string_view BytesOf(uint64_t high, uint64_t low,
                         std::array<char, kBytes>* out) {
  for (size_t i = 0; i < kBytes; ++i) {
    const size_t from_end = kBytes - 1 - i;
    const uint64_t word = from_end < 8 ? low : high;
    (*out)[i] = static_cast<char>(word >> (8 * (from_end % 8)));
  }
  return {out->data(), kBytes};
}

}  // namespace

template <typename Write>
void AttributeWriter::Add(std::string_view key, size_t value_bytes,
                          const Write& write) {
  const size_t bytes = FieldBytes(key.size()) + FieldBytes(value_bytes);
  WireWriter wire(&out_, BytesFieldMax(bytes));
  wire.BytesHead(field_, bytes);
  wire.Bytes(otlp::key_value::kKey, key);
  wire.BytesHead(otlp::key_value::kValue, value_bytes);
  write(wire);
}

void AttributeWriter::Text(std::string_view key, std::string_view text) {
  if (text.empty()) return;
  std::string memory;
  text = Writable(text, &memory);
  Add(key, FieldBytes(text.size()), [text](WireWriter& wire) {
    wire.Bytes(otlp::any_value::kString, text);
  });
}

void AttributeWriter::Number(std::string_view key, int64_t number) {
  const auto bits = static_cast<uint64_t>(number);
  Add(key, 1 + VarintBytes(bits), [bits](WireWriter& wire) {
    wire.Varint(otlp::any_value::kInt, bits);
  });
}

void AttributeWriter::Real(std::string_view key, double number) {
  Add(key, 1 + sizeof(number), [number](WireWriter& wire) {
    wire.Double(otlp::any_value::kDouble, number);
  });
}

void AttributeWriter::Flag(std::string_view key, bool flag) {
  Add(key, 2, [flag](WireWriter& wire) {
    wire.Varint(otlp::any_value::kBool, flag ? 1 : 0);
  });
}

void AttributeWriter::TextList(std::string_view key, std::string_view text) {
  if (text.empty()) return;
  std::string memory;
  text = Writable(text, &memory);
  const size_t value = FieldBytes(text.size());
  const size_t list = FieldBytes(value);
  Add(key, FieldBytes(list), [text, value, list](WireWriter& wire) {
    wire.BytesHead(otlp::any_value::kArray, list);
    wire.BytesHead(otlp::array_value::kValues, value);
    wire.Bytes(otlp::any_value::kString, text);
  });
}

void SpanWriter::Begin(const SpanHead& head) {
  constexpr size_t kFields = 12;
  std::string name_memory;
  std::string message_memory;
  const std::string_view name = Writable(head.name, &name_memory);
  const std::string_view message =
      head.failed ? Writable(head.failure_message, &message_memory)
                  : std::string_view();
  std::array<char, 16> trace;
  std::array<char, 8> id;
  span_.clear();
  WireWriter wire(&span_, kFields * kNumberFieldMax + trace.size() +
                              2 * id.size() + head.state.size() + name.size() +
                              message.size());
  wire.Bytes(otlp::span::kTraceId,
             BytesOf(head.trace.high, head.trace.low, &trace));
  wire.Bytes(otlp::span::kSpanId, BytesOf(0, head.span, &id));
  if (!head.state.empty()) wire.Bytes(otlp::span::kTraceState, head.state);
  if (head.parent != 0) {
    wire.Bytes(otlp::span::kParentSpanId, BytesOf(0, head.parent, &id));
  }
  wire.Bytes(otlp::span::kName, name);
  wire.Varint(otlp::span::kKind, static_cast<uint64_t>(head.kind));
  const absl::Duration took = std::max(head.duration, absl::ZeroDuration());
  wire.Fixed64(otlp::span::kStartTime, Nanoseconds(head.start_time));
  wire.Fixed64(otlp::span::kEndTime, Nanoseconds(head.start_time + took));
  wire.Fixed32(otlp::span::kFlags,
               head.flags | otlp::span::kHasIsRemote |
                   (head.parent_is_remote ? otlp::span::kIsRemote : 0));
  if (!head.failed) return;
  wire.BytesHead(otlp::span::kStatus,
                 (message.empty() ? 0 : FieldBytes(message.size())) + 2);
  if (!message.empty()) wire.Bytes(otlp::status::kMessage, message);
  wire.Varint(otlp::status::kCode, otlp::status::kError);
}

void SpanWriter::End() {
  WireWriter(&out_, BytesFieldMax(span_.size()))
      .Bytes(otlp::scope_spans::kSpans, span_);
  ++count_;
}

}  // namespace gateway

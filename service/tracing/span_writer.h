// SpanWriter writes spans as OTLP has them, one behind the other, in the form
// in which they stand in a ScopeSpans: so they are kept, and so they are sent.
//
//   SpanWriter spans(&bytes);
//   spans.Begin({.trace = trace, .span = id, .name = "chat gpt-x", ...});
//   spans.attributes().Text("gen_ai.operation.name", "chat");
//   spans.attributes().Number("gen_ai.usage.input_tokens", 12);
//   spans.End();
//
// Texts are cut to kTextBytesMax; what of them is not UTF-8 becomes `?`. One
// that is empty is left out.
//
// Also AttributeWriter, for the attributes of what has them.
//
// Thread-compatible.

#ifndef SERVICE_TRACING_SPAN_WRITER_H_
#define SERVICE_TRACING_SPAN_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "service/tracing/otlp_fields.h"
#include "service/tracing/trace_context.h"

namespace gateway {

// What a span stands for; by OTLP's numbers.
enum class SpanKind { kInternal = 1, kServer = 2, kClient = 3 };

// What every span has. Borrows its texts.
struct SpanHead {
  TraceId trace;
  SpanId span = 0;
  SpanId parent = 0;  // 0 for none.
  // The parent is another process's.
  bool parent_is_remote = false;
  uint8_t flags = 0;  // As of TraceParent.
  std::string_view state;
  std::string_view name;
  SpanKind kind = SpanKind::kInternal;
  absl::Time start_time;
  absl::Duration duration;
  bool failed = false;
  std::string_view failure_message;
};

// Writes attributes into the field of that number.
class AttributeWriter {
 public:
  static constexpr size_t kTextBytesMax = 256;

  // Appends to `out`, which is borrowed.
  AttributeWriter(int field, std::string* out) : field_(field), out_(*out) {}

  void Text(std::string_view key, std::string_view text);
  void Number(std::string_view key, int64_t number);
  void Real(std::string_view key, double number);
  void Flag(std::string_view key, bool flag);
  // A list with one text.
  void TextList(std::string_view key, std::string_view text);

 private:
  // Writes an attribute whose value, of so many bytes, `write` writes.
  template <typename Write>
  void Add(std::string_view key, size_t value_bytes, const Write& write);

  const int field_;
  std::string& out_;
};

class SpanWriter {
 public:
  // Appends to `out`, which is borrowed.
  explicit SpanWriter(std::string* out) : out_(*out) {}

  // REQUIRES: the span before was ended.
  void Begin(const SpanHead& head);
  AttributeWriter& attributes() { return attributes_; }
  void End();

  // How many were ended.
  int count() const { return count_; }

 private:
  std::string& out_;
  std::string span_;  // The one that is being written.
  AttributeWriter attributes_{otlp::span::kAttributes, &span_};
  int count_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_TRACING_SPAN_WRITER_H_

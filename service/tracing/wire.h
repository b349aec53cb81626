// Protocol Buffers' wire format, as far as OTLP's spans need it: its fields one
// after another, of messages that are defined elsewhere by their numbers.
//
//   {
//     WireWriter out(&bytes, BytesFieldMax(name.size()) + kNumberFieldMax);
//     out.Bytes(1, name);
//     out.Varint(6, kind);
//   }
//
//   WireReader in(bytes);
//   while (in.Next()) {
//     if (in.field() == 1) name = in.bytes();
//   }
//   if (!in.ok()) ...
//
// Why not generated messages: a span is written once, into the bytes that are
// kept, sent and shown, and nothing is allocated for its parts.
//
// One text, one thread.

#ifndef SERVICE_TRACING_WIRE_H_
#define SERVICE_TRACING_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gateway {

// How a field's value is written.
enum class WireType : uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,  // Texts and messages, too.
  kFixed32 = 5,
};

// The bytes that such a number takes.
size_t VarintBytes(uint64_t number);

// The most that a field takes which is a number, and that one does with so many
// bytes in it: a tag has up to five bytes, a varint up to ten.
inline constexpr size_t kNumberFieldMax = 15;
constexpr size_t BytesFieldMax(size_t bytes) { return kNumberFieldMax + bytes; }

// Appends fields to a string, which is borrowed, and whole once the writer is
// gone: meanwhile it has room for all that is written, so that each field is
// not an append of its own, of which a tag alone took 36 instructions.
class WireWriter {
 public:
  // REQUIRES: what is written takes at most `bytes_max`, all together.
  WireWriter(std::string* out, size_t bytes_max);
  WireWriter(const WireWriter&) = delete;
  WireWriter& operator=(const WireWriter&) = delete;
  ~WireWriter();

  void Varint(int field, uint64_t number);
  void Fixed64(int field, uint64_t number);
  void Fixed32(int field, uint32_t number);
  void Double(int field, double number);
  void Bytes(int field, std::string_view bytes);
  // The beginning of a field whose bytes follow.
  void BytesHead(int field, size_t bytes);

 private:
  void Tag(int field, WireType type);
  void Raw(uint64_t number);
  void Little(uint64_t number, size_t bytes);

  std::string& out_;
  char* at_;  // The end of what is written.
};

// Reads what comes from elsewhere: whatever the bytes are, it stays within
// them.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  // Goes to the next field. False at the end, and when the bytes are none.
  bool Next();
  bool ok() const { return ok_; }

  int field() const { return field_; }
  WireType type() const { return type_; }
  // Of a varint or a fixed number; else 0.
  uint64_t number() const { return number_; }
  double AsDouble() const;
  // Of bytes; else empty.
  std::string_view bytes() const { return bytes_; }

 private:
  bool Fail() {
    ok_ = false;
    return false;
  }
  bool TakeVarint(uint64_t* number);
  bool TakeLittle(size_t bytes);

  std::string_view rest_;
  bool ok_ = true;
  int field_ = 0;
  WireType type_ = WireType::kVarint;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

}  // namespace gateway

#endif  // SERVICE_TRACING_WIRE_H_

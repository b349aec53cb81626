#include "service/tracing/wire.h"

#include <bit>
#include <cassert>
#include <cstring>

namespace gateway {
namespace {

constexpr int kTypeBits = 3;
constexpr uint64_t kTypeMask = 7;
constexpr int kVarintBits = 7;
constexpr uint64_t kVarintMask = 0x7f;
constexpr uint64_t kVarintMore = 0x80;
constexpr size_t kVarintBytesMax = 10;
constexpr uint64_t kFieldMax = 0x1fffffff;

}  // namespace

size_t VarintBytes(uint64_t number) {
  size_t bytes = 1;
  for (; number >= kVarintMore; number >>= kVarintBits) ++bytes;
  return bytes;
}

WireWriter::WireWriter(std::string* out, size_t bytes_max) : out_(*out) {
  const size_t begin = out_.size();
  out_.resize(begin + bytes_max);
  at_ = out_.data() + begin;
}

WireWriter::~WireWriter() {
  const auto size = static_cast<size_t>(at_ - out_.data());
  assert(size <= out_.size());
  out_.resize(size);
}

void WireWriter::Raw(uint64_t number) {
  for (; number >= kVarintMore; number >>= kVarintBits) {
    *at_++ = static_cast<char>((number & kVarintMask) | kVarintMore);
  }
  *at_++ = static_cast<char>(number);
}

void WireWriter::Tag(int field, WireType type) {
  Raw(static_cast<uint64_t>(field) << kTypeBits | static_cast<uint64_t>(type));
}

void WireWriter::Little(uint64_t number, size_t bytes) {
  static_assert(std::endian::native == std::endian::little);
  memcpy(at_, &number, bytes);
  at_ += bytes;
}

void WireWriter::Varint(int field, uint64_t number) {
  Tag(field, WireType::kVarint);
  Raw(number);
}

void WireWriter::Fixed64(int field, uint64_t number) {
  Tag(field, WireType::kFixed64);
  Little(number, 8);
}

void WireWriter::Fixed32(int field, uint32_t number) {
  Tag(field, WireType::kFixed32);
  Little(number, 4);
}

void WireWriter::Double(int field, double number) {
  Fixed64(field, std::bit_cast<uint64_t>(number));
}

void WireWriter::Bytes(int field, std::string_view bytes) {
  BytesHead(field, bytes.size());
  at_ += bytes.copy(at_, bytes.size());
}

void WireWriter::BytesHead(int field, size_t bytes) {
  Tag(field, WireType::kBytes);
  Raw(bytes);
}

bool WireReader::TakeVarint(uint64_t* number) {
  *number = 0;
  for (size_t i = 0; i < kVarintBytesMax && i < rest_.size(); ++i) {
    const auto byte = static_cast<uint8_t>(rest_[i]);
    *number |= (byte & kVarintMask) << (kVarintBits * i);
    if ((byte & kVarintMore) != 0) continue;
    rest_.remove_prefix(i + 1);
    return true;
  }
  return Fail();
}

bool WireReader::TakeLittle(size_t bytes) {
  if (rest_.size() < bytes) return Fail();
  for (size_t i = 0; i < bytes; ++i) {
    number_ |= static_cast<uint64_t>(static_cast<uint8_t>(rest_[i])) << (8 * i);
  }
  rest_.remove_prefix(bytes);
  return true;
}

bool WireReader::Next() {
  if (!ok_ || rest_.empty()) return false;
  uint64_t tag = 0;
  if (!TakeVarint(&tag)) return false;
  const uint64_t field = tag >> kTypeBits;
  if (field == 0 || field > kFieldMax) return Fail();
  field_ = static_cast<int>(field);
  type_ = static_cast<WireType>(tag & kTypeMask);
  number_ = 0;
  bytes_ = {};
  switch (type_) {
    case WireType::kVarint:
      return TakeVarint(&number_);
    case WireType::kFixed64:
      return TakeLittle(8);
    case WireType::kFixed32:
      return TakeLittle(4);
    case WireType::kBytes: {
      uint64_t size = 0;
      if (!TakeVarint(&size)) return false;
      if (size > rest_.size()) return Fail();
      bytes_ = rest_.substr(0, size);
      rest_.remove_prefix(size);
      return true;
    }
  }
  return Fail();  // Groups, which nobody sends any more.
}

double WireReader::AsDouble() const { return std::bit_cast<double>(number_); }

}  // namespace gateway

#include "service/rpc/message_framing.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/http/zlib_codec.h"
#include "gmock/gmock.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message_lite.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "service/rpc/message_encoding.h"

namespace gateway {
namespace {

using ::google::protobuf::BytesValue;
using ::google::protobuf::MessageLite;
using ::testing::HasSubstr;

BytesValue Bytes(std::string_view value) {
  BytesValue message;
  message.set_value(std::string(value));
  return message;
}

// What is sent for a message, which is asked for in one piece.
std::string FramedAs(const MessageLite& message, MessageEncoding encoding) {
  std::string out;
  int asked = 0;
  const absl::Status status =
      FrameMessage(message, message.ByteSizeLong(), encoding, [&](size_t size) {
        ++asked;
        out.resize(size);
        return out.data();
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(asked, 1);
  return out;
}

// A message that says it has so many bytes and writes none of them.
class HugeMessage final : public MessageLite {
 public:
  explicit HugeMessage(size_t bytes) : bytes_(bytes) {}

  std::string GetTypeName() const override { return "Huge"; }
  MessageLite* New(google::protobuf::Arena*) const override { return nullptr; }
  void Clear() override {}
  bool IsInitialized() const override { return true; }
  void CheckTypeAndMergeFrom(const MessageLite&) override {}
  size_t ByteSizeLong() const override { return bytes_; }
  int GetCachedSize() const override { return static_cast<int>(bytes_); }
  uint8_t* _InternalSerialize(
      uint8_t* target,
      google::protobuf::io::EpsCopyOutputStream*) const override {
    return target + bytes_;
  }

 private:
  size_t bytes_;
};

TEST(MessageFramingTest, APrefixOfFlagAndLengthStandsBeforeTheMessage) {
  EXPECT_EQ(FramedAs(Bytes("ab"), MessageEncoding::kIdentity),
            std::string("\0\0\0\0\4\x0a\2ab", 9));
}

TEST(MessageFramingTest, AnEmptyMessageIsItsPrefix) {
  EXPECT_EQ(FramedAs(Bytes(""), MessageEncoding::kIdentity),
            std::string(5, '\0'));
  EXPECT_EQ(FramedAs(Bytes(""), MessageEncoding::kGzip), std::string(5, '\0'));
}

TEST(MessageFramingTest, TheLengthIsBigEndian) {
  std::array<char, kMessagePrefixBytes> prefix;
  WriteMessagePrefix(true, 0x01020384, prefix.data());
  EXPECT_EQ(std::string_view(prefix.data(), prefix.size()),
            "\x01\x01\x02\x03\x84");
}

TEST(MessageFramingTest, ALargeMessageIsSentWhole) {
  const BytesValue message = Bytes(std::string(300000, 'x'));
  const std::string framed = FramedAs(message, MessageEncoding::kIdentity);
  EXPECT_EQ(framed.substr(5), message.SerializeAsString());
  EXPECT_EQ(framed.substr(0, 5), std::string("\0\0\x04\x93\xe4", 5));
}

TEST(MessageFramingTest, GzipIsFlagged) {
  const BytesValue message = Bytes(std::string(10000, 'x'));
  const std::string framed = FramedAs(message, MessageEncoding::kGzip);
  EXPECT_LT(framed.size(), 1000u);
  EXPECT_EQ(framed[0], 1);
  EXPECT_EQ(static_cast<unsigned char>(framed[3]) * 256u +
                static_cast<unsigned char>(framed[4]),
            framed.size() - kMessagePrefixBytes);
  std::string plain;
  ASSERT_TRUE(Inflate(ZlibFormat::kGzip, framed.substr(5), 20000, &plain).ok());
  EXPECT_EQ(plain, message.SerializeAsString());
}

TEST(MessageFramingTest, WhatCompressionDoesNotShrinkGoesAsItIs) {
  EXPECT_EQ(FramedAs(Bytes("ab"), MessageEncoding::kGzip),
            FramedAs(Bytes("ab"), MessageEncoding::kIdentity));
}

TEST(MessageFramingTest, TwoGibibytesAreTooManyAndOneLessIsNot) {
  std::string prefix(kMessagePrefixBytes, '\0');
  size_t asked = 0;
  const auto space = [&](size_t size) {
    asked = size;
    return prefix.data();
  };
  const size_t over = size_t{INT32_MAX} + 1;
  const absl::Status refused = FrameMessage(
      HugeMessage(over), over, MessageEncoding::kIdentity, space);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("2147483648"));
  EXPECT_EQ(asked, 0u);

  ASSERT_TRUE(
      FrameMessage(HugeMessage(INT32_MAX), INT32_MAX,
                   MessageEncoding::kIdentity, space)
          .ok());
  EXPECT_EQ(asked, size_t{INT32_MAX} + 5);
  EXPECT_EQ(prefix, std::string("\0\x7f\xff\xff\xff", 5));
}

}  // namespace
}  // namespace gateway

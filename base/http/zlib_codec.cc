#include "base/http/zlib_codec.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr size_t kFirstOutputBytes = 1024;
// The most input that zlib takes, which counts in 32 bits.
constexpr size_t kInputBytesMax = INT32_MAX;

// What zlib adds to its window's size to mean the gzip format.
constexpr int kGzipWrapper = 16;
constexpr int kMemoryLevel = 8;  // zlib's default.

Bytef* Bytes(const char* bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes));
}

absl::Status OutOfMemory() {
  return absl::ResourceExhaustedError("zlib is out of memory");
}

class Inflater {
 public:
  Inflater(ZlibFormat format, std::string_view in) {
    const int wrapper = format == ZlibFormat::kGzip ? kGzipWrapper : 0;
    begun_ = inflateInit2(&stream_, MAX_WBITS + wrapper) == Z_OK;
    stream_.next_in = Bytes(in.data());
    stream_.avail_in = static_cast<uInt>(in.size());
  }
  ~Inflater() {
    if (begun_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool begun() const { return begun_; }
  bool ended() const { return ended_; }
  bool has_input() const { return stream_.avail_in > 0; }

  // Fills `out`, if there is as much, and sets `filled` to how far it came.
  absl::Status Fill(char* out, size_t size, size_t* filled) {
    // In steps that zlib's counters can hold.
    const size_t step = std::min(size, kInputBytesMax);
    stream_.next_out = Bytes(out);
    stream_.avail_out = static_cast<uInt>(step);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    *filled = step - stream_.avail_out;
    if (result == Z_MEM_ERROR) return OutOfMemory();
    if (result == Z_STREAM_END) {
      ended_ = true;
    } else if (result == Z_BUF_ERROR || (result == Z_OK && *filled < step)) {
      return absl::InvalidArgumentError("compressed data ends too early");
    } else if (result != Z_OK) {
      return absl::InvalidArgumentError(absl::StrCat(
          "corrupt compressed data", stream_.msg != nullptr ? ": " : "",
          stream_.msg != nullptr ? stream_.msg : ""));
    }
    return absl::OkStatus();
  }

 private:
  z_stream stream_{};
  bool begun_ = false;
  bool ended_ = false;
};

// Fills `*out` up to the end of the input, but not beyond its limit.
absl::Status InflateUpTo(size_t bytes_limit, Inflater& inflater,
                         std::string* out) {
  size_t size = 0;
  while (!inflater.ended() && size < bytes_limit) {
    if (size == out->size()) {
      const size_t grown =
          std::min(bytes_limit, std::max(kFirstOutputBytes, 2 * size));
      // Grown here, since a string that grows doubles past the limit.
      std::string larger;
      larger.reserve(grown);
      larger.append(*out);
      larger.resize(grown);
      out->swap(larger);
    }
    size_t filled = 0;
    const absl::Status status =
        inflater.Fill(out->data() + size, out->size() - size, &filled);
    size += filled;
    if (!status.ok()) {
      out->resize(size);
      return status;
    }
  }
  out->resize(size);
  return absl::OkStatus();
}

absl::Status InflateAll(size_t bytes_limit, Inflater& inflater,
                        std::string* out) {
  if (absl::Status status = InflateUpTo(bytes_limit, inflater, out);
      !status.ok()) {
    return status;
  }
  if (!inflater.ended()) {
    // The limit is reached. One byte more is too many, the end is not.
    char beyond;
    size_t filled = 0;
    const absl::Status status = inflater.Fill(&beyond, 1, &filled);
    if (filled > 0) {
      return absl::ResourceExhaustedError(
          absl::StrCat("inflates to more than ", bytes_limit, " bytes"));
    }
    if (!status.ok()) return status;
  }
  if (inflater.has_input()) {
    return absl::InvalidArgumentError("bytes behind the compressed data");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Inflate(ZlibFormat format, std::string_view in, size_t bytes_limit,
                     std::string* out) {
  std::string().swap(*out);
  if (in.size() > kInputBytesMax) {
    return absl::InvalidArgumentError("too long to be inflated");
  }
  Inflater inflater(format, in);
  if (!inflater.begun()) return OutOfMemory();
  return InflateAll(bytes_limit, inflater, out);
}

absl::Status CompressGzip(std::string_view in, std::string* out) {
  out->clear();
  if (in.size() > kInputBytesMax) {
    return absl::InvalidArgumentError("too long to be compressed");
  }
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + kGzipWrapper,
                   kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    return OutOfMemory();
  }
  out->resize(deflateBound(&stream, static_cast<uLong>(in.size())));
  stream.next_in = Bytes(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = Bytes(out->data());
  stream.avail_out = static_cast<uInt>(out->size());
  const int result = deflate(&stream, Z_FINISH);
  out->resize(out->size() - stream.avail_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return absl::InternalError("zlib did not end");
  return absl::OkStatus();
}

}  // namespace gateway

// HpackReader reads the header blocks of one connection, in their order, and
// tells how each field was written.
//
//   HpackReader reader;
//   const std::vector<HpackField> fields =
//       reader.Read(ReceiveFrameOf(client, RawFrameType::kHeaders).payload);
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_HPACK_READER_H_
#define TESTS_TESTING_HPACK_READER_H_

#include <nghttp2/nghttp2.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {

struct HpackField {
  std::string name;
  std::string value;
  // Written so that nobody on its way may remember it (RFC 7541 §6.2.3).
  bool never_indexed;
};

class HpackReader {
 public:
  HpackReader() { nghttp2_hd_inflate_new(&inflater_); }
  ~HpackReader() { nghttp2_hd_inflate_del(inflater_); }

  HpackReader(const HpackReader&) = delete;
  HpackReader& operator=(const HpackReader&) = delete;

  // The fields of a whole block; a broken one fails the test.
  std::vector<HpackField> Read(std::string_view block) {
    std::vector<HpackField> fields;
    for (;;) {
      nghttp2_nv field{};
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(
          inflater_, &field, &flags,
          reinterpret_cast<const uint8_t*>(block.data()), block.size(),
          /*in_final=*/1);
      if (used < 0) {
        ADD_FAILURE() << nghttp2_strerror(static_cast<int>(used));
        return fields;
      }
      block.remove_prefix(static_cast<size_t>(used));
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields.push_back(
            {std::string(field.name, field.name + field.namelen),
             std::string(field.value, field.value + field.valuelen),
             (field.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0});
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return fields;
  }

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

// "authorization, x-api-key": those that were never to be indexed.
inline std::string NeverIndexed(const std::vector<HpackField>& fields) {
  std::string names;
  for (const HpackField& field : fields) {
    if (!field.never_indexed) continue;
    if (!names.empty()) names += ", ";
    names += field.name;
  }
  return names;
}

}  // namespace gateway

#endif  // TESTS_TESTING_HPACK_READER_H_

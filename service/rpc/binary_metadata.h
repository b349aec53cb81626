// Base64 as gRPC uses it for the values of names that end in `-bin`: the
// standard alphabet, taken with and without padding, sent without.
//
// Thread-safe: plain functions.

#ifndef SERVICE_RPC_BINARY_METADATA_H_
#define SERVICE_RPC_BINARY_METADATA_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

// Appends `bytes`, encoded.
void AppendBase64(std::string_view bytes, std::string* out);

// Decodes to `out`, which must have room for as many bytes as the text has, and
// returns how many there are. Nothing if the text is not base64: wrong
// characters or length, wrong padding, or bits behind the last byte, which no
// encoder sets.
std::optional<size_t> DecodeBase64(std::string_view text, char* out);

}  // namespace gateway

#endif  // SERVICE_RPC_BINARY_METADATA_H_

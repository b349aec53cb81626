// Bytes as the text that JSON formats carry them in: base64, bare or in a data
// URL.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_DATA_URL_H_
#define PROVIDERS_DIALECTS_DATA_URL_H_

#include <string>
#include <string_view>

namespace gateway {

// Takes `data:image/png;base64,...` apart. Returns false if it is anything
// else, such as an address, which the provider checks.
bool ReadDataUrl(std::string_view url, std::string* media_type,
                 std::string* bytes);

std::string WriteDataUrl(std::string_view media_type, std::string_view bytes);

std::string Base64(std::string_view bytes);
bool ReadBase64(std::string_view text, std::string* bytes);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_DATA_URL_H_

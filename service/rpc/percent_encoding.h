// Writes `grpc-message`: UTF-8 whose bytes outside of printable ASCII, and the
// percent sign, stand as %XX. So does a space at either end, because no value
// of a field may begin or end with one (RFC 9113 §8.2.1).
//
//   std::string value;
//   AppendPercentEncoded("50% off\n", &value);  // `50%25 off%0A`
//
// Thread-compatible: plain function.

#ifndef SERVICE_RPC_PERCENT_ENCODING_H_
#define SERVICE_RPC_PERCENT_ENCODING_H_

#include <string>
#include <string_view>

namespace gateway {

void AppendPercentEncoded(std::string_view text, std::string* out);

}  // namespace gateway

#endif  // SERVICE_RPC_PERCENT_ENCODING_H_

// Writes `grpc-message`: UTF-8 whose bytes outside of printable ASCII, and the
// percent sign, stand as %XX.
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

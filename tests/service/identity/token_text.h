// Tokens of tests, as text: signed or not, right or wrong.
//
//   const std::string token =
//       signer.Sign(R"({"alg":"ES256"})", R"({"sub":"alice"})");
//
// Thread-safe: plain functions.

#ifndef TESTS_SERVICE_IDENTITY_TOKEN_TEXT_H_
#define TESTS_SERVICE_IDENTITY_TOKEN_TEXT_H_

#include <string>
#include <string_view>

namespace gateway {

// The bytes in base64url without padding.
inline std::string Base64UrlOf(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  unsigned bits = 0;
  int count = 0;
  for (const unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) {
      text.push_back(kAlphabet[bits >> (count - 6) & 63]);
    }
  }
  if (count > 0) text.push_back(kAlphabet[bits << (6 - count) & 63]);
  return text;
}

// Three parts with dots between them, each encoded.
inline std::string TokenOf(std::string_view header, std::string_view payload,
                           std::string_view signature) {
  return Base64UrlOf(header) + "." + Base64UrlOf(payload) + "." +
         Base64UrlOf(signature);
}

}  // namespace gateway

#endif  // TESTS_SERVICE_IDENTITY_TOKEN_TEXT_H_

// A certificate made on the spot, which vouches for itself: for tests of TLS.
//
//   const SelfSigned localhost = SelfSigned::For("localhost");
//
// Thread contract: plain functions.

#ifndef TESTS_TESTING_SELF_SIGNED_H_
#define TESTS_TESTING_SELF_SIGNED_H_

#include <string>

namespace gateway {

// PEM texts.
struct SelfSigned {
  // For one DNS name, valid for an hour from now.
  static SelfSigned For(const std::string& name);

  std::string certificate;
  std::string private_key;
};

}  // namespace gateway

#endif  // TESTS_TESTING_SELF_SIGNED_H_

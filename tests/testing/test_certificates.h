// TestCertificates makes a certificate authority on the spot, and servers'
// certificates of every kind that a client must take or refuse, as PEM files
// in a directory that goes with it.
//
//   const TestCertificates certificates;
//   MockUpstreamProcess::Options options;
//   options.tls_cert_path = certificates.good().chain_file;
//   options.tls_key_path = certificates.good().key_file;
//   TlsContext::ForClient({.extra_ca_file = certificates.ca_file()});
//
// The good one is for `localhost`, 127.0.0.1 and ::1.
//
// Thread contract: immutable after construction, which ends the test process
// if OpenSSL does not play along.

#ifndef TESTS_TESTING_TEST_CERTIFICATES_H_
#define TESTS_TESTING_TEST_CERTIFICATES_H_

#include <string>

namespace gateway {

class TestCertificates {
 public:
  struct Pair {
    std::string chain_file;
    std::string key_file;
  };

  TestCertificates();
  ~TestCertificates();

  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  const std::string& ca_file() const { return ca_file_; }
  const Pair& good() const { return good_; }
  const Pair& expired() const { return expired_; }
  const Pair& not_yet_valid() const { return not_yet_valid_; }
  // For `elsewhere.test`, and for nothing else.
  const Pair& wrong_name() const { return wrong_name_; }
  // Right in every way, but issued by itself.
  const Pair& self_signed() const { return self_signed_; }
  // For clients: issued by the same authority.
  const Pair& client() const { return client_; }
  // Where they lie; tests may put more files there.
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  std::string ca_file_;
  Pair good_;
  Pair expired_;
  Pair not_yet_valid_;
  Pair wrong_name_;
  Pair self_signed_;
  Pair client_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_TEST_CERTIFICATES_H_

// TLS contexts of the house's own kind out of TestCertificates.
//
//   const TestCertificates certificates;
//   TestHttpServer server(handler, {}, ServerTls(certificates.good()));
//   destination->tls = ClientTls(certificates);
//
// Thread contract: plain functions, which end the test process on failure.

#ifndef TESTS_TESTING_TEST_TLS_H_
#define TESTS_TESTING_TEST_TLS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/net/tls_context.h"
#include "base/os/file.h"
#include "base/secret.h"
#include "tests/testing/test_certificates.h"

namespace gateway {

inline std::string ReadPem(const std::string& file) {
  constexpr size_t kBytesMax = 64 * 1024;
  return *ReadFile(file, kBytesMax);
}

inline TlsContext::ServerOptions ServerTlsOptions(
    const TestCertificates::Pair& pair) {
  TlsContext::ServerOptions options;
  options.certificate_chain_pem = ReadPem(pair.chain_file);
  options.private_key_pem = Secret(ReadPem(pair.key_file));
  return options;
}

inline std::shared_ptr<TlsContext> ServerTls(
    const TestCertificates::Pair& pair, std::vector<std::string> alpn = {}) {
  TlsContext::ServerOptions options = ServerTlsOptions(pair);
  options.alpn = std::move(alpn);
  return *TlsContext::ForServer(options);
}

// Trusts the authority of the certificates.
inline std::shared_ptr<TlsContext> ClientTls(
    const TestCertificates& certificates, std::vector<std::string> alpn = {}) {
  TlsContext::ClientOptions options;
  options.extra_ca_file = certificates.ca_file();
  options.alpn = std::move(alpn);
  return *TlsContext::ForClient(options);
}

}  // namespace gateway

#endif  // TESTS_TESTING_TEST_TLS_H_

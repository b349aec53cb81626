#include "tests/testing/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>

namespace gateway {
namespace {

constexpr long kDaySeconds = 24 * 60 * 60;
constexpr char kHere[] = "DNS:localhost,IP:127.0.0.1,IP:::1";

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

void Require(bool fine, const char* what) {
  if (fine) return;
  std::fprintf(stderr, "cannot make test certificates: %s\n", what);
  std::abort();
}

struct Wish {
  const char* name;
  const char* alternative_names = nullptr;
  long begins_seconds = -kDaySeconds;
  long ends_seconds = kDaySeconds;
  bool is_ca = false;
};

void AddIssuedExtension(X509* certificate, X509* issuer, int id,
                        const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, &context, id, value);
  Require(extension != nullptr, "X509V3_EXT_conf_nid");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Issued by itself if `issuer` is null.
Certificate Issue(const Wish& wish, EVP_PKEY* key, X509* issuer,
                  EVP_PKEY* issuer_key) {
  static long serial = 1000;
  Certificate certificate(X509_new());
  Require(certificate != nullptr, "X509_new");
  X509* const x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), wish.begins_seconds);
  X509_gmtime_adj(X509_getm_notAfter(x509), wish.ends_seconds);
  X509_set_pubkey(x509, key);
  X509_NAME* const name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(wish.name), -1, -1, 0);
  X509* const signer = issuer != nullptr ? issuer : x509;
  X509_set_issuer_name(x509, X509_get_subject_name(signer));
  AddIssuedExtension(x509, signer, NID_basic_constraints,
                     wish.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  AddIssuedExtension(x509, signer, NID_subject_key_identifier, "hash");
  if (wish.alternative_names != nullptr) {
    AddIssuedExtension(x509, signer, NID_subject_alt_name,
                       wish.alternative_names);
  }
  Require(X509_sign(x509, issuer_key, EVP_sha256()) > 0, "X509_sign");
  return certificate;
}

template <typename Write>
void WriteFile(const std::string& path, const Write& write) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  Require(file != nullptr, path.c_str());
  Require(write(file) == 1, path.c_str());
  Require(std::fclose(file) == 0, path.c_str());
}

Key NewKey() {
  Key key(EVP_EC_gen("P-256"));
  Require(key != nullptr, "EVP_EC_gen");
  return key;
}

std::string NewDirectory() {
  const std::filesystem::path parent = std::filesystem::temp_directory_path();
  std::string path = (parent / "test_certificates_XXXXXX").string();
  Require(mkdtemp(path.data()) != nullptr, path.c_str());
  return path;
}

}  // namespace

TestCertificates::TestCertificates() : directory_(NewDirectory()) {
  const Key ca_key = NewKey();
  const Certificate ca =
      Issue({.name = "test authority", .is_ca = true}, ca_key.get(), nullptr,
            ca_key.get());
  ca_file_ = directory_ + "/ca.pem";
  WriteFile(ca_file_, [&](std::FILE* file) {
    return PEM_write_X509(file, ca.get());
  });

  const auto make = [&](const std::string& file, const Wish& wish,
                        bool self_signed = false) {
    const Key key = NewKey();
    const Certificate certificate =
        self_signed ? Issue(wish, key.get(), nullptr, key.get())
                    : Issue(wish, key.get(), ca.get(), ca_key.get());
    Pair pair{directory_ + "/" + file + ".pem",
              directory_ + "/" + file + ".key"};
    WriteFile(pair.chain_file, [&](std::FILE* out) {
      return PEM_write_X509(out, certificate.get());
    });
    WriteFile(pair.key_file, [&](std::FILE* out) {
      return PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr,
                                  nullptr);
    });
    return pair;
  };
  good_ = make("good", {.name = "good", .alternative_names = kHere});
  expired_ = make("expired", {.name = "expired",
                              .alternative_names = kHere,
                              .begins_seconds = -2 * kDaySeconds,
                              .ends_seconds = -kDaySeconds});
  not_yet_valid_ = make("not_yet_valid", {.name = "not yet valid",
                                          .alternative_names = kHere,
                                          .begins_seconds = kDaySeconds,
                                          .ends_seconds = 2 * kDaySeconds});
  wrong_name_ = make("wrong_name", {.name = "localhost",
                                    .alternative_names = "DNS:elsewhere.test"});
  self_signed_ = make("self_signed",
                      {.name = "self-signed", .alternative_names = kHere},
                      /*self_signed=*/true);
  client_ = make("client", {.name = "client"});
}

TestCertificates::~TestCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace gateway

#include "base/net/tls_material.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/file.h"
#include "base/secret.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// The largest CA file that is read. All issuers that a system trusts take a
// quarter of a MiB.
constexpr size_t kCaFileBytesLimit = 16 << 20;

using BioPointer = std::unique_ptr<BIO, decltype(&BIO_free)>;
using ContextPointer = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using KeyPointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using X509Pointer = std::unique_ptr<X509, decltype(&X509_free)>;

BioPointer OverText(std::string_view text) {
  return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
                    &BIO_free);
}

X509Pointer NextCertificate(BIO* pem) {
  return X509Pointer(PEM_read_bio_X509_AUX(pem, nullptr, nullptr, nullptr),
                     &X509_free);
}

// Whether reading stopped where the text has no more PEM, which is an error to
// OpenSSL.
bool IsAtEndOfPem() {
  const unsigned long code = ERR_peek_last_error();
  return ERR_GET_LIB(code) == ERR_LIB_PEM &&
         ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

absl::Status Unusable(std::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(ToAbsl(what));
}

// The error for a text that holds no usable certificate; `before` counts those
// that were read before it.
absl::Status BrokenCertificate(size_t before) {
  return Unusable(absl::StrCat("holds a certificate that cannot be read, as "
                               "number ",
                               before + 1, " (", TakeTlsError("bad encoding"),
                               ")"));
}

absl::Status NoCertificate(std::string_view text) {
  if (!IsAtEndOfPem()) return BrokenCertificate(0);
  if (absl::StrContains(ToAbsl(text), "PRIVATE KEY-----")) {
    return Unusable("holds a private key and no certificate");
  }
  return Unusable(
      "holds no certificate in PEM, which begins with "
      "'-----BEGIN CERTIFICATE-----'");
}

// Returns the name that people know a certificate by.
std::string SubjectOf(const X509* certificate) {
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                            name, sizeof(name));
  return name;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

absl::Status CheckValidity(const X509* certificate, absl::Time now) {
  const absl::Time begin = TimeOf(X509_get0_notBefore(certificate));
  const absl::Time end = TimeOf(X509_get0_notAfter(certificate));
  if (begin <= now && now <= end) return absl::OkStatus();
  const bool is_over = end < now;
  return absl::InvalidArgumentError(absl::StrCat(
      "holds a certificate, for '", SubjectOf(certificate), "', that ",
      is_over ? "is valid no longer, since " : "is not valid before ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", is_over ? end : begin,
                       absl::UTCTimeZone()),
      "; clients that verify it refuse to connect"));
}

// Called where a key is encrypted: nobody can be asked for a passphrase, so it
// records that one was wanted.
int RefusePassphrase(char*, int, int, void* wanted) {
  *static_cast<bool*>(wanted) = true;
  return -1;
}

}  // namespace

absl::Status UseCertificateChain(SSL_CTX* context, std::string_view pem) {
  const BioPointer text = OverText(pem);
  const X509Pointer own = NextCertificate(text.get());
  if (own == nullptr) return NoCertificate(pem);
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Unusable(absl::StrCat("holds a certificate that cannot be used: ",
                                 TakeTlsError("it is refused")));
  }
  size_t count = 1;
  while (const X509Pointer issuer = NextCertificate(text.get())) {
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) {
      return BrokenCertificate(count);
    }
    ++count;
  }
  if (!IsAtEndOfPem()) return BrokenCertificate(count);
  ERR_clear_error();
  return absl::OkStatus();
}

absl::Status UsePrivateKey(SSL_CTX* context, const Secret& pem) {
  const BioPointer text = OverText(pem.Reveal());
  bool encrypted = false;
  const KeyPointer key(PEM_read_bio_PrivateKey(text.get(), nullptr,
                                               &RefusePassphrase, &encrypted),
                       &EVP_PKEY_free);
  if (encrypted) {
    return Unusable(
        "holds an encrypted key, and nobody can be asked for its passphrase; "
        "store it decrypted");
  }
  if (key == nullptr) {
    const absl::string_view shown = ToAbsl(pem.Reveal());
    if (absl::StrContains(shown, "PRIVATE KEY-----")) {
      return Unusable("holds a key that cannot be read; it may be cut off");
    }
    if (absl::StrContains(shown, "CERTIFICATE-----")) {
      return Unusable("holds a certificate and no private key");
    }
    return Unusable(
        "holds no private key in PEM, which begins with "
        "'-----BEGIN PRIVATE KEY-----'");
  }
  const X509* const own = SSL_CTX_get0_certificate(context);
  if (own != nullptr && X509_check_private_key(own, key.get()) != 1) {
    return Unusable(absl::StrCat(
        "is not the key of the certificate, which is for '", SubjectOf(own),
        "'"));
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return Unusable(absl::StrCat("holds a key that cannot be used: ",
                                 TakeTlsError("it is refused")));
  }
  return absl::OkStatus();
}

absl::Status TrustClientIssuers(SSL_CTX* context, std::string_view pem) {
  const BioPointer text = OverText(pem);
  size_t count = 0;
  while (const X509Pointer issuer = NextCertificate(text.get())) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), issuer.get());
    SSL_CTX_add_client_CA(context, issuer.get());
    ++count;
  }
  if (count == 0) return NoCertificate(pem);
  if (!IsAtEndOfPem()) return BrokenCertificate(count);
  ERR_clear_error();
  return absl::OkStatus();
}

absl::Status TrustServerIssuers(SSL_CTX* context, std::string_view pem) {
  const BioPointer text = OverText(pem);
  size_t count = 0;
  while (const X509Pointer issuer = NextCertificate(text.get())) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), issuer.get());
    ++count;
  }
  if (!IsAtEndOfPem()) return BrokenCertificate(count);
  if (count == 0) return NoCertificate(pem);
  ERR_clear_error();
  return absl::OkStatus();
}

absl::Status TrustCaFile(SSL_CTX* context, const std::string& path) {
  struct stat found;
  if (stat(path.c_str(), &found) != 0) {
    return Unusable(absl::StrCat("cannot be opened: ", strerror(errno)));
  }
  // Only regular files: a check and the start both read it, which a pipe would
  // not survive.
  if (!S_ISREG(found.st_mode)) return Unusable("is not a regular file");
  const absl::StatusOr<std::string> pem = ReadFile(path, kCaFileBytesLimit);
  if (!pem.ok()) {
    return Unusable(absl::StrCat("cannot be used: ", pem.status().message()));
  }
  return TrustServerIssuers(context, *pem);
}

ServerTlsCheck CheckServerTls(std::string_view cert_chain_pem,
                              const Secret& private_key_pem,
                              std::string_view client_ca_pem, absl::Time now) {
  const ContextPointer context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  ServerTlsCheck check;
  check.cert_chain = UseCertificateChain(context.get(), cert_chain_pem);
  check.private_key = UsePrivateKey(context.get(), private_key_pem);
  if (!client_ca_pem.empty()) {
    check.client_ca = TrustClientIssuers(context.get(), client_ca_pem);
  }
  const X509* const own = SSL_CTX_get0_certificate(context.get());
  if (own != nullptr) check.validity = CheckValidity(own, now);
  return check;
}

absl::Status CheckCaFile(const std::string& path) {
  const ContextPointer context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  return TrustCaFile(context.get(), path);
}

std::string TakeTlsError(std::string_view fallback) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return std::string(fallback);
  if (ERR_SYSTEM_ERROR(code)) return strerror(ERR_GET_REASON(code));
  if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
      ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) {
    // OpenSSL says so of a peer that answers in plain text.
    return "the peer does not speak TLS (wrong version number)";
  }
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? std::string(reason) : std::string(fallback);
}

}  // namespace gateway

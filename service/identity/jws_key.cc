#include "service/identity/jws_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

constexpr size_t kCoordinateBytes = 32;  // Of P-256 and Ed25519.
// Some issuers have larger exponents than 65537; the time for a verification
// grows with it.
constexpr int kExponentBitsMax = 64;

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
  void operator()(OSSL_PARAM_BLD* builder) const {
    OSSL_PARAM_BLD_free(builder);
  }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

// OpenSSL keeps errors per thread, where the next TLS connection would take
// them for its own.
class NoErrorsLeft {
 public:
  ~NoErrorsLeft() { ERR_clear_error(); }
};

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Owned<BIGNUM> Number(std::string_view big_endian) {
  return Owned<BIGNUM>(BN_bin2bn(Bytes(big_endian),
                                 static_cast<int>(big_endian.size()), nullptr));
}

absl::Status Wrong(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

// Null if OpenSSL refuses it.
std::shared_ptr<EVP_PKEY> FromParameters(const char* type,
                                         OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder));
  const Owned<EVP_PKEY_CTX> context(
      EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr ||
      EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        parameters.get()) != 1) {
    return nullptr;
  }
  return std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free);
}

// The two numbers that a JWS writes behind each other as the structure that
// OpenSSL wants; empty if they are none.
std::string DerOfEcdsa(std::string_view raw) {
  if (raw.size() != 2 * kCoordinateBytes) return "";
  Owned<BIGNUM> r = Number(raw.substr(0, kCoordinateBytes));
  Owned<BIGNUM> s = Number(raw.substr(kCoordinateBytes));
  const Owned<ECDSA_SIG> signature(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || signature == nullptr) return "";
  ECDSA_SIG_set0(signature.get(), r.release(), s.release());
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &out);
  if (size <= 0) return "";
  std::string der(reinterpret_cast<const char*>(out),
                  static_cast<size_t>(size));
  OPENSSL_free(out);
  return der;
}

}  // namespace

std::string_view JwsAlgorithmName(JwsAlgorithm algorithm) {
  switch (algorithm) {
    case JwsAlgorithm::kRs256:
      return "RS256";
    case JwsAlgorithm::kEs256:
      return "ES256";
    case JwsAlgorithm::kEdDsa:
      return "EdDSA";
  }
  return "";
}

std::optional<JwsAlgorithm> JwsAlgorithmOf(std::string_view name) {
  for (const JwsAlgorithm algorithm :
       {JwsAlgorithm::kRs256, JwsAlgorithm::kEs256, JwsAlgorithm::kEdDsa}) {
    if (name == JwsAlgorithmName(algorithm)) return algorithm;
  }
  return std::nullopt;
}

absl::StatusOr<JwsKey> JwsKey::Rsa(std::string_view modulus,
                                   std::string_view exponent) {
  const NoErrorsLeft no_errors_left;
  if (modulus.size() > kRsaBitsMax / 8 + 1 ||
      exponent.size() > kExponentBitsMax / 8 + 1) {
    return Wrong(
        absl::StrCat("has numbers that are too large; of an RSA key `n`"
                     " has at most ",
                     kRsaBitsMax, " bits and `e` ", kExponentBitsMax));
  }
  const Owned<BIGNUM> n = Number(modulus);
  const Owned<BIGNUM> e = Number(exponent);
  if (n == nullptr || e == nullptr) return Wrong("cannot be read");
  const int bits = BN_num_bits(n.get());
  if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
    return Wrong(absl::StrCat("is an RSA key of ", bits, " bits; from ",
                              kRsaBitsMin, " to ", kRsaBitsMax,
                              " are accepted"));
  }
  if (BN_is_odd(n.get()) == 0 || BN_is_odd(e.get()) == 0 ||
      BN_is_one(e.get()) == 1 || BN_num_bits(e.get()) > kExponentBitsMax) {
    return Wrong("is no RSA key: `n` and `e` must be odd, and `e` at least 3");
  }
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) !=
          1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) !=
          1) {
    return Wrong("cannot be read");
  }
  std::shared_ptr<EVP_PKEY> key = FromParameters("RSA", builder.get());
  if (key == nullptr) return Wrong("is no RSA key");
  return JwsKey(JwsAlgorithm::kRs256, std::move(key));
}

absl::StatusOr<JwsKey> JwsKey::P256(std::string_view x, std::string_view y) {
  const NoErrorsLeft no_errors_left;
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes) {
    return Wrong("has coordinates that are not of 32 bytes");
  }
  // An uncompressed point (SEC 1, 2.3.3).
  const std::string point =
      absl::StrCat("\x04", absl::string_view(x.data(), x.size()),
                   absl::string_view(y.data(), y.size()));
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                      "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                       point.data(), point.size()) != 1) {
    return Wrong("cannot be read");
  }
  std::shared_ptr<EVP_PKEY> key = FromParameters("EC", builder.get());
  if (key == nullptr) return Wrong("is no point of P-256");
  const Owned<EVP_PKEY_CTX> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1) {
    return Wrong("is no point of P-256");
  }
  return JwsKey(JwsAlgorithm::kEs256, std::move(key));
}

absl::StatusOr<JwsKey> JwsKey::Ed25519(std::string_view x) {
  const NoErrorsLeft no_errors_left;
  if (x.size() != kCoordinateBytes) return Wrong("is not of 32 bytes");
  std::shared_ptr<EVP_PKEY> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(x),
                                  x.size()),
      EVP_PKEY_free);
  if (key == nullptr) return Wrong("is no key of Ed25519");
  return JwsKey(JwsAlgorithm::kEdDsa, std::move(key));
}

bool JwsKey::Verifies(std::string_view text, std::string_view signature) const {
  const NoErrorsLeft no_errors_left;
  std::string der;
  if (algorithm_ == JwsAlgorithm::kEs256) {
    der = DerOfEcdsa(signature);
    if (der.empty()) return false;
    signature = der;
  }
  // Ed25519 hashes by itself.
  const EVP_MD* const hash =
      algorithm_ == JwsAlgorithm::kEdDsa ? nullptr : EVP_sha256();
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  // Nothing but 1 means that it is right: errors are negative.
  return context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr,
                              key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                          Bytes(text), text.size()) == 1;
}

}  // namespace gateway

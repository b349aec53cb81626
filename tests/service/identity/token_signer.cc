#include "tests/service/identity/token_signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "tests/service/identity/token_text.h"

namespace gateway {
namespace {

void Require(bool fine, const char* what) {
  if (fine) return;
  std::fprintf(stderr, "cannot sign a test's token: %s\n", what);
  std::abort();
}

std::string BytesOf(const BIGNUM* number, size_t size) {
  std::string bytes(size, '\0');
  Require(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
                       static_cast<int>(size)) >= 0,
          "BN_bn2binpad");
  return bytes;
}

// A number of the key, in base64url.
std::string NumberOf(EVP_PKEY* key, const char* name, size_t size = 0) {
  BIGNUM* number = nullptr;
  Require(EVP_PKEY_get_bn_param(key, name, &number) == 1, name);
  if (size == 0) size = static_cast<size_t>(BN_num_bytes(number));
  std::string text = Base64UrlOf(BytesOf(number, size));
  BN_free(number);
  return text;
}

std::string Member(std::string_view name, std::string_view value) {
  return "\"" + std::string(name) + "\":\"" + std::string(value) + "\"";
}

// The numbers of ECDSA behind each other, from the structure around them.
std::string RawOfEcdsa(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* const signature =
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  Require(signature != nullptr, "d2i_ECDSA_SIG");
  std::string raw = BytesOf(ECDSA_SIG_get0_r(signature), 32) +
                    BytesOf(ECDSA_SIG_get0_s(signature), 32);
  ECDSA_SIG_free(signature);
  return raw;
}

}  // namespace

TokenSigner::TokenSigner(std::string algorithm, EVP_PKEY* key)
    : algorithm_(std::move(algorithm)), key_(key, EVP_PKEY_free) {
  Require(key != nullptr, "no key");
}

TokenSigner TokenSigner::Rs256(int bits) {
  return TokenSigner("RS256", EVP_RSA_gen(static_cast<unsigned>(bits)));
}

TokenSigner TokenSigner::Es256() {
  return TokenSigner("ES256", EVP_EC_gen("P-256"));
}

TokenSigner TokenSigner::EdDsa() {
  return TokenSigner("EdDSA", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

std::string TokenSigner::PublicJwk(std::string_view members) const {
  std::string json = "{";
  if (algorithm_ == "RS256") {
    json += Member("kty", "RSA") + "," +
            Member("n", NumberOf(key_.get(), OSSL_PKEY_PARAM_RSA_N)) + "," +
            Member("e", NumberOf(key_.get(), OSSL_PKEY_PARAM_RSA_E));
  } else if (algorithm_ == "ES256") {
    json += Member("kty", "EC") + "," + Member("crv", "P-256") + "," +
            Member("x", NumberOf(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32)) +
            "," +
            Member("y", NumberOf(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32));
  } else {
    std::string raw(32, '\0');
    size_t size = raw.size();
    Require(EVP_PKEY_get_raw_public_key(
                key_.get(), reinterpret_cast<unsigned char*>(raw.data()),
                &size) == 1,
            "EVP_PKEY_get_raw_public_key");
    json += Member("kty", "OKP") + "," + Member("crv", "Ed25519") + "," +
            Member("x", Base64UrlOf(raw));
  }
  if (!members.empty()) json += "," + std::string(members);
  return json + "}";
}

std::string TokenSigner::Signature(std::string_view text) const {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  Require(EVP_DigestSignInit(context, nullptr,
                             algorithm_ == "EdDSA" ? nullptr : EVP_sha256(),
                             nullptr, key_.get()) == 1,
          "EVP_DigestSignInit");
  size_t size = 0;
  Require(EVP_DigestSign(context, nullptr, &size, bytes, text.size()) == 1,
          "EVP_DigestSign");
  std::string signature(size, '\0');
  Require(EVP_DigestSign(context,
                         reinterpret_cast<unsigned char*>(signature.data()),
                         &size, bytes, text.size()) == 1,
          "EVP_DigestSign");
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return algorithm_ == "ES256" ? RawOfEcdsa(signature) : signature;
}

std::string TokenSigner::Sign(std::string_view header,
                              std::string_view claims) const {
  const std::string text = Base64UrlOf(header) + "." + Base64UrlOf(claims);
  return text + "." + Base64UrlOf(Signature(text));
}

}  // namespace gateway

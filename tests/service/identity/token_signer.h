// TokenSigner signs tokens as an issuer does, with a key that it makes itself.
//
//   const TokenSigner signer = TokenSigner::Es256();
//   keys = "{\"keys\":[" + signer.PublicJwk(R"("kid":"a")") + "]}";
//   token = signer.Sign(R"({"alg":"ES256","kid":"a"})", claims);
//
// Thread-compatible.

#ifndef TESTS_SERVICE_IDENTITY_TOKEN_SIGNER_H_
#define TESTS_SERVICE_IDENTITY_TOKEN_SIGNER_H_

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace gateway {

class TokenSigner {
 public:
  static TokenSigner Rs256(int bits = 2048);
  static TokenSigner Es256();
  static TokenSigner EdDsa();

  // The public key as a JSON Web Key, with these members besides; empty, or as
  // in `"kid":"a","use":"sig"`.
  std::string PublicJwk(std::string_view members = "") const;

  // `alg` of what it signs.
  const std::string& algorithm() const { return algorithm_; }

  // A token of this header, whatever it says.
  std::string Sign(std::string_view header, std::string_view claims) const;

  // The signature of a text, in the form of a JWS.
  std::string Signature(std::string_view text) const;

 private:
  TokenSigner(std::string algorithm, EVP_PKEY* key);

  std::string algorithm_;
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_IDENTITY_TOKEN_SIGNER_H_

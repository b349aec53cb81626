#include "base/sha256.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace gateway {
namespace {

// The algorithm, and what a thread computes with: SHA256() looks for both each
// time, which takes longer than a short text.
struct Context {
  Context() : digest(EVP_MD_CTX_new()) {
    static const EVP_MD* const algorithm =
        EVP_MD_fetch(nullptr, "SHA256", nullptr);
    if (digest == nullptr || algorithm == nullptr) std::abort();
    if (EVP_DigestInit_ex2(digest, algorithm, nullptr) != 1) std::abort();
  }
  ~Context() { EVP_MD_CTX_free(digest); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* const digest;
};

}  // namespace

Sha256Digest Sha256(std::string_view text) {
  thread_local const Context context;
  Sha256Digest digest;
  // None fails: there is nothing to be allocated.
  EVP_DigestInit_ex2(context.digest, nullptr, nullptr);
  EVP_DigestUpdate(context.digest, text.data(), text.size());
  EVP_DigestFinal_ex(context.digest, digest.data(), nullptr);
  return digest;
}

}  // namespace gateway

#include "service/audit/body_cipher.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/os/random.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

struct FreeCipherContext {
  void operator()(EVP_CIPHER_CTX* context) const {
    EVP_CIPHER_CTX_free(context);
  }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipherContext>;

unsigned char* Bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* ConstBytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Returns the key's bytes; empty if they are not 32.
std::string DecodeKey(std::string_view text) {
  const absl::string_view stripped = absl::StripAsciiWhitespace(ToAbsl(text));
  std::string bytes;
  const bool is_hex =
      stripped.size() == 2 * kKeyBytes &&
      std::all_of(stripped.begin(), stripped.end(), [](char c) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
      });
  if (is_hex) {
    bytes = absl::HexStringToBytes(stripped);
  } else if (!absl::Base64Unescape(stripped, &bytes) &&
             !absl::WebSafeBase64Unescape(stripped, &bytes)) {
    return {};
  }
  return bytes.size() == kKeyBytes ? bytes : std::string();
}

std::string NewNonce() {
  std::string nonce(kNonceBytes, '\0');
  for (size_t at = 0; at < kNonceBytes;) {
    const uint64_t bits = SecureRandom().Bits();
    const size_t bytes = std::min(sizeof(bits), kNonceBytes - at);
    memcpy(nonce.data() + at, &bits, bytes);
    at += bytes;
  }
  return nonce;
}

absl::Status Failed(std::string_view what) {
  ERR_clear_error();
  return absl::InternalError(
      absl::StrCat("OpenSSL cannot ", ToAbsl(what), " with AES-256-GCM"));
}

}  // namespace

absl::StatusOr<BodyCipher> BodyCipher::Make(std::vector<Key> keys) {
  for (Key& key : keys) {
    std::string bytes = DecodeKey(key.key.Reveal());
    if (bytes.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "key ", key.id,
          " is not 32 bytes, as 64 hexadecimal digits or as base64; make one "
          "by `openssl rand -base64 32`"));
    }
    key.key = Secret(bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
  }
  return BodyCipher(std::move(keys));
}

absl::StatusOr<BodyCipher::Encrypted> BodyCipher::Encrypt(
    std::string_view text, std::string_view context) const {
  if (text.size() > std::numeric_limits<int>::max()) return Failed("encrypt");
  const Key& key = keys_.front();
  Encrypted encrypted{.key_id = key.id, .bytes = NewNonce()};
  encrypted.bytes.resize(kNonceBytes + text.size() + kTagBytes);
  unsigned char* const out = Bytes(encrypted.bytes);
  const CipherContext cipher(EVP_CIPHER_CTX_new());
  int bytes = 0;
  if (cipher == nullptr ||
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                         ConstBytes(key.key.Reveal()), out) != 1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &bytes, ConstBytes(context),
                        static_cast<int>(context.size())) != 1 ||
      EVP_EncryptUpdate(cipher.get(), out + kNonceBytes, &bytes,
                        ConstBytes(text), static_cast<int>(text.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), out + kNonceBytes + bytes, &bytes) !=
          1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                          out + kNonceBytes + text.size()) != 1) {
    return Failed("encrypt");
  }
  return encrypted;
}

absl::StatusOr<std::string> BodyCipher::Decrypt(
    std::string_view key_id, std::string_view encrypted,
    std::string_view context) const {
  const auto key =
      std::find_if(keys_.begin(), keys_.end(),
                   [&](const Key& one) { return one.id == key_id; });
  if (key == keys_.end()) {
    return absl::NotFoundError(
        absl::StrCat("no key of audit.encryption has the id ", ToAbsl(key_id)));
  }
  const absl::Status altered = absl::DataLossError(
      absl::StrCat("it was not encrypted with the key ", ToAbsl(key_id),
                   " for this entry, or was altered since"));
  if (encrypted.size() < kNonceBytes + kTagBytes ||
      encrypted.size() > std::numeric_limits<int>::max()) {
    return altered;
  }
  const size_t text_bytes = encrypted.size() - kNonceBytes - kTagBytes;
  std::string text(text_bytes, '\0');
  std::string tag(encrypted.substr(encrypted.size() - kTagBytes));
  const CipherContext cipher(EVP_CIPHER_CTX_new());
  int bytes = 0;
  const bool opened =
      cipher != nullptr &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                         ConstBytes(key->key.Reveal()),
                         ConstBytes(encrypted)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &bytes, ConstBytes(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Bytes(text), &bytes,
                        ConstBytes(encrypted) + kNonceBytes,
                        static_cast<int>(text_bytes)) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes,
                          tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Bytes(text) + bytes, &bytes) == 1;
  ERR_clear_error();
  if (!opened) return altered;
  return text;
}

}  // namespace gateway

#include "base/net/tls_material.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <fstream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TlsMaterialTest : public testing::Test {
 protected:
  static std::string Chain() {
    return ReadPem(certificates_.good().chain_file);
  }
  static std::string Key() { return ReadPem(certificates_.good().key_file); }

  static ServerTlsCheck Check(const std::string& chain, const std::string& key,
                              const std::string& client_ca) {
    return CheckServerTls(chain, Secret(key), client_ca,
                          SystemClock().WallTime());
  }
  static std::string ChainSays(const std::string& pem) {
    return Said(Check(pem, Key(), "").cert_chain);
  }
  static std::string KeySays(const std::string& pem) {
    return Said(Check(Chain(), pem, "").private_key);
  }
  static std::string ClientCaSays(const std::string& pem) {
    return Said(Check(Chain(), Key(), pem).client_ca);
  }
  static std::string CaFileSays(const std::string& pem) {
    const std::string path = certificates_.directory() + "/tried.pem";
    std::ofstream(path) << pem;
    return Said(CheckCaFile(path));
  }

  // The key, but with a passphrase on it.
  static std::string EncryptedKey() {
    const std::string plain = Key();
    BIO* const in = BIO_new_mem_buf(plain.data(), -1);
    EVP_PKEY* const key =
        PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    BIO* const out = BIO_new(BIO_s_mem());
    char passphrase[] = "secret";
    PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), passphrase,
                                  sizeof(passphrase) - 1, nullptr, nullptr);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out, &bytes);
    std::string encrypted(bytes, static_cast<size_t>(size));
    BIO_free(out);
    EVP_PKEY_free(key);
    BIO_free(in);
    return encrypted;
  }

  // PEM with a piece of its middle taken out.
  static std::string Broken(const std::string& pem) {
    return pem.substr(0, 100) + pem.substr(150);
  }

  static inline const TestCertificates certificates_;

 private:
  static std::string Said(const absl::Status& status) {
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  }
};

TEST_F(TlsMaterialTest, WhatFitsIsTaken) {
  const ServerTlsCheck check =
      Check(Chain(), Key(), ReadPem(certificates_.ca_file()));
  EXPECT_TRUE(check.cert_chain.ok()) << check.cert_chain;
  EXPECT_TRUE(check.private_key.ok()) << check.private_key;
  EXPECT_TRUE(check.client_ca.ok()) << check.client_ca;
  EXPECT_TRUE(check.validity.ok()) << check.validity;
  EXPECT_TRUE(CheckCaFile(certificates_.ca_file()).ok());
}

TEST_F(TlsMaterialTest, ACertificateWhoseTimeIsNotNowIsTold) {
  const auto said = [](absl::Time now) {
    return std::string(
        CheckServerTls(Chain(), Secret(Key()), "", now).validity.message());
  };
  EXPECT_THAT(said(absl::FromUnixSeconds(7)),
              HasSubstr("is not valid before "));
  EXPECT_THAT(said(SystemClock().WallTime() + absl::Hours(24 * 365 * 100)),
              HasSubstr("is valid no longer, since "));
  const ServerTlsCheck past =
      Check(ReadPem(certificates_.expired().chain_file),
            ReadPem(certificates_.expired().key_file), "");
  EXPECT_TRUE(past.cert_chain.ok()) << past.cert_chain;
  EXPECT_FALSE(past.validity.ok());
}

TEST_F(TlsMaterialTest, OneFileMayHoldChainAndKey) {
  const std::string both = Key() + Chain();
  EXPECT_EQ(ChainSays(both), "");
  EXPECT_EQ(KeySays(both), "");
}

TEST_F(TlsMaterialTest, TheKeyOfAnotherCertificateIsTold) {
  EXPECT_THAT(KeySays(ReadPem(certificates_.expired().key_file)),
              HasSubstr("is not the key of the certificate, which is for '"));
}

TEST_F(TlsMaterialTest, FilesThatWereExchangedAreTold) {
  EXPECT_EQ(ChainSays(Key()), "holds a private key and no certificate");
  EXPECT_EQ(KeySays(Chain()), "holds a certificate and no private key");
}

TEST_F(TlsMaterialTest, WhatIsNoPemIsTold) {
  EXPECT_THAT(ChainSays("hello"), HasSubstr("holds no certificate in PEM"));
  EXPECT_THAT(KeySays("hello"), HasSubstr("holds no private key in PEM"));
  EXPECT_THAT(ClientCaSays("hello"), HasSubstr("holds no certificate in PEM"));
  EXPECT_THAT(CaFileSays("hello"), HasSubstr("holds no certificate in PEM"));
  EXPECT_THAT(CaFileSays(""), HasSubstr("holds no certificate in PEM"));
}

// Without this OpenSSL asks the terminal, and a start waits for ever.
TEST_F(TlsMaterialTest, AnEncryptedKeyIsRefusedAndNobodyIsAsked) {
  EXPECT_THAT(KeySays(EncryptedKey()), HasSubstr("store it decrypted"));
}

TEST_F(TlsMaterialTest, ABrokenCertificateIsToldWithItsNumber) {
  EXPECT_THAT(ChainSays(Broken(Chain())), HasSubstr("number 1 ("));
  EXPECT_THAT(ChainSays(Chain() + Broken(Chain())), HasSubstr("number 2 ("));
  const std::string ca = ReadPem(certificates_.ca_file());
  EXPECT_THAT(ClientCaSays(ca + Broken(ca)), HasSubstr("number 2 ("));
  EXPECT_THAT(CaFileSays(Broken(ca)), HasSubstr("number 1 ("));
}

TEST_F(TlsMaterialTest, AKeyThatIsCutOffIsToldAndNotRepeated) {
  const std::string cut = Broken(Key());
  EXPECT_THAT(KeySays(cut), HasSubstr("cannot be read"));
  EXPECT_THAT(KeySays(cut), Not(HasSubstr(cut.substr(30, 20))));
}

TEST_F(TlsMaterialTest, TheSystemsErrorsAreWordsAndNoCodes) {
  EXPECT_EQ(CheckCaFile("/nowhere/ca.pem").message(),
            "cannot be opened: No such file or directory");
  EXPECT_EQ(CheckCaFile("/dev/null").message(), "is not a regular file");
}

}  // namespace
}  // namespace gateway

#include "base/postgres/system_roots.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/base/postgres/postgres_variable.h"

namespace gateway {
namespace {

TEST(SystemRootsTest, TheMachineHasAuthorities) {
  EXPECT_TRUE(std::filesystem::exists(SystemRootsFile())) << SystemRootsFile();
  const PostgresVariable named("SSL_CERT_FILE", "/roots.pem");
  EXPECT_EQ(SystemRootsFile(), "/roots.pem");
}

TEST(SystemRootsTest, StandInWhereCertificatesAreCheckedAndNoneAreNamed) {
  const PostgresVariable named("SSL_CERT_FILE", "/roots.pem");
  const PostgresVariable home("HOME", "/nonexistent");
  EXPECT_EQ(RootsFor({{"sslmode", "verify-full"}}), "/roots.pem");
  EXPECT_EQ(RootsFor({{"sslmode", "verify-ca"}}), "/roots.pem");
  EXPECT_EQ(RootsFor({{"sslrootcert", "system"}}), "/roots.pem");
  EXPECT_EQ(RootsFor({{"sslmode", "require"}}), "");
  EXPECT_EQ(RootsFor({}), "");
  const PostgresVariable mode("PGSSLMODE", "verify-full");
  EXPECT_EQ(RootsFor({}), "/roots.pem");
}

TEST(SystemRootsTest, LeaveWhatIsNamed) {
  const PostgresVariable named("SSL_CERT_FILE", "/roots.pem");
  const std::string user = testing::TempDir() + "/home";
  const PostgresVariable home("HOME", user);
  EXPECT_EQ(
      RootsFor({{"sslmode", "verify-full"}, {"sslrootcert", "/own.pem"}}), "");
  EXPECT_EQ(RootsFor({{"sslrootcert", "system"}, {"sslrootcert", "/own.pem"}}),
            "");
  EXPECT_EQ(RootsFor({{"sslmode", "verify-full"}, {"service", "ledger"}}), "");
  std::filesystem::create_directories(user + "/.postgresql");
  std::ofstream(user + "/.postgresql/root.crt") << "one";
  EXPECT_EQ(RootsFor({{"sslmode", "verify-full"}}), "");
  std::filesystem::remove(user + "/.postgresql/root.crt");
  EXPECT_EQ(RootsFor({{"sslmode", "verify-full"}}), "/roots.pem");
  const PostgresVariable roots("PGSSLROOTCERT", "/theirs.pem");
  EXPECT_EQ(RootsFor({{"sslmode", "verify-full"}}), "");
}

}  // namespace
}  // namespace gateway

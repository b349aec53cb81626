#include "service/ledger/hash_text.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(HashTextTest, IsSha256InLowerCase) {
  EXPECT_EQ(HashText("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HashText("").size(), kHashTextBytes);
}

}  // namespace
}  // namespace gateway

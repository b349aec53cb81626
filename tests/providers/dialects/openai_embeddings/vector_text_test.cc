#include "providers/dialects/openai_embeddings/vector_text.h"

#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

FloatList Floats(std::initializer_list<float> values) {
  FloatList list;
  for (const float value : values) list.Add(value);
  return list;
}

TEST(VectorTextTest, Base64IsOfLittleEndianFloats) {
  // 1.0f is 00 00 80 3f in memory.
  EXPECT_EQ(WriteBase64Floats(Floats({1.0F})), "AACAPw==");
  FloatList read;
  ASSERT_TRUE(ReadBase64Floats("AACAPw==", &read));
  ASSERT_EQ(read.size(), 1);
  EXPECT_EQ(read[0], 1.0F);
  ASSERT_TRUE(ReadBase64Floats("", &read));
  EXPECT_EQ(read.size(), 0);
}

TEST(VectorTextTest, WhatIsNotWholeFloatsIsRefused) {
  FloatList read;
  EXPECT_FALSE(ReadBase64Floats("AACA", &read));
  EXPECT_FALSE(ReadBase64Floats("!!!!", &read));
}

TEST(VectorTextTest, NumbersReadBackAsTheSameFloats) {
  const float values[] = {0.1F, -2.5e-05F, 1e30F, 0.0023064255F,
                          std::numeric_limits<float>::denorm_min()};
  for (const float value : values) {
    std::string text;
    AppendJsonFloats(Floats({value}), &text);
    EXPECT_EQ(std::strtof(text.c_str() + 1, nullptr), value) << text;
  }
  std::string text;
  AppendJsonFloats(Floats({0.5F, -1.0F}), &text);
  EXPECT_EQ(text, "[0.5,-1]");
}

TEST(VectorTextTest, WhatJsonCannotSayIsZero) {
  std::string text;
  AppendJsonFloats(Floats({std::nanf(""), INFINITY}), &text);
  EXPECT_EQ(text, "[0,0]");
}

}  // namespace
}  // namespace gateway

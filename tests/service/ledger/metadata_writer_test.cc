#include "service/ledger/metadata_writer.h"

#include <cstdint>
#include <limits>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/ledger/python_json.h"

namespace gateway {
namespace {

TEST(MetadataWriterTest, WritesEveryKind) {
  std::string out;
  {
    MetadataWriter metadata(&out);
    metadata.AddForm("a", R"({"b": [1, 2]})");
    metadata.AddInt("c", -5);
    metadata.AddFloat("d", 1);
    metadata.AddBool("e", true);
    metadata.AddNull("f");
    metadata.AddText("g", "l\n\x7f");
  }
  EXPECT_EQ(out,
            "{\"a\": {\"b\": [1, 2]}, \"c\": -5, \"d\": 1.0, \"e\": true, "
            "\"f\": null, \"g\": \"l\\n\x7f\"}");
}

TEST(MetadataWriterTest, TimesAreOfUtcWithAFractionIfThereIsOne) {
  EXPECT_EQ(LedgerTimeText(absl::FromUnixSeconds(1767225600)),
            "2026-01-01T00:00:00+00:00");
  EXPECT_EQ(LedgerTimeText(absl::FromUnixMicros(1767225600'000120)),
            "2026-01-01T00:00:00.000120+00:00");
}

TEST(MetadataWriterTest, TimesHaveAsManyDigitsAsTheyNeed) {
  const absl::Time whole = absl::FromUnixSeconds(1767225600);
  EXPECT_EQ(LedgerTimeText(whole), "2026-01-01T00:00:00+00:00");
  EXPECT_EQ(LedgerTimeText(whole + absl::Microseconds(70)),
            "2026-01-01T00:00:00.000070+00:00");
  EXPECT_EQ(LedgerTimeText(whole + absl::Nanoseconds(999)),
            "2026-01-01T00:00:00+00:00");
  EXPECT_EQ(LedgerTimeText(whole - absl::Microseconds(1)),
            "2025-12-31T23:59:59.999999+00:00");
}

TEST(MetadataWriterTest, ObjectsStandWithinOthers) {
  std::string out;
  {
    MetadataWriter metadata(&out);
    {
      MetadataWriter first = metadata.Object("a");
      first.AddInt("b", 0);
      {
        const MetadataWriter empty = first.Object("c");
      }
    }
    metadata.AddTime("d", absl::FromUnixSeconds(1767225600));
  }
  EXPECT_EQ(out,
            "{\"a\": {\"b\": 0, \"c\": {}}, "
            "\"d\": \"2026-01-01T00:00:00+00:00\"}");
  EXPECT_EQ(PythonJsonOf(out).value_or(""), out);
}

TEST(MetadataWriterTest, ListsHaveTextsObjectsAndLists) {
  std::string out;
  {
    MetadataWriter metadata(&out);
    {
      ListWriter list = metadata.List("a");
      list.AddText("b[");
      list.AddText("\n");
      list.Object().AddInt("c", 1);
      list.Object();
      list.List().AddText("d");
      ListWriter nested = list.List();
      nested.AddText("e");
      nested.AddText("f");
    }
    metadata.List("g");
    metadata.AddNull("h");
  }
  EXPECT_EQ(out, R"({"a": ["b[", "\n", {"c": 1}, {}, ["d"], ["e", "f"]], )"
                 R"("g": [], "h": null})");
  EXPECT_EQ(PythonJsonOf(out).value_or(""), out);
}

TEST(MetadataWriterTest, NamesOfEveryLengthAreWhole) {
  std::string out;
  {
    MetadataWriter metadata(&out);
    metadata.AddInt("a", 1);
    metadata.AddInt("abcdefghijklmnopqrstuvwxyz012345", 2);
    metadata.AddText("b", "3");
    metadata.AddText("bbcdefghijklmnopqrstuvwxyz012345", "4");
    metadata.AddBool("cbcdefghijklmnopqrstuvwxyz012345", false);
  }
  EXPECT_EQ(out, R"({"a": 1, "abcdefghijklmnopqrstuvwxyz012345": 2, "b": "3", )"
                 R"("bbcdefghijklmnopqrstuvwxyz012345": "4", )"
                 R"("cbcdefghijklmnopqrstuvwxyz012345": false})");
  {
    MetadataWriter(&out).AddBool("abcdefghijklmnopqrstuvwxyz012345", true);
  }
  EXPECT_EQ(out, R"({"abcdefghijklmnopqrstuvwxyz012345": true})");
}

TEST(MetadataWriterTest, NumbersOfEverySize) {
  std::string out;
  {
    MetadataWriter metadata(&out);
    metadata.AddInt("a", std::numeric_limits<int64_t>::min());
    metadata.AddInt("b", std::numeric_limits<int64_t>::max());
  }
  EXPECT_EQ(out, "{\"a\": -9223372036854775808, \"b\": 9223372036854775807}");
}

TEST(MetadataWriterTest, TextsOfEveryLengthAreWhole) {
  for (size_t size = 0; size < 200; ++size) {
    const std::string text(size, 'x');
    std::string out;
    {
      MetadataWriter(&out).AddText("a", text);
    }
    EXPECT_EQ(out, "{\"a\": \"" + text + "\"}");
    {
      MetadataWriter(&out).AddText("a", text + "\n");
    }
    EXPECT_EQ(out, "{\"a\": \"" + text + "\\n\"}");
  }
}

}  // namespace
}  // namespace gateway

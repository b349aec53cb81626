#include "service/ledger/note_check.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/metadata_writer.h"

namespace gateway {
namespace {

// A commit as LedgerLog makes one, entry by entry.
class Commit {
 public:
  // Names its note unless that is empty, or it is of a gateway of before.
  Commit& Dispatch(const std::string& id, const std::string& note,
                   bool is_named = true) {
    return Add("DISPATCH", id, "", note, is_named);
  }
  Commit& Exchange(const std::string& dispatch_id,
                   const std::string& withdrawals = "", bool is_named = true) {
    return Add("EXCHANGE", absl::StrCat("X-", dispatch_id), dispatch_id,
               ClosingNote(dispatch_id) + withdrawals,
               is_named && !withdrawals.empty());
  }
  Commit& Rejection(const std::string& note, bool is_named = true) {
    return Add("PROMPT_REJECTED", "P", "", note, is_named && !note.empty());
  }
  Commit& Debit() { return Add("BUDGET_DEBIT", "B", "", "", false); }

  std::string texts;
  std::string notes;

 private:
  Commit& Add(std::string_view type, const std::string& id,
              const std::string& dispatch_id, const std::string& note,
              bool is_named) {
    LedgerEntry entry;
    entry.event_type = type;
    entry.id = id;
    {
      MetadataWriter metadata(&entry.metadata);
      metadata.AddText("agent_id", "with \"quotes\"");
      if (!dispatch_id.empty()) {
        metadata.AddText("dispatch_entry_id", dispatch_id);
      }
      MetadataWriter own = metadata.Object("gateway");
      own.AddText("caller", "c");
      if (is_named) own.AddText("note_hash", HashText(note));
      own.AddText("request_id", "r");
    }
    UnchainedEntry(entry).AppendChained(&hash_, &texts);
    texts.push_back('\n');
    notes.append(note);
    return *this;
  }

  std::string hash_;
};

std::string Opening(const std::string& id) {
  return OpeningNote(id, absl::StrCat("X-", id), "S", "{\"cost\": 100}");
}

std::optional<DispatchNoteCheck::Fault> Check(DispatchNoteCheck& check,
                                              const Commit& commit) {
  ForEachEntry(commit.texts, [&](std::string_view entry) { check.Add(entry); });
  return check.EndCommit(commit.notes);
}

// What is wrong with the last of these; the others are well.
std::string FaultOf(const std::vector<Commit>& commits) {
  DispatchNoteCheck check;
  for (const Commit& commit : commits) {
    const std::optional<DispatchNoteCheck::Fault> fault = Check(check, commit);
    const bool is_last = &commit == &commits.back();
    if (is_last && fault.has_value()) {
      return absl::StrCat(fault->place, " ", fault->id, " ", fault->what);
    }
    EXPECT_FALSE(fault.has_value()) << fault->what;
  }
  return "";
}

Commit Altered(Commit commit, std::string_view from, std::string_view to) {
  const std::string notes = commit.notes;
  commit.notes = absl::StrReplaceAll(
      notes, {{absl::string_view(from.data(), from.size()),
               absl::string_view(to.data(), to.size())}});
  EXPECT_NE(commit.notes, notes);
  return commit;
}

TEST(NoteCheckTest, WhatGatewaysWriteIsWell) {
  DispatchNoteCheck check;
  EXPECT_FALSE(Check(check, Commit()
                                .Dispatch("1", Opening("1"))
                                .Dispatch("2", Opening("2") +
                                                   ReservationNote("2", "9")))
                   .has_value());
  EXPECT_EQ(check.open_dispatches(), 2);
  EXPECT_FALSE(Check(check, Commit()
                                .Exchange("1")
                                .Debit()
                                .Rejection(WithdrawingNote("7"))
                                .Exchange("2", WithdrawingNote("8") +
                                                   WithdrawingNote("9"))
                                .Rejection(""))
                   .has_value());
  EXPECT_EQ(check.open_dispatches(), 0);
  EXPECT_TRUE(check.lacking().empty());
}

TEST(NoteCheckTest, WhatIsChangedOfADispatchIsFound) {
  const Commit commit =
      Commit().Debit().Dispatch("1", Opening("1") + ReservationNote("1", "99"));
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{
           {"\"cost\": 100", "\"cost\": 001"},
           {"2:99", "2:00"},
           {"D1:1", "D1:2"},
           {commit.notes, ""},
           {ReservationNote("1", "99"), ""},
           {commit.notes, TakenOverNote() + commit.notes}}) {
    EXPECT_EQ(FaultOf({Altered(commit, from, to)}).substr(0, 18),
              "1 1 has another no");
  }
}

TEST(NoteCheckTest, EveryFlippedBitIsFound) {
  const Commit opens = Commit().Dispatch("1", Opening("1"));
  const Commit closes =
      Commit().Exchange("1", WithdrawingNote("2")).Exchange("3").Debit();
  for (size_t bit = 0; bit < 8 * opens.notes.size(); ++bit) {
    Commit flipped = opens;
    flipped.notes[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_NE(FaultOf({flipped}), "") << bit;
  }
  for (size_t bit = 0; bit < 8 * closes.notes.size(); ++bit) {
    Commit flipped = closes;
    flipped.notes[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_NE(FaultOf({opens, flipped}), "") << bit;
  }
}

TEST(NoteCheckTest, WhatIsPutInIsFound) {
  const Commit opens = Commit().Dispatch("1", Opening("1"));
  for (const std::string& note :
       {ClosingNote("1"), WithdrawingNote("1"), Opening("1"), Opening("5"),
        ReservationNote("1", "7"), std::string("?")}) {
    Commit put = Commit().Exchange("3");
    put.notes += note;
    EXPECT_NE(FaultOf({opens, put}), "") << note;
    put = Commit().Debit();
    put.notes += note;
    EXPECT_NE(FaultOf({opens, put}), "") << note;
  }
}

TEST(NoteCheckTest, AnExchangeWithoutANoteOfItsDispatchIsFound) {
  const Commit opens = Commit().Dispatch("1", Opening("1"));
  Commit closes = Commit().Exchange("1");
  closes.notes = "";
  EXPECT_EQ(FaultOf({opens, closes}).substr(0, 10), "0 X-1 clos");
  closes.notes = TakenOverNote();
  EXPECT_EQ(FaultOf({opens, closes}).substr(0, 10), "0 X-1 clos");
  closes.notes = ClosingNote("2");
  EXPECT_EQ(FaultOf({opens, closes}).substr(0, 10), "0 X-1 clos");
}

TEST(NoteCheckTest, WhatGatewaysOfBeforeWroteIsTakenAsItIs) {
  EXPECT_EQ(FaultOf({Commit()
                         .Dispatch("1", Opening("1"), /*is_named=*/false)
                         .Dispatch("2", Opening("2"), /*is_named=*/false),
                     Commit()
                         .Exchange("2", WithdrawingNote("1"), false)
                         .Rejection(WithdrawingNote("7"), false)}),
            "");
  // Of one that names its note they can say nothing.
  EXPECT_NE(FaultOf({Commit().Dispatch("1", Opening("1")),
                     Commit().Rejection(WithdrawingNote("1"), false)}),
            "");
  EXPECT_NE(FaultOf({Commit().Dispatch("1", Opening("1")),
                     Commit().Dispatch("2", Opening("1"), false)}),
            "");
}

TEST(NoteCheckTest, WhatWasTakenOverLacksTheNotesOfWhatIsOpen) {
  DispatchNoteCheck check;
  Commit taken = Commit().Dispatch("1", "1").Dispatch("2", "2").Exchange("1");
  taken.notes = TakenOverNote();
  EXPECT_FALSE(Check(check, taken).has_value());
  ASSERT_EQ(check.lacking().size(), 1U);
  EXPECT_EQ(*check.lacking().begin(), "2");
  EXPECT_FALSE(Check(check, Commit().Exchange("2")).has_value());
  EXPECT_TRUE(check.lacking().empty());
}

TEST(NoteCheckTest, FactsAreReadInAnyForm) {
  DispatchFacts facts;
  ReadDispatchFacts(
      R"({"event_type":"EXCHANGE","id":"X","metadata":{"gateway":)"
      R"({"note_hash":"h"},"dispatch_entry_id":"D"}})",
      &facts);
  EXPECT_EQ(facts.kind, DispatchFacts::Kind::kExchange);
  EXPECT_EQ(facts.id, "X");
  EXPECT_EQ(facts.dispatch_id, "D");
  EXPECT_EQ(facts.note_hash, "h");
  ReadDispatchFacts("no entry", &facts);
  EXPECT_EQ(facts.kind, DispatchFacts::Kind::kOther);
  EXPECT_EQ(facts.note_hash, "");
}

}  // namespace
}  // namespace gateway

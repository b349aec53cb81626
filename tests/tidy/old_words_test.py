import unittest

from tests.tidy import old_words
from tests.tidy.tree import Tree


class OldWordsTest(unittest.TestCase):

    def problems(self, text, path="service/a/a.cc"):
        return old_words.old_words(Tree({path: text}))

    def test_each_old_word_names_the_one_to_write(self):
        for text, instead in [
                ("// Each door speaks its own words.", "listener"),
                ("class DoorKeeper {", "API"),
                ("enum { DOOR_HTTP = 1 };", "API"),
                ("constexpr int kDoorsMax = 4;", "API"),
                ("const Wiring& in_use();", "runtime snapshot"),
                ("Task<void> Answer(Visit& visit);", "RequestContext"),
                ('#include "service/http/visit.h"', "RequestContext"),
                ("std::vector<NotedTry> all;", "attempt"),
                ("TryProgress* progress;", "attempt"),
                ("It failed after three tries.", "attempt"),
                ("std::string Tries(const Call& call);", "attempt"),
                ("Remembrance::Begin(call);", "ConversationRecorder"),
                ("SeedRoutes routes;", "CompatibilityRoutes"),
                ('#include "service/http/seed_routes.h"', "Compatibility"),
                ("VendorWords words;", "vendor names"),
                ('#include "providers/dialects/gemini/words.h"', "vendor"),
                ("Losses losses;", "dropped fields"),
                ("Unseal(SealOf(part));", "signature"),
                ("Lane& lane_;", "shard"),
                ("Verdict Judge(status);", "classify"),
                ("log.NoteRefusal(status);", "Record"),
                ("board->Note(status);", "Record"),
                ("Desk desk;", "roster"),
                ("Office office;", "registry"),
                ("limits.Heed(x);", "obey"),
                ("// Of a stranger nothing is read.", "unauthenticated"),
                ("constexpr int kStrangerLinesMax = 4;", "unauthenticated"),
                ("co_return Blame(status);", "WrapFault"),
                ("upload_->Stir();", "Notify"),
                ("now::Write(x);", "room"),
        ]:
            with self.subTest(text):
                problems = self.problems(text)
                self.assertTrue(problems)
                self.assertIn(instead, problems[0])

    def test_file_names_have_none_of_them_either(self):
        self.assertEqual(self.problems("", "service/a/door.cc"), [
            "service/a/door.cc:1: 'door': say listener (a port) or API "
            "(paths and their format)"])

    def test_words_that_only_look_alike_are_fine(self):
        for text in [
                "An indoor plane sealed lands in Doorway.",
                "It tries again; retries are counted, entries are not.",
                "std::visit(f, v); Visited(); JsonVisitCheck check; visit(x);",
                '#include "base/text/byte_words.h"',
                "absl::DataLossError(x); // Notes it: the loss is told once.",
                'kPrefix = "seal:"; R"({"a":"xseal:"})";',
                "Knows what is known and then: now.",
        ]:
            with self.subTest(text):
                self.assertEqual(self.problems(text), [])

    def test_decisions_are_held_to_it_and_the_list_itself_is_not(self):
        self.assertEqual(self.problems("A door.", "STYLE.md"), [])
        self.assertNotEqual(self.problems("A door.", "docs/adr/0001-x.md"), [])
        self.assertNotEqual(self.problems("A door.", "docs/x.md"), [])

    def test_the_line_is_named(self):
        self.assertTrue(self.problems("\n\na\nLane b;\n")[0].startswith(
            "service/a/a.cc:4: "))


if __name__ == "__main__":
    unittest.main()

package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
)

// shownWriter is the one way to a terminal: what a gateway has said is shown
// there, and never obeyed. Each write is of whole characters.
type shownWriter struct {
	to io.Writer
}

func (w shownWriter) Write(text []byte) (int, error) {
	if _, err := io.WriteString(w.to, shown(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// shown returns the text with all but line ends and tabs that has no shape of
// its own - controls, marks of direction, what has no width - as JSON escapes
// it. So JSON stays what it says. What is not UTF-8 becomes U+FFFD.
func shown(text string) string {
	var out strings.Builder
	for _, each := range text {
		if each == '\n' || each == '\t' || unicode.IsPrint(each) {
			out.WriteRune(each)
		} else if each < 0x10000 {
			fmt.Fprintf(&out, "\\u%04x", each)
		} else {
			high, low := utf16.EncodeRune(each)
			fmt.Fprintf(&out, "\\u%04x\\u%04x", high, low)
		}
	}
	return out.String()
}

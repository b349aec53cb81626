package main

import (
	"strings"
	"unicode/utf8"
)

const (
	defaultText       = "The mock upstream answers with these words."
	defaultChunks     = 8
	defaultChunkBytes = 16
	fillerText        = "Lorem ipsum dolor sit amet, consectetur elit. "
)

// run is a piece of text that a stream sends several times in a row, so that
// a stream of a million chunks costs the memory of one.
type run struct {
	piece string
	times int
}

func runsLength(runs []run) int {
	n := 0
	for _, r := range runs {
		n += r.times
	}
	return n
}

func joinRuns(runs []run) string {
	var b strings.Builder
	for _, r := range runs {
		for i := 0; i < r.times; i++ {
			b.WriteString(r.piece)
		}
	}
	return b.String()
}

// textRuns cuts the step's text, or text made up to its sizes, into chunks. A
// code point is never cut.
func (s *Step) textRuns() []run {
	if s.Text == "" && (s.ReplyBytes > 0 || s.Chunks > 0 || s.ChunkBytes > 0) {
		return s.fillerRuns()
	}
	text := s.Text
	if text == "" {
		text = defaultText
	}
	switch {
	case s.Chunks > 0:
		return pieces(text, (len(text)+s.Chunks-1)/s.Chunks)
	case s.ChunkBytes > 0:
		return pieces(text, s.ChunkBytes)
	}
	var runs []run
	for _, word := range strings.SplitAfter(text, " ") {
		if word != "" {
			runs = append(runs, run{word, 1})
		}
	}
	return runs
}

func (s *Step) fillerRuns() []run {
	size, count := s.ChunkBytes, s.Chunks
	if s.ReplyBytes > 0 {
		if count > 0 {
			size = (s.ReplyBytes + count - 1) / count
		} else if size == 0 {
			size = defaultChunkBytes
		}
		full, rest := s.ReplyBytes/size, s.ReplyBytes%size
		var runs []run
		if full > 0 {
			runs = append(runs, run{filler(size), full})
		}
		if rest > 0 {
			runs = append(runs, run{filler(rest), 1})
		}
		return runs
	}
	if size == 0 {
		size = defaultChunkBytes
	}
	if count == 0 {
		count = defaultChunks
	}
	return []run{{filler(size), count}}
}

func filler(size int) string {
	return strings.Repeat(fillerText, size/len(fillerText)+1)[:size]
}

func pieces(text string, size int) []run {
	if size < 1 {
		size = 1
	}
	var runs []run
	for len(text) > 0 {
		end := size
		if end >= len(text) {
			end = len(text)
		}
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end++
		}
		runs = append(runs, run{text[:end], 1})
		text = text[end:]
	}
	return runs
}

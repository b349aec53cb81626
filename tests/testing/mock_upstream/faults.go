package main

import (
	"bytes"
	"strings"
)

var garbageNames = []string{
	"bad_utf8", "split_code_point", "huge_line", "nul_bytes", "html",
	"wrong_content_type", "duplicate_finish", "negative_usage",
	"invalid_json", "wrong_shape", "empty_body", "oversize_headers",
	"both_lengths", "bad_chunk_size", "short_body", "bad_status_line",
	"bad_header_line", "data_after_done",
}

const (
	// Stands in a text until it has been encoded, then gives way to bytes
	// that no encoder would write.
	garbageMark   = "@@GARBAGE@@"
	hugeLineBytes = 10 << 20
	hugeHeadBytes = 1 << 20
	htmlPage      = "<!DOCTYPE html><html><head><title>502</title></head>" +
		"<body><h1>Bad gateway</h1></body></html>\n"
)

var garbageBytes = map[string]string{
	"bad_utf8":         "\xff\xfe\xc3\x28\xed\xa0\x80",
	"nul_bytes":        "\x00\x00",
	"split_code_point": "\xf0\x9f\x98\x80",
}

// garbageMark is appended to each piece of text that is to be spoilt.
func (s *Step) garbageMark() string {
	if garbageBytes[s.Garbage] != "" {
		return garbageMark
	}
	return ""
}

// special says that the step does more than send a whole answer at once.
func (s *Step) special() bool {
	return s.RetryAfterDateSec != nil || s.RequireKey != "" ||
		len(s.Inform) > 0 || s.FirstByteDelayMs > 0 || s.SplitBytes > 0 ||
		s.SplitAt > 0 || s.DripMs > 0 || s.WireSplitBytes > 0 ||
		s.ResetBeforeFirstByte || s.CloseBeforeFirstByte ||
		s.CloseReusedConnection || s.ResetReusedConnection ||
		s.CloseAfterAnswer || s.StallBeforeFirstByte ||
		s.cut().kind != cutNone || s.Garbage != ""
}

// spoil applies the garbage that is a matter of the answer's bytes.
func spoil(a *answer, c call) {
	s := a.step
	if raw := garbageBytes[s.Garbage]; raw != "" {
		mark := []byte(garbageMark)
		a.body = bytes.ReplaceAll(a.body, mark, []byte(raw))
		for _, part := range a.parts {
			for i := range part.events {
				part.events[i].bytes = bytes.ReplaceAll(part.events[i].bytes,
					mark, []byte(raw))
			}
		}
	}
	switch s.Garbage {
	case "html":
		a.replaceBody(htmlPage, "text/html; charset=utf-8")
	case "wrong_content_type":
		a.header = replaceFields(a.header,
			[]field{{"content-type", "application/octet-stream"}})
	case "empty_body":
		a.replaceBody("", "application/json")
	case "invalid_json":
		a.insert(`{"id":"cut","choices":[{"del`)
	case "wrong_shape":
		a.insert(`{"choices":"none","content":7,"usage":[],"type":3}`)
	case "huge_line":
		size := s.GarbageBytes
		if size == 0 {
			size = hugeLineBytes
		}
		a.insert(`{"filler":"` + strings.Repeat("x", size) + `"}`)
	case "data_after_done":
		if a.stream {
			a.parts = append(a.parts, segment{[]event{{bytes: a.vendor.frame(
				[]byte(`{"late":true}`))}}, 1})
		}
	case "oversize_headers":
		size := s.GarbageBytes
		if size == 0 {
			size = hugeHeadBytes
		}
		a.header = append(a.header, field{"x-filler",
			strings.Repeat("h", size)})
	case "both_lengths":
		a.framing = framingBoth
	case "bad_chunk_size":
		a.framing = framingChunked
	}
}

func (a *answer) replaceBody(body, contentType string) {
	a.stream, a.parts, a.body = false, nil, []byte(body)
	a.usage = Usage{}
	if a.step.Framing == "" {
		a.framing = framingLength
	}
	a.header = replaceFields(a.header, []field{{"content-type", contentType}})
}

// insert puts data where a reader expects an event or a body: after the first
// content event of a stream, in place of a body.
func (a *answer) insert(data string) {
	if !a.stream {
		a.body = []byte(data)
		a.usage = Usage{}
		return
	}
	odd := segment{[]event{{bytes: a.vendor.frame([]byte(data))}}, 1}
	for i, part := range a.parts {
		if part.events[len(part.events)-1].content {
			var parts []segment
			parts = append(parts, a.parts[:i]...)
			parts = append(parts, segment{part.events, 1}, odd)
			if part.times > 1 {
				parts = append(parts, segment{part.events, part.times - 1})
			}
			a.parts = append(parts, a.parts[i+1:]...)
			return
		}
	}
	a.parts = append([]segment{odd}, a.parts...)
}

// cut is where and how a step breaks a stream off.
type cut struct {
	kind  cutKind
	after int // content events let through
}

type cutKind int

const (
	cutNone cutKind = iota
	cutReset
	cutClose
	cutHalfClose
	cutStall
	cutError
	cutEnd
)

func (s *Step) cut() cut {
	for _, c := range []struct {
		after *int
		kind  cutKind
	}{
		{s.ResetAfterChunks, cutReset},
		{s.CloseAfterChunks, cutClose},
		{s.HalfCloseAfterChunks, cutHalfClose},
		{s.StallAfterChunks, cutStall},
		{s.ErrorAfterChunks, cutError},
		{s.EndAfterChunks, cutEnd},
	} {
		if c.after != nil {
			return cut{c.kind, *c.after}
		}
	}
	return cut{}
}
